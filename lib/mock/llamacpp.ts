/** llama.cpp's own /completion. */
import { completionTokens, textOf } from "./answer.ts";
import type { Choice, MockAnswer } from "./answer.ts";
import { type MockForm, textEvents } from "./mock_form.ts";

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

const piece = (content: string) => ({ index: 0, content, tokens: [], stop: false });

/** llama.cpp's completions. */
export const LLAMACPP_ANSWERS: MockForm = {
  whole: ({ model }, answer) => {
    const [choice] = answer.choices;
    return { index: 0, content: textOf(choice, "content"), model, ...ended(choice, answer) };
  },
  events: (_asked, answer) =>
    textEvents(answer, piece, { index: 0, content: "", ...ended(answer.choices[0], answer) }),
  text: (_asked, _answer, text) => piece(text),
  last: "",
};
