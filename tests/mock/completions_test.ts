/**
 * Chat, completions and embeddings beyond one plain answer. Forms as in OpenAI's API reference; each was
 * taken by openai 6.49.0 of npm and openai 3.57.0 of PyPI on 2026-11-30.
 */
import { Buffer } from "node:buffer";
import { assert, assertEquals } from "@std/assert";
import Ajv from "ajv";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { posted, says, streamed } from "./fixture.ts";
import type { Json } from "./fixture.ts";

const CHAT = "/v1/chat/completions";

Deno.test("lists of prompts and n: choices in order, each prompt's own answer, usage of all", async () => {
  await using mock = await MockEndpoint.start({
    script: {
      answers: [{ prompt: "a b", response: "one two" }, { prompt: "c", response: "three" }],
    },
  });
  const body = { prompt: ["a b", "c"], n: 2 };
  const plain = await posted(mock, "/v1/completions", body);
  const choices = plain.body.choices.map(({ index, text }: Json) => [index, text]);
  assertEquals(choices, [[0, "one two"], [1, "one two"], [2, "three"], [3, "three"]]);
  const usage = { prompt_tokens: 3, completion_tokens: 6, total_tokens: 9 };
  assertEquals(plain.body.usage, usage);

  const stream_options = { include_usage: true };
  const { events, done } = await streamed(mock, "/v1/completions", { ...body, stream_options });
  const texts = ["", "", "", ""];
  const finished = new Set<number>();
  for (const { json } of events) {
    for (const { index, text, finish_reason } of json.choices) {
      texts[index] += text;
      if (finish_reason !== null) finished.add(index);
    }
  }
  assertEquals(texts, ["one two", "one two", "three", "three"]);
  assertEquals([finished.size, done, events.at(-1)!.json.usage], [4, true, usage]);

  const ids = await posted(mock, "/v1/completions", { prompt: [[1, 2, 3], [4]] });
  assertEquals([ids.body.choices.length, ids.body.usage.prompt_tokens], [2, 4]);
  const one = await posted(mock, "/v1/completions", { prompt: [1, 2, 3] });
  assertEquals([one.body.choices.length, one.body.usage.prompt_tokens], [1, 3]);
  const chat = await posted(mock, CHAT, { ...says("c"), n: 3 });
  assertEquals(chat.body.choices.map(({ index }: Json) => index), [0, 1, 2]);
});

Deno.test("usage so far in each event, where vLLM's option asks for it", async () => {
  await using mock = await MockEndpoint.start();
  const stream_options = { include_usage: true, continuous_usage_stats: true };
  const { events } = await streamed(mock, CHAT, { ...says("x"), stream_options });
  const counts = events.flatMap(({ json }) => json.usage ? [json.usage.completion_tokens] : []);
  assertEquals(counts, [1, 2, 3, 3]);
});

Deno.test("a model that the mock was not told of is 404 in OpenAI's form, and any is served without", async () => {
  const asked: [string, Json][] = [
    [CHAT, says("x")],
    ["/v1/completions", { prompt: "x" }],
    ["/v1/responses", { input: "x" }],
    ["/v1/embeddings", { input: "x" }],
  ];
  await using told = await MockEndpoint.start({ model: ["m", "org/x"] });
  await using open = await MockEndpoint.start();
  for (const [path, body] of asked) {
    const { status, body: { error } } = await posted(told, path, { ...body, model: "other" });
    assertEquals([status, error.code, error.type], [
      404,
      "model_not_found",
      "invalid_request_error",
    ]);
    assertEquals((await posted(told, path, { ...body, model: "org/x" })).status, 200);
    assertEquals((await posted(told, path, body)).status, 200);
    assertEquals((await posted(open, path, { ...body, model: "other" })).status, 200);
  }
  for (const name of ["m", "org/x", "org%2Fx"]) {
    const response = await fetch(`${told.url}/v1/models/${name}`);
    assertEquals((await response.json()).id, decodeURIComponent(name));
  }
  const unknown = await fetch(`${told.url}/v1/models/no`);
  assertEquals([unknown.status, (await unknown.json()).error.code], [404, "model_not_found"]);
});

const parameters = {
  type: "object",
  properties: {
    city: { type: "string" },
    days: { type: "integer", minimum: 2 },
    units: { enum: ["metric", "imperial"] },
    places: { type: "array", items: { $ref: "#/$defs/place" }, minItems: 2 },
    maybe: { anyOf: [{ type: "null" }, { type: "boolean" }] },
  },
  required: ["city", "days", "units", "places", "maybe"],
  additionalProperties: false,
  $defs: { place: { type: "object", properties: { lat: { type: "number" } }, required: ["lat"] } },
};

