/**
 * KServe's v2 API. Bodies and answers of /generate are those of Triton's documentation ("Generate
 * Extension") and of its TensorRT-LLM and vLLM backends; the body of /infer is what tritonclient 2.73's HTTP
 * client sends for two tensors without binary data.
 */
import { assertEquals } from "@std/assert";
import { settleApi } from "../../../lib/endpoint/api.ts";
import { asked, failureOf, streamed, whole } from "./fixture.ts";

const event = (text_output: string) => ({
  context_logits: 0,
  cum_log_probs: 0,
  model_name: "ensemble",
  model_version: "1",
  output_log_probs: [0, 0],
  sequence_end: false,
  sequence_id: 0,
  sequence_start: false,
  text_output,
});

Deno.test("Triton's stream: each event a piece, the end that of the body, the tokens counted by events", () => {
  const reply = streamed("kserve", ["I", " am", " an", " AI", ""].map(event));
  assertEquals([reply.text, reply.tokens.count], ["I am an AI", 4]);
  assertEquals(reply.counted(), { completion_tokens: 4, token_source: "events" });
  assertEquals([reply.prompt_tokens, reply.finish_reason], [null, null]);
});

Deno.test("Triton's whole answer: what it does not tell is unknown, what it is asked for is known", () => {
  const said = { model_name: "mymodel", model_version: "1", text_output: "model output" };
  const untold = whole("kserve", said);
  assertEquals([untold.text, untold.counted().completion_tokens], ["model output", null]);
  assertEquals(untold.tokens.first_ns, null);
  const told = whole("kserve", { ...said, num_input_tokens: 7, num_output_tokens: 2 });
  assertEquals([told.prompt_tokens, told.completion_tokens], [7, 2]);
  assertEquals(whole("kserve", { ...said, text_output: ["a", "b"] }).text, "ab");
});

Deno.test("Triton's errors, before and in a stream", () => {
  assertEquals(
    failureOf(() => streamed("kserve", [event("a"), { error: "out of memory" }])),
    "http_5xx",
  );
  assertEquals(failureOf(() => streamed("kserve", [event("")])), "empty_reply");
  assertEquals(failureOf(() => streamed("kserve", [])), "truncated");
  assertEquals(failureOf(() => whole("kserve", { outputs: [] })), "malformed");
  assertEquals(failureOf(() => whole("kserve_infer", { text_output: "x" })), "malformed");
});

Deno.test("a question to Triton: the model from the URL, the path by the way of answering", () => {
  const question = { prompt: "client input", parameters: { max_tokens: 9, temperature: 0 } };
  for (const version of ["", "/versions/1"]) {
    const at = `http://h/v2/models/my%20model${version}`;
    const whole = asked(`${at}/generate_stream`, question, { stream: false, model: undefined });
    assertEquals(whole, {
      url: `${at}/generate`,
      body: {
        text_input: "client input",
        parameters: { stream: false, max_tokens: 9, temperature: 0 },
      },
    });
    const at_m = `http://h/v2/models/m${version}`;
    assertEquals(asked(`${at}/generate`, question).url, `${at_m}/generate_stream`); // the fixture's model
    assertEquals(asked(`${at}/infer`, question).url, `${at_m}/infer`);
  }
  const warnings: string[] = [];
  const endpoint = "http://h/v2/models/y/infer";
  settleApi({ endpoint, model: "x" }, (line) => warnings.push(line));
  settleApi({ endpoint, model: "y" }, (line) => warnings.push(line));
  settleApi(
    { endpoint: "http://h/openai/deployments/y/chat/completions", model: "x" },
    (line) => warnings.push(line),
  );
  assertEquals(warnings, [
    "--model x is used, not y, which the URL names",
    "--model x only names the run: the URL asks y", // Azure's deployment, whatever the body says
  ]);
});

Deno.test("inference: a text and its parameters as tensors, a text out of them", () => {
  const parameters = { max_tokens: 2, temperature: 1, top_k: 5, beams: true, stop_words: "x" };
  const { url, body } = asked("http://h/v2/models/m/infer", {
    prompt: "Hello there",
    parameters: { ...parameters, seed: undefined }, // left out, as in JSON
  });
  assertEquals(url, "http://h/v2/models/m/infer");
  const tensor = (name: string, datatype: string, value: unknown) => ({
    name,
    shape: [1, 1],
    datatype,
    data: [value],
  });
  assertEquals(body, {
    inputs: [
      tensor("text_input", "BYTES", "Hello there"),
      tensor("max_tokens", "INT32", 2),
      tensor("temperature", "FP32", 1), // the model's configuration has it as a fraction
      tensor("top_k", "INT32", 5),
      tensor("beams", "BOOL", true),
      tensor("stop_words", "BYTES", "x"),
    ],
  });
  const outputs = [
    { name: "cum_log_probs", datatype: "FP32", shape: [1, 1], data: [0.5] },
    { name: "text_output", datatype: "BYTES", shape: [1, 1], data: ["Hello you"] },
  ];
  const reply = whole("kserve_infer", { model_name: "m", model_version: "1", outputs });
  assertEquals([reply.text, reply.counted().completion_tokens], ["Hello you", null]);
  // numbers alone are an answer without words
  const numbers = whole("kserve_infer", { outputs: [outputs[0]] });
  assertEquals([numbers.text, numbers.empty], ["", false]);
});
