/**
 * The Responses API's stream. What is asked of it is what the clients' accumulators throw on: openai
 * 6.49.0 of npm (lib/responses/ResponseAccumulator.js) and openai 3.57.0 of PyPI
 * (lib/streaming/responses/_responses.py), read and tried with the mock on 2026-11-30.
 */
import { assert, assertEquals } from "@std/assert";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { posted, streamed } from "./fixture.ts";
import type { Json } from "./fixture.ts";

const script = { answers: [{ prompt: "why", response: "so it is", reasoning: "hm hm" }] };
const tools = [{
  type: "function",
  name: "weather",
  parameters: { type: "object", properties: { city: { type: "string" } } },
}];

/** Builds a response of its events, as the clients do: each event must find what it is about. */
// deno-lint-ignore no-explicit-any
function accumulated(events: { name: string | null; json: any }[]) {
  assertEquals(events[0].json.type, "response.created");
  const { output: begun, id } = events[0].json.response;
  const output = structuredClone(begun);
  const own = { output_text: "text", reasoning_text: "text", function_call_arguments: "arguments" };
  events.forEach(({ name, json }, i) => {
    assertEquals([name, json.sequence_number], [json.type, i]);
    if (json.response) return assertEquals(json.response.id, id);
    const { output_index, item_id } = json;
    if (json.type === "response.output_item.added") {
      assertEquals(output.push(structuredClone(json.item)) - 1, output_index);
      return;
    }
    const item = output[output_index];
    assertEquals(item_id ?? json.item.id, item.id);
    if (json.type === "response.output_item.done") {
      return assertEquals({ ...item, status: json.item.status }, json.item);
    }
    if (json.type === "response.content_part.added") {
      assertEquals(item.content.push(structuredClone(json.part)) - 1, json.content_index);
      return;
    }
    const place = "content_index" in json ? item.content[json.content_index] : item;
    if (json.type === "response.content_part.done") return assertEquals(place, json.part);
    const [, kind, end] = /^response\.(\w+)\.(delta|done)$/.exec(json.type)!;
    const field = own[kind as keyof typeof own];
    if (end === "delta") place[field] += json.delta;
    else assertEquals(place[field], json[field]);
  });
  return output;
}

const asked: [string, Json][] = [
  ["text", { input: "hi there" }],
  ["items", { input: [{ role: "user", content: [{ type: "input_text", text: "why" }] }] }],
  ["a call", { input: "x", tools, tool_choice: "required" }],
  ["a limit", { input: "x", max_output_tokens: 1 }],
];

for (const [what, body] of asked) {
  Deno.test(`responses: the events build what the last one holds, and the plain answer (${what})`, async () => {
    await using mock = await MockEndpoint.start({ script });
    const { events, done } = await streamed(mock, "/v1/responses", body);
    assertEquals(done, false); // OpenAI ends this stream without [DONE]
    const last = events.at(-1)!.json;
    assertEquals(last.type, `response.${what === "a limit" ? "incomplete" : "completed"}`);
    const withoutStatus = (items: Json[]) => items.map(({ status: _, ...item }) => item);
    assertEquals(withoutStatus(accumulated(events)), withoutStatus(last.response.output));
    const plain = await posted(mock, "/v1/responses", body);
    const anonymous = (response: Json) =>
      JSON.parse(JSON.stringify({ ...response, created_at: 0 }).replace(/mock-\d+/g, "mock"));
    assertEquals(anonymous(plain.body), anonymous(last.response));
  });
}

Deno.test("responses: events of a text in OpenAI's order", async () => {
  await using mock = await MockEndpoint.start({ behaviour: { default_response: "one two" } });
  const { events } = await streamed(mock, "/v1/responses", { input: "x" });
  // as openai-python printed it of a mock's stream that it took, and as OpenAI's reference lists them
  assertEquals(events.map(({ name }) => name), [
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
  ]);
});

Deno.test("responses: usage has its details, reasoning is an item before the message", async () => {
  await using mock = await MockEndpoint.start({ script });
  const { body } = await posted(mock, "/v1/responses", { input: "why", instructions: "be short" });
  assertEquals(body.usage, {
    input_tokens: 3,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 5,
    output_tokens_details: { reasoning_tokens: 2 },
    total_tokens: 8,
  });
  assertEquals(body.output.map(({ type }: Json) => type), ["reasoning", "message"]);
  const refused = await posted(mock, "/v1/responses", { input: "x", previous_response_id: "r" });
  assertEquals(refused.status, 400);
  assert(refused.body.error.message.startsWith("previous_response_id:"));
});