Deno.test("a tool that must be called is called, with arguments that its schema allows", async () => {
  await using mock = await MockEndpoint.start();
  const tools = [
    { type: "function", function: { name: "other" } },
    { type: "function", function: { name: "weather", parameters } },
  ];
  const valid = new Ajv.default({ strict: false }).compile(parameters);
  const tool_choice = { type: "function", function: { name: "weather" } };
  const { body } = await posted(mock, CHAT, { ...says("x"), tools, tool_choice });
  const [{ message, finish_reason }] = body.choices;
  assertEquals([finish_reason, message.content], ["tool_calls", null]);
  const [call] = message.tool_calls;
  assertEquals([call.type, call.function.name], ["function", "weather"]);
  assert(valid(JSON.parse(call.function.arguments)), JSON.stringify(valid.errors));

  const { events } = await streamed(mock, CHAT, { ...says("x"), tools, tool_choice });
  const deltas = events.flatMap(({ json }) => json.choices[0].delta.tool_calls ?? []);
  assertEquals([deltas[0].index, deltas[0].function], [0, { name: "weather", arguments: "" }]);
  assertEquals(
    deltas.map((delta) => delta.function.arguments).join(""),
    call.function.arguments,
  );
  assertEquals(events.at(-1)!.json.choices[0].finish_reason, "tool_calls");

  const first = await posted(mock, CHAT, { ...says("x"), tools, tool_choice: "required" });
  assertEquals(first.body.choices[0].message.tool_calls[0].function.name, "other");
  const free = await posted(mock, CHAT, { ...says("x"), tools });
  assertEquals(free.body.choices[0].message.content, "Mock response text");
});

Deno.test("JSON that was asked for is JSON, and fits its schema; a script's own JSON stays", async () => {
  const own = '{"x": 1}';
  await using mock = await MockEndpoint.start({
    script: { answers: [{ prompt: "own", response: own }] },
  });
  const said = async (prompt: string, response_format: Json) =>
    (await posted(mock, CHAT, { ...says(prompt), response_format })).body.choices[0].message
      .content;
  assertEquals(JSON.parse(await said("x", { type: "json_object" })), {
    response: "Mock response text",
  });
  const valid = new Ajv.default({ strict: false }).compile(parameters);
  const json_schema = { name: "s", schema: parameters };
  assert(valid(JSON.parse(await said("x", { type: "json_schema", json_schema }))));
  assertEquals(await said("own", { type: "json_object" }), own);
});

Deno.test("logprobs where they are asked for: a token each, the chosen one first", async () => {
  await using mock = await MockEndpoint.start();
  const chat = await posted(mock, CHAT, { ...says("x"), logprobs: true, top_logprobs: 2 });
  const { content } = chat.body.choices[0].logprobs;
  assertEquals(content.map(({ token }: Json) => token), ["Mock", " response", " text"]);
  for (const { token, logprob, bytes, top_logprobs } of content) {
    assert(logprob <= 0);
    assertEquals(Buffer.from(bytes).toString(), token);
    assertEquals([top_logprobs.length, top_logprobs[0].token], [2, token]);
    assert(top_logprobs[1].logprob < logprob);
  }
  const text = await posted(mock, "/v1/completions", { prompt: "x", logprobs: 1 });
  const { tokens, token_logprobs, text_offset } = text.body.choices[0].logprobs;
  assertEquals([tokens.length, token_logprobs.length, text_offset], [3, 3, [0, 4, 13]]);
  assertEquals("logprobs" in (await posted(mock, CHAT, says("x"))).body.choices[0], false);
});

Deno.test("embeddings: texts or token ids, floats or base64 of the same numbers, length 1", async () => {
  await using mock = await MockEndpoint.start();
  const vectors = async (body: Json) => (await posted(mock, "/v1/embeddings", body)).body;
  const input = ["one text", "another"];
  const floats = await vectors({ input, dimensions: 12 });
  assertEquals(floats.usage, { prompt_tokens: 3, total_tokens: 3 });
  const coded = await vectors({ input, dimensions: 12, encoding_format: "base64" });
  floats.data.forEach(({ embedding, index }: { embedding: number[]; index: number }, i: number) => {
    assertEquals([index, embedding.length], [i, 12]);
    const bytes = Buffer.from(coded.data[i].embedding, "base64");
    const numbers = [...embedding.keys()].map((k) => bytes.readFloatLE(4 * k));
    assertEquals(numbers, embedding);
    assert(Math.abs(Math.hypot(...embedding) - 1) < 1e-6);
  });
  assert(floats.data[0].embedding[0] !== floats.data[1].embedding[0]);
  assertEquals((await vectors({ input: [[1, 2], [3]] })).usage.prompt_tokens, 3);
});
