/** Text Generation Inference's own /generate and /generate_stream, as Hugging Face documents them. */
import { InputError } from "../../errors.ts";
import { asObject } from "../../json_fields.ts";
import { countIn, textIn } from "../json.ts";
import { Said } from "../said.ts";
import { promptOf } from "./form.ts";
import type { JsonObject } from "../../json_fields.ts";
import type { ApiForm } from "./form.ts";

/** Parameters that the API does not have; it would ignore them silently. */
const UNKNOWN = ["ignore_eos", "min_tokens", "n", "logprobs", "tools", "tool_choice"];

/** Excludes the path of Ollama, which has the same end. */
const PATH = /(?<!\/api)\/generate(_stream)?$/;

/** Reads an event: a token, and with the last one the whole text and the counts. */
function saidInEvent(json: JsonObject): Said {
  const said = new Said();
  const token = asObject(json.token);
  if (token !== null) {
    said.has_choice = true;
    if (token.special !== true) said.add("text", textIn(token.text)); // not the end marker
  }
  if (typeof json.generated_text === "string") end(said, json.details);
  return said;
}

function saidInBody(json: JsonObject): Said {
  const said = new Said();
  if (typeof json.generated_text !== "string") return said;
  said.has_choice = true;
  said.add("text", json.generated_text);
  end(said, json.details);
  return said;
}

function end(said: Said, told: unknown): void {
  const details = asObject(told);
  if (details !== null) {
    const prefill = Array.isArray(details.prefill) ? details.prefill.length : 0;
    said.addUsage({
      prompt_tokens: countIn(details.input_length) ?? (prefill || null),
      completion_tokens: countIn(details.generated_tokens),
      details: {},
    });
  }
  said.finish(textIn(details?.finish_reason) || null);
}

/** Text Generation Inference. */
export const TGI: ApiForm = {
  path: PATH,
  says: "text",
  converses: false,
  setUrl: (url, _model, stream) => {
    url.pathname = url.pathname.replace(/\/+$/, "")
      .replace(PATH, stream ? "/generate_stream" : "/generate");
  },
  request: (question, target) => {
    const { max_tokens, stop, ...others } = question.parameters ?? {};
    const unknown = UNKNOWN.find((name) => others[name] !== undefined);
    if (unknown !== undefined) {
      throw new InputError(
        `parameters: TGI's /generate has no "${unknown}"; leave it out, or use its /v1/chat/completions`,
      );
    }
    return {
      inputs: promptOf(question, target),
      parameters: {
        ...(max_tokens === undefined ? {} : { max_new_tokens: max_tokens }),
        ...(stop === undefined ? {} : { stop: [stop].flat() }),
        details: true, // for the counts
        ...others,
      },
    };
  },
  event: saidInEvent,
  body: saidInBody,
  list: "generated_text",
  kept: (raw, { token: _, index: __, ...rest }) => ({ ...raw, ...rest }),
  whole: (raw, { text }) => ({ ...raw, generated_text: text }),
};
