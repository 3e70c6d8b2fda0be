/**
 * TGI's own API. The events and the answer are those of its documentation (huggingface.co/docs,
 * "text-generation-inference", and the OpenAPI description of its router); the body is what
 * huggingface_hub 2.4.0's InferenceClient sends for the same question.
 */
import { assertEquals, assertThrows } from "@std/assert";
import { InputError } from "../../../lib/errors.ts";
import { asked, failureOf, streamed, whole } from "./fixture.ts";

const token = (index: number, text: string, special = false) => ({
  index,
  token: { id: 89554, text, logprob: -0.97, special },
  generated_text: null as string | null,
  details: null as unknown,
});

Deno.test("TGI's stream: a token an event, the end's mark no text, the counts with the last", () => {
  const details = { finish_reason: "eos_token", generated_tokens: 3, seed: null, input_length: 5 };
  const reply = streamed("tgi", [
    token(1, " Deep"),
    token(2, " Learning"),
    { ...token(3, "</s>", true), generated_text: " Deep Learning", details },
  ]);
  assertEquals([reply.text, reply.finish_reason], [" Deep Learning", "eos_token"]);
  assertEquals([reply.tokens.count, reply.tokens.last_ns, reply.choices.count], [2, 2e6, 3]);
  assertEquals([reply.prompt_tokens, reply.completion_tokens], [5, 3]);
  assertEquals(reply.toJson().generated_text, " Deep Learning");
});

Deno.test("TGI of before input_length: the prompt's tokens are unknown", () => {
  const details = { finish_reason: "length", generated_tokens: 1, seed: 42 };
  const reply = streamed("tgi", [{ ...token(1, "a"), generated_text: "a", details }]);
  assertEquals([reply.prompt_tokens, reply.completion_tokens], [null, 1]);
});

Deno.test("TGI's whole answer: counts where details are there, unknown without", () => {
  const prefill = [{ id: 0, text: "test", logprob: -0.34 }, { id: 1, text: "x", logprob: -1 }];
  const details = { finish_reason: "length", generated_tokens: 20, seed: 42, prefill, tokens: [] };
  const told = whole("tgi", { generated_text: "test", details });
  assertEquals([told.text, told.finish_reason], ["test", "length"]);
  assertEquals([told.prompt_tokens, told.completion_tokens], [2, 20]);
  assertEquals(told.tokens.first_ns, null); // nobody knows when the first token came
  const untold = whole("tgi", { generated_text: "test" });
  assertEquals([untold.prompt_tokens, untold.counted().completion_tokens], [null, null]);
});

Deno.test("TGI's errors have their class, in a stream too", () => {
  const crashed = { error: "Request failed during generation", error_type: "generation" };
  assertEquals(failureOf(() => streamed("tgi", [token(1, "a"), crashed])), "http_5xx");
  const invalid = {
    error: "`inputs` tokens + `max_new_tokens` must be <= 4096",
    error_type: "validation",
  };
  assertEquals(failureOf(() => whole("tgi", invalid)), "http_4xx");
  assertEquals(failureOf(() => streamed("tgi", [token(1, "a")])), "truncated");
  assertEquals(failureOf(() => whole("tgi", { text: "SGLang's" })), "malformed");
});

Deno.test("a question to TGI: its own names, and the path by the way of answering", () => {
  const question = { prompt: "Hello there", parameters: { max_tokens: 3, stop: "x", top_p: 0.9 } };
  const body = {
    inputs: "Hello there",
    parameters: { max_new_tokens: 3, stop: ["x"], details: true, top_p: 0.9 },
  };
  for (const path of ["generate", "generate_stream/"]) {
    const url = `http://h/${path}`;
    assertEquals(asked(url, question), { url: "http://h/generate_stream", body });
    assertEquals(asked(url, question, { stream: false }), { url: "http://h/generate", body });
  }
  for (const name of ["ignore_eos", "n", "tools"]) {
    const parameters = { [name]: 1 };
    assertThrows(() => asked("http://h/generate", { prompt: "x", parameters }), InputError, name);
  }
  assertThrows(() => asked("http://h/generate", { messages: [] }), InputError, "takes prompts");
});
