/**
 * llama.cpp's /completion: the fields are those of its server's README (tools/server/README.md,
 * "POST /completion"), and of what its server of 2026 sends.
 */
import { assertEquals } from "@std/assert";
import { asked, failureOf, streamed, whole } from "./fixture.ts";

const piece = (content: string, tokens_predicted: number) => ({
  index: 0,
  content,
  tokens: [1],
  stop: false,
  id_slot: -1,
  tokens_predicted,
  tokens_evaluated: 6,
});
const END = {
  ...piece("", 2),
  stop: true,
  stop_type: "limit",
  stopping_word: "",
  tokens_cached: 7,
  timings: { cache_n: 4, prompt_n: 2, predicted_n: 2 },
};

Deno.test("llama.cpp's stream: counts and the reason are the last event's", () => {
  const reply = streamed("llamacpp", [piece(" a", 1), piece(" b", 2), END]);
  assertEquals([reply.text, reply.finish_reason], [" a b", "limit"]);
  assertEquals([reply.tokens.count, reply.tokens.last_ns], [2, 2e6]);
  assertEquals([reply.prompt_tokens, reply.completion_tokens], [6, 2]);
  // tokens_cached is all that the slot holds; of the prompt, timings tell
  assertEquals(reply.usage_details, { cached_tokens: 4 });
});

Deno.test("llama.cpp's whole answer, and one that ended before its end", () => {
  const reply = whole("llamacpp", { ...END, content: " a b" });
  assertEquals([reply.text, reply.completion_tokens], [" a b", 2]);
  assertEquals(failureOf(() => streamed("llamacpp", [piece(" a", 1)])), "truncated");
  const busy = { error: { code: 503, message: "Loading model", type: "unavailable_error" } };
  assertEquals(failureOf(() => whole("llamacpp", busy)), "http_5xx");
});

Deno.test("a question to llama.cpp", () => {
  const question = { prompt: "Hi", parameters: { max_tokens: 3, stop: "x", top_k: 4 } };
  assertEquals(asked("http://h:8080/completion", question), {
    url: "http://h:8080/completion",
    body: { prompt: "Hi", n_predict: 3, stop: ["x"], top_k: 4, stream: true },
  });
});
