/**
 * KServe's v2 API for texts: Triton's extension /generate and /generate_stream, and /infer with text
 * tensors as TensorRT-LLM's ensembles use them.
 */
import { objectsIn } from "../../json_fields.ts";
import { countIn, textIn } from "../json.ts";
import { Said } from "../said.ts";
import { promptOf } from "./form.ts";
import type { JsonObject } from "../../json_fields.ts";
import type { ApiForm, RequestForm } from "./form.ts";

const MODEL = "\\/v2\\/models\\/(?<model>[^/]+)(?:\\/versions\\/[^/]+)?";
const GENERATE = /\/generate(_stream)?$/;

/** Replaces the model that the path names. */
function setModel(url: URL, model: string): void {
  url.pathname = url.pathname.replace(
    /(?<=\/v2\/models\/)[^/]+/,
    (named) => decodeURIComponent(named) === model ? named : encodeURIComponent(model),
  );
}

const texts = { says: "text", converses: false } satisfies Partial<RequestForm>;

/** For servers where every event is a complete body. */
function saidInOutput(json: JsonObject): Said {
  const said = new Said();
  const { text_output } = json;
  // a tensor of several texts is a list
  const output = Array.isArray(text_output) ? text_output.map(textIn).join("") : text_output;
  if (typeof output !== "string") return said;
  said.has_choice = true;
  said.add("text", output);
  return said;
}

/** Triton's generate extension. */
export const KSERVE_GENERATE: ApiForm = {
  ...texts,
  path: new RegExp(`${MODEL}\\/generate(?:_stream)?$`),
  setUrl: (url, model, stream) => {
    setModel(url, model);
    url.pathname = url.pathname.replace(/\/+$/, "")
      .replace(GENERATE, stream ? "/generate_stream" : "/generate");
  },
  request: (question, target) => ({
    text_input: promptOf(question, target),
    parameters: { stream: target.stream, ...question.parameters },
  }),
  open_end: true,
  event: saidInOutput,
  body: (json) => {
    const said = saidInOutput(json);
    // vLLM's backend sends counts on request; in a stream they are those of each event
    const prompt_tokens = countIn(json.num_input_tokens);
    const completion_tokens = countIn(json.num_output_tokens);
    if (prompt_tokens !== null || completion_tokens !== null) {
      said.addUsage({ prompt_tokens, completion_tokens, details: {} });
    }
    return said;
  },
  list: "text_output",
  kept: (raw, { text_output: _, ...rest }) => ({ ...raw, ...rest }),
  whole: (raw, { text }) => ({ ...raw, text_output: text }),
};

/** Parameters whose tensors hold floats, even when the value is a whole number. */
const FRACTIONS = /^(temperature|top_p|min_p|.*_penalty|beam_search_diversity_rate|runtime_top_p)$/;

/** A tensor with one value, for a batch of one. */
function tensor(name: string, value: unknown): JsonObject {
  const datatype = typeof value === "boolean"
    ? "BOOL"
    : typeof value !== "number"
    ? "BYTES"
    : Number.isInteger(value) && !FRACTIONS.test(name)
    ? "INT32"
    : "FP32";
  const data = datatype === "BYTES" && typeof value !== "string" ? JSON.stringify(value) : value;
  return { name, shape: [1, 1], datatype, data: [data] };
}

function saidInTensors(json: JsonObject): Said {
  const said = new Said();
  const outputs = objectsIn(json.outputs);
  if (outputs.length === 0) return said;
  said.has_choice = said.has_token = true; // numbers too
  const words = outputs.filter(({ datatype }) => datatype === "BYTES");
  const output = words.find(({ name }) => name === "text_output") ?? words[0];
  if (Array.isArray(output?.data)) {
    said.has_token = false;
    said.add("text", output.data.flat(Infinity).map(textIn).join(""));
  }
  return said;
}

/** Inference with tensors: one text in, one out. */
export const KSERVE_INFER: ApiForm = {
  ...texts,
  path: new RegExp(`${MODEL}\\/infer$`),
  whole_only: true,
  setUrl: setModel,
  request: ({ parameters = {}, ...question }, target) => ({
    inputs: [
      tensor("text_input", promptOf(question, target)),
      ...Object.entries(parameters).filter(([, value]) => value !== undefined)
        .map(([name, value]) => tensor(name, value)),
    ],
  }),
  event: saidInTensors,
  body: saidInTensors,
  list: "outputs",
  kept: (raw, json) => ({ ...raw, ...json }),
  whole: (raw) => raw,
};
