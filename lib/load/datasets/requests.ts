/**
 * Recorded or prepared requests: OpenAI batches and payloads with complete bodies, and rows that
 * are themselves a body or a prompt.
 */
import { timeOf } from "./mooncake.ts";
import { saidAfter, UNKNOWN_ROW } from "./row.ts";
import { isJsonObject } from "../../json_fields.ts";
import type { DatasetForm, DatasetRow } from "./row.ts";
import type { RowFields } from "./row_fields.ts";

/**
 * Fields that are sent in the body where a row has them: those of OpenAI's chat, completions,
 * responses and embeddings APIs, and the extensions of vLLM, SGLang and llama.cpp.
 */
const BODY_FIELDS = (
  "model tools tool_choice parallel_tool_calls functions function_call temperature top_p top_k min_p " +
  "typical_p n best_of seed stop stop_token_ids logprobs top_logprobs logit_bias presence_penalty " +
  "frequency_penalty repetition_penalty length_penalty response_format guided_json guided_regex " +
  "guided_choice guided_grammar structured_outputs grammar json_schema regex user metadata store " +
  "service_tier reasoning_effort reasoning modalities audio prediction web_search_options verbosity " +
  "max_completion_tokens max_output_tokens min_tokens ignore_eos echo suffix chat_template " +
  "chat_template_kwargs add_generation_prompt continue_final_message add_special_tokens " +
  "skip_special_tokens include_reasoning separate_reasoning documents mm_processor_kwargs priority " +
  "cache_salt prompt_cache_key safety_identifier truncate_prompt_tokens text_2 top_n input instructions " +
  "previous_response_id text dimensions encoding_format extra_body cache_prompt mirostat samplers lora " +
  "lora_path stream_options stream"
).split(" ");

/** OpenAI's batch form: `{custom_id, method, url, body}`. */
export const openaiBatchForm: DatasetForm = {
  name: "openai batch",
  has: (names) => names.has("body") && (names.has("custom_id") || names.has("url")),
  begin(note) {
    const paths = new Set<string>();
    return (fields) => {
      fields.value("custom_id");
      const method = fields.text("method") ?? "POST";
      if (method !== "POST") throw fields.complaint(`method: "${method}"; expected POST`);
      paths.add(fields.text("url") ?? "");
      if (paths.size > 1) {
        throw fields.complaint(
          `url: ${[...paths].join(" and ")} in one file; a load asks one API: split the file`,
        );
      }
      const body = fields.value("body");
      if (!isJsonObject(body)) throw fields.complaint("body: expected an object");
      return bodyRow(body, fields, note);
    };
  },
};

/**
 * Names of the text in a row, including rows for rankings and pairs, which also have `documents` or
 * `text_2`.
 */
const PROMPTS = ["prompt", "query", "text_1"];
/** Names of the length of the answer, as used by Mooncake, vLLM and GuideLLM. */
const LENGTHS = ["output_length", "output_tokens", "output_tokens_count"];

/** The form of rows with `prompt`, `messages`, `turns` or `input`, and any field of a request's body. */
export const requestForm: DatasetForm = {
  name: "requests",
  has: (names) => [...PROMPTS, "messages", "turns", "input"].some((name) => names.has(name)),
  begin(note) {
    return (fields) => {
      fields.value("id");
      const body: Record<string, unknown> = {};
      for (const name of ["messages", "max_tokens", ...BODY_FIELDS]) {
        const value = fields.json(name);
        if (value !== undefined) body[name] = value;
      }
      Object.assign(body, fields.object("extra")); // as in AIPerf
      const known = (names: string[]) =>
        names.find((name) => fields.value(name) !== undefined) ?? "";
      const prompt = fields.value(known(PROMPTS));
      if (prompt !== undefined) body.prompt = prompt;
      const turns = fields.json("turns");
      const length = fields.count(known(LENGTHS));
      if (length !== null && length > 0 && body.max_tokens === undefined) body.max_tokens = length;
      const rest = restOf(fields);
      if (turns === undefined) {
        const row = bodyRow(body, fields, note);
        const last = row.messages?.at(-1) as { role?: unknown } | undefined;
        if (last?.role === "assistant") {
          note("messages end with an answer: it is sent as it is, and the model continues it");
        }
        return { ...row, ...rest };
      }
      const texts = Array.isArray(turns) && turns.length > 0 &&
        turns.every((turn) => typeof turn === "string");
      if (!texts) {
        throw fields.complaint('turns: expected a list of texts, as ["…", "…"]');
      }
      const { prompt: _prompt, messages, input, ...others } = body;
      if (prompt !== undefined || messages !== undefined || input !== undefined) {
        note(`beside "turns", "prompt", "messages" and "input" are not used`);
      }
      const [first, ...said] = turns;
      const row = loadsOwn(others, note);
      return { ...row, ...rest, prompt: first, later: saidAfter(said, row) };
    };
  },
};

/** The form of complete bodies in `payload`, as AIPerf replays them, for known APIs and any other. */
export const payloadForm: DatasetForm = {
  name: "payloads",
  has: (names) => names.has("payload"),
  begin: (note, { whole }) => (fields) => {
    const payload = fields.object("payload");
    if (payload === null) throw fields.complaint('no "payload"; expected the body of a request');
    const known = !whole &&
      ["prompt", "messages", "input"].some((name) => payload[name] !== undefined);
    const row = known ? bodyRow(payload, fields, note) : UNKNOWN_ROW;
    return { ...row, ...restOf(fields), payload };
  },
};

function restOf(fields: RowFields): Pick<DatasetRow, "t_s" | "session"> {
  return {
    t_s: timeOf(fields),
    session: fields.name("session") ?? fields.name("session_id"),
  };
}

/** Makes a row from the body of a request, all of which is sent. */
function bodyRow(
  body: Readonly<Record<string, unknown>>,
  fields: RowFields,
  note: (text: string) => void,
): DatasetRow {
  const { prompt, messages, ...more } = body;
  const row = loadsOwn(more, note);
  const others = row.body;
  if (messages !== undefined) {
    if (prompt !== undefined) note(`beside "messages", "prompt" is not used`);
    if (Array.isArray(messages) && messages.length > 0) return { ...row, messages };
  } else if (typeof prompt === "string" && prompt !== "") {
    return { ...row, prompt };
  } else if (Array.isArray(prompt) && prompt.length > 0) {
    return { ...row, prompt: JSON.stringify(prompt), body: { ...others, prompt } };
  } else if (others.input !== undefined) {
    const { input } = others;
    return { ...row, prompt: typeof input === "string" ? input : JSON.stringify(input) };
  }
  throw fields.complaint('expected "prompt", "messages", "input" or "turns"');
}

/** A row's additional fields, except those that the load sets itself. */
function loadsOwn(
  { max_tokens, stream, stream_options, ...body }: Record<string, unknown>,
  note: (text: string) => void,
) {
  if (stream === false) note('"stream": false is not followed: --no-stream asks for whole answers');
  const asksUsage = JSON.stringify(stream_options) === '{"include_usage":true}'; // as in all loads
  if (stream_options !== undefined && !asksUsage) note('"stream_options" is not used');
  const limit = typeof max_tokens === "object" ? NaN : Number(max_tokens);
  const output_tokens = Number.isInteger(limit) && limit >= 1 ? limit : null;
  const isGiven = max_tokens !== undefined && max_tokens !== null && max_tokens !== "";
  if (isGiven && output_tokens === null) {
    note('"max_tokens" that is not a whole number, at least 1, is not used');
  }
  return { ...UNKNOWN_ROW, output_tokens, body };
}
