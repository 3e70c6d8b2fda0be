/**
 * similarity: the answer means the same as an expected text, measured by the cosine of their embeddings.
 */
import { Buffer } from "node:buffer";
import { z } from "zod";
import { asObject, objectsIn } from "../../json_fields.ts";
import { modelChoice } from "../../settings/model_choice.ts";
import { expects, someTexts } from "./text.ts";
import { hits, listed, verdict } from "./verdict.ts";
import type { Reply } from "../../endpoint/answer.ts";
import type { Evaluator, ModelChoice } from "../evaluator.ts";

const options = z.strictObject({
  ...modelChoice.shape,
  model: z.string(expects("the model that embeds the texts")).min(1),
  /** A text, or several, of which the nearest counts. */
  expected: someTexts,
  /** The cosine that a test needs to pass. */
  pass_at: z.number().gt(0).max(1).default(0.8),
});

type Options = z.infer<typeof options>;

function modelOf({ expected: _expected, pass_at: _pass_at, ...model }: Options): ModelChoice {
  return { ...model, embeds: true };
}

/**
 * The cosine of the angle between two vectors, -1 to 1; null when one has length 0.
 *
 * @throws {RangeError} the vectors have different dimensions.
 */
export function cosine(a: readonly number[], b: readonly number[]): number | null {
  if (a.length !== b.length) throw new RangeError(`vectors of ${a.length} and ${b.length} numbers`);
  const lengths = Math.hypot(...a) * Math.hypot(...b);
  if (!(lengths > 0 && Number.isFinite(lengths))) return null;
  const dot = a.reduce((sum, value, i) => sum + value * b[i], 0);
  return Math.max(-1, Math.min(1, dot / lengths));
}

/** The vectors in an embeddings answer, in the order of the texts; floats, or base64 of 32-bit floats. */
function vectorsIn(reply: Reply, count: number): number[][] {
  const found = objectsIn(asObject(reply.toJson())?.data);
  const vectors = Array.from({ length: count }, (_, i) => {
    const own = found.find(({ index }) => index === i) ?? found[i];
    return vectorOf(own?.embedding);
  });
  if (found.length !== count || vectors.some((vector) => vector.length === 0)) {
    throw new Error(`the server gave ${found.length} embeddings for ${count} texts, or empty ones`);
  }
  return vectors;
}

function vectorOf(embedding: unknown): number[] {
  if (typeof embedding === "string") {
    const bytes = Buffer.from(embedding, "base64");
    return Array.from({ length: bytes.length >> 2 }, (_, i) => bytes.readFloatLE(4 * i));
  }
  const isVector = Array.isArray(embedding) &&
    embedding.every((value) => typeof value === "number" && Number.isFinite(value));
  return isVector ? embedding : [];
}

export const similarity: Evaluator<Options> = {
  name: "similarity",
  options: options as z.ZodType<Options>,
  models: (given) => [modelOf(given)],
  async evaluate({ response_text, ask }, given) {
    if (response_text.trim() === "") return verdict("similarity", false, "the answer is empty");
    if (ask === undefined) throw new Error("embeddings can only be asked for in a run");
    const texts = [response_text, ...listed(given.expected)];
    const reply = await ask(modelOf(given), { inputs: texts });
    const [answer, ...expected] = vectorsIn(reply, texts.length);
    const cosines = expected.map((vector) => cosine(answer, vector));
    const known = cosines.filter((value) => value !== null);
    if (known.length === 0) throw new Error("the server gave vectors without a length");
    const nearest = Math.max(...known);
    const detail = `cosine ${nearest.toFixed(4)}, expected at least ${given.pass_at}`;
    return hits("similarity", Math.max(0, nearest), 1, given.pass_at, detail);
  },
};
