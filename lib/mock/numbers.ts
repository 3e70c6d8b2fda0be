/** Answers that are numbers: vectors, rankings, scores of pairs. */
import { AskedWrongly, promptsIn, readBody, readModel } from "./asked.ts";
import { textHash, tokensOf } from "./tokens.ts";
import { Buffer } from "node:buffer";
import { seededRandom } from "../stats/random.ts";

/** A request's model, and its answer. */
export interface WholeAnswer {
  model: string;
  /** JSON, or a file. */
  body: unknown;
  /** The content type of a file. */
  type?: string;
  /** The same body without content. */
  nothing: unknown;
}

/** Parses a request's body. @throws {AskedWrongly} it has another form. */
type ReadNumbers = (body_text: string, model: string) => WholeAnswer;

/** By path; the forms are vLLM's, which follow Jina's and Cohere's. */
export const NUMBERS: Record<string, ReadNumbers> = {
  "/v1/embeddings": (body_text, otherwise) => {
    const asked = readAskedVectors(body_text, otherwise);
    const body = embeddingsBody(asked);
    return { model: asked.model, body, nothing: embeddingsBody({ ...asked, inputs: [] }) };
  },
  "/rerank": ranking,
  "/v1/rerank": ranking,
  "/v2/rerank": ranking,
  "/score": scores,
  "/v1/score": scores,
};

function ranking(body_text: string, otherwise: string): WholeAnswer {
  const body = readBody(body_text);
  const model = readModel(body, otherwise);
  const [query, ...more] = texts(body.query, "query");
  if (more.length > 0) throw new AskedWrongly("query: expected one text");
  const documents = texts(body.documents, "documents");
  const ranked = documents.map((text, index) => ({
    index,
    document: { text },
    relevance_score: likeness(query, text),
  })).sort((a, b) => b.relevance_score - a.relevance_score);
  const { top_n = documents.length } = body;
  const results = ranked.slice(0, typeof top_n === "number" && top_n > 0 ? top_n : undefined);
  const usage = pairUsage(documents.map((text) => [query, text]));
  const answer = (results: unknown[]) => ({ id: "rerank-mock", model, results, usage });
  return { model, body: answer(results), nothing: answer([]) };
}

function scores(body_text: string, otherwise: string): WholeAnswer {
  const body = readBody(body_text);
  const model = readModel(body, otherwise);
  const first = texts(body.text_1, "text_1"), second = texts(body.text_2, "text_2");
  if (first.length !== 1 && first.length !== second.length) {
    throw new AskedWrongly("text_1: expected one text, or as many as text_2");
  }
  const pairs = second.map((text, i): [string, string] => [first[i] ?? first[0], text]);
  const data = pairs.map(([a, b], index) => ({ index, object: "score", score: likeness(a, b) }));
  const usage = pairUsage(pairs);
  const answer = (data: unknown[]) => ({ id: "score-mock", object: "list", model, data, usage });
  return { model, body: answer(data), nothing: answer([]) };
}

function texts(given: unknown, name: string): string[] {
  const list = Array.isArray(given) ? given : [given];
  if (list.length === 0 || !list.every((text) => typeof text === "string")) {
    throw new AskedWrongly(`${name}: expected text or texts`);
  }
  return list;
}

/** The share of words that a pair has in common; if there are none, a share based on letters. */
function likeness(a: string, b: string): number {
  const [one, other] = [new Set(a.split(/\s+/)), new Set(b.split(/\s+/))];
  const common = [...one].filter((word) => other.has(word)).length;
  const all = new Set([...one, ...other]).size;
  return common > 0 ? common / all : (textHash(a + b) % 1000) / 1e6;
}

function pairUsage(pairs: readonly (readonly [string, string])[]) {
  const tokens = pairs.reduce((sum, [a, b]) => sum + tokensOf(a).length + tokensOf(b).length, 0);
  return { prompt_tokens: tokens, total_tokens: tokens };
}

const DIMENSIONS = 8;
const MAX_DIMENSIONS = 4096;

/** A request for vectors, parsed from its body. */
interface AskedVectors {
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
function readAskedVectors(body_text: string, model: string): AskedVectors {
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
function embeddingsBody({ model, inputs, dimensions, base64 }: AskedVectors): unknown {
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
