/** Forms whose answers are numbers: embeddings, and reranking and scoring as in vLLM, Jina and Cohere. */
import { objectsIn } from "../../json_fields.ts";
import { Said } from "../said.ts";
import { usageOfNumbers } from "../usage.ts";
import { COMPLETIONS } from "./choices.ts";
import { promptOf, withoutLimit } from "./form.ts";
import type { JsonObject } from "../../json_fields.ts";
import type { ApiForm } from "./form.ts";

/**
 * @param names the fields that may hold a body's list; the first one present counts.
 * @param values the fields that may hold an entry's numbers. A list is an answer if each of its entries has some:
 * a NaN is null in JSON.
 */
function numbers(
  names: readonly string[],
  values: readonly string[],
): Omit<ApiForm, "path" | "request"> {
  const hasNumbers = (entry: JsonObject) =>
    values.some((name) => {
      const value = entry[name];
      const several = typeof value === "string" || Array.isArray(value); // base64, or a list
      return typeof value === "number" || (several && value.length > 0);
    });
  return {
    ...COMPLETIONS,
    says: "numbers",
    whole_only: true,
    list: `list of ${names[0]}`,
    body: (json) => {
      const said = new Said();
      said.addUsage(usageOfNumbers(json.usage));
      const list = names.map((name) => json[name]).find((value) => value !== undefined);
      said.has_choice = Array.isArray(list);
      const entries = objectsIn(list);
      said.is_answer = entries.length > 0 && entries.every(hasNumbers);
      return said;
    },
  };
}

/** Embeddings of texts. */
export const EMBEDDINGS: ApiForm = {
  ...numbers(["data"], ["embedding", "embeddings"]),
  path: /\/embeddings$/,
  request: (question, asked) => ({
    model: asked.model,
    input: question.inputs ?? promptOf(question, asked),
    ...withoutLimit(question.parameters),
  }),
};

/** Ranks documents by how well they fit a query. */
export const RERANK: ApiForm = {
  ...numbers(["results", "data"], ["relevance_score", "score"]), // Voyage has data
  path: /\/rerank$/,
  request: ({ parameters, ...question }, asked) => ({
    model: asked.model,
    ...rankedBody(promptOf(question, asked), parameters),
    ...withoutLimit(parameters),
  }),
};

/** Scores how similar two texts are. */
export const SCORE: ApiForm = {
  ...numbers(["data"], ["score"]),
  path: /\/score$/,
  request: ({ parameters, ...question }, asked) => ({
    model: asked.model,
    ...scoredBody(promptOf(question, asked), parameters),
    ...withoutLimit(parameters),
  }),
};

/** The number of documents when a single text is cut into a query and documents of the same length. */
const DOCUMENTS = 3;

/** A query and documents: the text is the query for given documents, or is cut into both. */
function rankedBody(prompt: string, { documents }: JsonObject = {}) {
  if (documents !== undefined) return { query: prompt };
  const [query, ...rest] = pieces(prompt, DOCUMENTS + 1);
  return { query, documents: rest.length > 0 ? rest : [query] };
}

/** A pair: the text is the first one when the second is given, or is cut into both. */
function scoredBody(prompt: string, { text_2 }: JsonObject = {}) {
  if (text_2 !== undefined) return { text_1: prompt };
  const [first, second = first] = pieces(prompt, 2);
  return { text_1: first, text_2: second };
}

/** Cuts a text into at most this many parts with the same number of words; only the last may have fewer. */
function pieces(text: string, most: number): string[] {
  const words = text.split(/\s+/).filter(Boolean);
  const each = Math.max(1, Math.ceil(words.length / most));
  const parts = Array.from(
    { length: Math.ceil(words.length / each) },
    (_, i) => words.slice(i * each, (i + 1) * each).join(" "),
  );
  return parts.length > 0 ? parts : [text];
}
