/** Answers that are numbers: vectors, rankings, scores of pairs. */
import { AskedWrongly, readBody, readModel } from "./asked.ts";
import { embeddingsBody, readAskedVectors } from "./embeddings.ts";
import { textHash, tokensOf } from "./tokens.ts";

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
