/** llama.cpp's own /completion. */
import { completionTokens, textOf } from "./answer.ts";
import type { Choice, MockAnswer } from "./answer.ts";
import type { MockForm } from "./mock_form.ts";

const STOP_TYPES = { stop: "eos", length: "limit", tool_calls: "eos" };

function ended(choice: Choice, answer: MockAnswer) {
  const { prompt_tokens, cached_tokens } = answer;
  return {
    stop: true,
    stop_type: STOP_TYPES[choice.finish_reason],
    tokens_predicted: completionTokens(answer),
    tokens_evaluated: prompt_tokens,
    timings: { cache_n: cached_tokens ?? 0, prompt_n: prompt_tokens - (cached_tokens ?? 0) },
  };
}

/** llama.cpp's completions. */
export const LLAMACPP_ANSWERS: MockForm = {
  whole: ({ model }, answer) => {
    const [choice] = answer.choices;
    return { index: 0, content: textOf(choice, "content"), model, ...ended(choice, answer) };
  },
  events: (asked, answer) => {
    const [choice] = answer.choices;
    const told = choice.deltas.map((delta, step) => {
      const text = "content" in delta ? delta.content : "";
      const event = JSON.stringify(LLAMACPP_ANSWERS.text(asked, answer, text, 0));
      return { kind: "token" as const, event, step, content: { index: 0, text } };
    });
    const end = JSON.stringify({ index: 0, content: "", ...ended(choice, answer) });
    return [...told, { kind: "finish", event: end, step: Math.max(0, choice.deltas.length - 1) }];
  },
  text: (_asked, _answer, text) => ({ index: 0, content: text, tokens: [], stop: false }),
  last: "",
};
