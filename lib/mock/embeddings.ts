/** The answers of an embeddings endpoint. */
import { Buffer } from "node:buffer";
import { seededRandom } from "../stats/random.ts";
import { AskedWrongly, promptsIn, readBody, readModel } from "./asked.ts";
import { textHash } from "./tokens.ts";

const DIMENSIONS = 8;
const MAX_DIMENSIONS = 4096;

/** A request for vectors, parsed from its body. */
export interface AskedVectors {
  model: string;
  inputs: { text: string; tokens: string[] }[];
  dimensions: number;
  /** As little-endian 32-bit floats in base64, the default of OpenAI's Python client. */
  base64: boolean;
}

/**
 * Parses a request's body.
 *
 * @param model used if the request names none.
 * @throws {AskedWrongly} the body is not a request for vectors.
 */
export function readAskedVectors(body_text: string, model: string): AskedVectors {
  const body = readBody(body_text);
  const { encoding_format = "float", dimensions = DIMENSIONS } = body;
  if (encoding_format !== "float" && encoding_format !== "base64") {
    throw new AskedWrongly("encoding_format: expected float or base64");
  }
  if (typeof dimensions !== "number" || !(dimensions >= 1 && dimensions <= MAX_DIMENSIONS)) {
    throw new AskedWrongly(
      `dimensions: expected a number, at least 1 and at most ${MAX_DIMENSIONS}`,
    );
  }
  return {
    model: readModel(body, model),
    inputs: promptsIn(body.input, "input"),
    dimensions: Math.floor(dimensions),
    base64: encoding_format === "base64",
  };
}

/** The answer: for each input a vector of length 1 that depends only on its text. */
export function embeddingsBody({ model, inputs, dimensions, base64 }: AskedVectors): unknown {
  const tokens = inputs.reduce((sum, input) => sum + input.tokens.length, 0);
  return {
    object: "list",
    model,
    data: inputs.map(({ text }, index) => {
      const vector = vectorOf(text, dimensions);
      const embedding = base64 ? base64Of(vector) : [...vector];
      return { object: "embedding", index, embedding };
    }),
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}

function vectorOf(text: string, dimensions: number): Float32Array {
  const random = seededRandom(textHash(text));
  const raw = Array.from({ length: dimensions }, () => 2 * random() - 1);
  const length = Math.hypot(...raw) || 1;
  return Float32Array.from(raw, (value) => value / length);
}

function base64Of(vector: Float32Array): string {
  const bytes = Buffer.alloc(4 * vector.length);
  vector.forEach((value, i) => bytes.writeFloatLE(value, 4 * i));
  return bytes.toString("base64");
}
