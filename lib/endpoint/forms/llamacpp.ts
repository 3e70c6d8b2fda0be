/** llama.cpp's own /completion, as its server's README documents it. */
import { asObject } from "../../json_fields.ts";
import { countIn, textIn } from "../json.ts";
import { Said } from "../said.ts";
import { promptOf } from "./form.ts";
import type { JsonObject } from "../../json_fields.ts";
import type { ApiForm } from "./form.ts";

/** Reads an event or a whole answer: both have the same fields. */
function saidIn(json: JsonObject): Said {
  const said = new Said();
  said.has_choice = typeof json.content === "string";
  said.add("text", textIn(json.content));
  if (json.stop !== true) return said;
  const cached_tokens = countIn(asObject(json.timings)?.cache_n);
  said.addUsage({
    prompt_tokens: countIn(json.tokens_evaluated),
    completion_tokens: countIn(json.tokens_predicted),
    details: cached_tokens === null ? {} : { cached_tokens },
  });
  said.finish(textIn(json.stop_type) || null);
  return said;
}

/** llama.cpp's completions. */
export const LLAMACPP: ApiForm = {
  path: /(?<!\/chat)\/completion$/, // not /chat/completion, a typo for /chat/completions
  says: "text",
  converses: false,
  request: (question, target) => {
    const { max_tokens, stop, ...others } = question.parameters ?? {};
    const { model } = question; // when a router serves several
    return {
      ...(model === undefined ? {} : { model }),
      prompt: promptOf(question, target),
      ...(max_tokens === undefined ? {} : { n_predict: max_tokens }),
      ...(stop === undefined ? {} : { stop: [stop].flat() }),
      ...others,
      stream: target.stream,
    };
  },
  event: saidIn,
  body: saidIn,
  list: "content",
  kept: (raw, { content: _, ...rest }) => ({ ...raw, ...rest }),
  whole: (raw, { text }) => ({ ...raw, content: text }),
};
