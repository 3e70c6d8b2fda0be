/** TGI's /generate and /generate_stream: one token per event, and the counts in the last one. */
import { completionTokens, textOf } from "./answer.ts";
import { textHash } from "./tokens.ts";
import type { Choice, Delta, MockAnswer } from "./answer.ts";
import type { Asked } from "./asked.ts";
import { type MockForm, textEvents } from "./mock_form.ts";

const FINISH_REASONS = { stop: "eos_token", length: "length", tool_calls: "eos_token" };

const textIn = (delta: Delta) => "content" in delta ? delta.content : "";

function tokenOf(text: string) {
  return { id: textHash(text) % 50_000, text, logprob: -0.5, special: false };
}

function details(choice: Choice, answer: MockAnswer) {
  return {
    finish_reason: FINISH_REASONS[choice.finish_reason],
    generated_tokens: completionTokens(answer),
    seed: null,
  };
}

function piece(text: string) {
  return { index: 1, token: tokenOf(text), generated_text: null, details: null };
}

/** Text Generation Inference. */
export const TGI_ANSWERS: MockForm = {
  whole: ({ details: asks }: Asked, answer) => {
    const [choice] = answer.choices;
    const tokens = choice.deltas.map((delta) => tokenOf(textIn(delta)));
    return {
      generated_text: textOf(choice, "content"),
      ...(asks ? { details: { ...details(choice, answer), prefill: [], tokens } } : {}),
    };
  },
  events: (_asked, answer) => {
    const [choice] = answer.choices;
    return textEvents(answer, piece, {
      index: choice.deltas.length + 1,
      token: { id: 2, text: "</s>", logprob: 0, special: true },
      generated_text: textOf(choice, "content"),
      details: { ...details(choice, answer), input_length: answer.prompt_tokens },
    });
  },
  text: (_asked, _answer, text) => piece(text),
  error: (message) => ({ error: message, error_type: "validation" }),
  last: "",
};
