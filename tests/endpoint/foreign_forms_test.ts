/**
 * Anthropic's Messages API and Gemini's generateContent. The streams are those that the vendors'
 * documentation shows; the bodies are what their own clients (anthropic 0.7x and google-genai 1.x from PyPI)
 * send for the same question.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import process from "node:process";
import { Reply } from "../../lib/endpoint/answer.ts";
import { configureApi, requestHeaders, settleApi } from "../../lib/endpoint/api.ts";
import { detectApiType } from "../../lib/endpoint/api_type.ts";
import { EndpointClient } from "../../lib/endpoint/client.ts";
import { openTransport } from "../../lib/endpoint/open_transport.ts";
import { requestBody } from "../../lib/endpoint/forms/forms.ts";
import { InputError } from "../../lib/errors.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { conversation, failureOf, parameters, schema, streamed } from "./forms/fixture.ts";

const never = new AbortController().signal;

Deno.test("Anthropic's documented streams: text, thinking, a tool", () => {
  const start = (usage: object) => ({
    type: "message_start",
    message: {
      id: "msg_1",
      type: "message",
      role: "assistant",
      content: [],
      model: "claude",
      stop_reason: null,
      stop_sequence: null,
      usage,
    },
  });
  const text = streamed("messages", [
    start({ input_tokens: 25, output_tokens: 1 }),
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "ping" },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hello" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "!" } },
    { type: "content_block_stop", index: 0 },
    {
      type: "message_delta",
      delta: { stop_reason: "end_turn", stop_sequence: null },
      usage: { output_tokens: 15 },
    },
    { type: "message_stop" },
  ]);
  assertEquals([text.text, text.finish_reason, text.complete], ["Hello!", "end_turn", true]);
  assertEquals([text.prompt_tokens, text.completion_tokens], [25, 15]);
  // ttft is of the first text, not of the message's or the block's beginning, nor of a ping
  assertEquals([text.tokens.count, text.tokens.first_ns], [2, 4e6]);
  assertEquals(text.toJson().content, [{ type: "text", text: "Hello!" }]);
  assertEquals(text.toJson().stop_reason, "end_turn");

  // the beginning has only the first tokens: without a later count the answer's is not known
  const uncounted = streamed("messages", [
    start({ input_tokens: 25, output_tokens: 1 }),
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hello" } },
    { type: "message_delta", delta: { stop_reason: "end_turn" } },
  ]);
  assertEquals([uncounted.prompt_tokens, uncounted.completion_tokens], [25, null]);

  const thought = streamed("messages", [
    start({ input_tokens: 4, cache_read_input_tokens: 100, cache_creation_input_tokens: 20 }),
    { type: "content_block_start", index: 0, content_block: { type: "thinking", thinking: "" } },
    {
      type: "content_block_delta",
      index: 0,
      delta: { type: "thinking_delta", thinking: "1. 27 * 453" },
    },
    { type: "content_block_delta", index: 0, delta: { type: "signature_delta", signature: "Eq" } },
    { type: "content_block_stop", index: 0 },
    { type: "content_block_start", index: 1, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 1, delta: { type: "text_delta", text: "12,231" } },
    { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 60 } },
  ]);
  assertEquals([thought.reasoning, thought.text], ["1. 27 * 453", "12,231"]);
  // input_tokens leaves out what the cache had or took
  assertEquals(thought.prompt_tokens, 124);
  assertEquals(thought.usage_details?.cached_tokens, 100);

  const tool = streamed("messages", [
    start({ input_tokens: 472, output_tokens: 2 }),
    {
      type: "content_block_start",
      index: 1,
      content_block: { type: "tool_use", id: "toolu_1", name: "get_weather", input: {} },
    },
    ...["", '{"location":', ' "San', ' Francisco"}'].map((partial_json) => ({
      type: "content_block_delta",
      index: 1,
      delta: { type: "input_json_delta", partial_json },
    })),
    { type: "message_delta", delta: { stop_reason: "tool_use" }, usage: { output_tokens: 89 } },
  ]);
  const location = '{"location": "San Francisco"}';
  assertEquals(tool.calls, [{ name: "get_weather", arguments: location }]);
  assertEquals(tool.finish_reason, "tool_use");
});

Deno.test("Anthropic's errors have their class, in a stream too", () => {
  const overloaded = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } };
  assertEquals(failureOf(() => streamed("messages", [overloaded])), "http_5xx");
  const limited = { type: "error", error: { type: "rate_limit_error", message: "slow down" } };
  assertEquals(
    failureOf(() => new Reply("messages").errorEvent(JSON.stringify(limited))),
    "http_429",
  );
  assertEquals(failureOf(() => streamed("messages", [{ type: "ping" }])), "truncated");
});

Deno.test("Gemini's documented stream and answer: thoughts, calls, a prompt that is blocked", () => {
  const usage = { promptTokenCount: 8, candidatesTokenCount: 20, totalTokenCount: 58 };
  const part = (parts: unknown[], more: object = {}) => ({
    candidates: [{ content: { parts, role: "model" }, index: 0, ...more }],
    usageMetadata: { ...usage, thoughtsTokenCount: 30 },
    modelVersion: "gemini-2.5-flash",
  });
  const said = streamed("gemini", [
    part([{ text: "**Sizing it up**", thought: true }]),
    part([{ text: "AI learns" }]),
    part([{ text: " patterns." }], { finishReason: "STOP" }),
  ]);
  assertEquals([said.reasoning, said.text], ["**Sizing it up**", "AI learns patterns."]);
  assertEquals([said.prompt_tokens, said.completion_tokens], [8, 50]);
  assertEquals(said.usage_details?.reasoning_tokens, 30);
  assertEquals([said.tokens.count, said.finish_reason], [3, "STOP"]);

  const whole = new Reply("gemini");
  const call = { functionCall: { name: "get_temperature", args: { location: "London" } } };
  whole.body(JSON.stringify(part([call, call], { finishReason: "STOP" })));
  whole.end();
  assertEquals(whole.calls.length, 2);
  assertEquals(whole.calls[0], { name: "get_temperature", arguments: '{"location":"London"}' });

  const blocked = new Reply("gemini");
  blocked.body(JSON.stringify({ promptFeedback: { blockReason: "SAFETY" }, usageMetadata: usage }));
  const error = assertThrows(() => blocked.end()) as Error & { failure: string };
  assertEquals(error.failure, "empty_reply");
  assert(error.message.includes("SAFETY"));
});

const apiOf = (endpoint: string, more: object = {}) =>
  settleApi({ endpoint, model: "m", ...more }, () => {});

Deno.test("a question with a system message, tools and an image, as Anthropic's API has it", () => {
  const api = apiOf("https://api.anthropic.com/v1/messages");
  assertEquals(requestBody({ messages: conversation, parameters }, api), {
    model: "m",
    max_tokens: 50,
    system: "Be brief.",
    messages: [
      { role: "user", content: "Weather in Oslo?" },
      {
        role: "assistant",
        content: [{ type: "tool_use", id: "call_1", name: "weather", input: { city: "Oslo" } }],
      },
      {
        role: "user",
        content: [{ type: "tool_result", tool_use_id: "call_1", content: "rain" }],
      },
      {
        role: "user",
        content: [
          { type: "text", text: "And this?" },
          {
            type: "image",
            source: { type: "base64", media_type: "image/png", data: "aGk=" },
          },
        ],
      },
    ],
    stop_sequences: ["END"],
    tools: [{ name: "weather", description: "now", input_schema: schema }],
    tool_choice: { type: "any" },
    temperature: 0,
    stream: true,
  });
  // the API demands a limit
  assert("max_tokens" in requestBody({ prompt: "x" }, api));
  assertThrows(
    () => requestBody({ prompt: "x", parameters: { seed: 1 } }, api),
    InputError,
    'no "seed"',
  );
});

Deno.test("the same as Gemini's API has it", () => {
  const api = apiOf("https://generativelanguage.googleapis.com/v1beta", { stream: false });
  assertEquals(requestBody({ messages: conversation, parameters }, api), {
    systemInstruction: { parts: [{ text: "Be brief." }] },
    contents: [
      { role: "user", parts: [{ text: "Weather in Oslo?" }] },
      { role: "model", parts: [{ functionCall: { name: "weather", args: { city: "Oslo" } } }] },
      {
        role: "user",
        parts: [{ functionResponse: { name: "weather", response: { result: "rain" } } }],
      },
      {
        role: "user",
        parts: [
          { text: "And this?" },
          { inlineData: { mimeType: "image/png", data: "aGk=" } },
        ],
      },
    ],
    tools: [{
      functionDeclarations: [{ name: "weather", description: "now", parameters: schema }],
    }],
    toolConfig: { functionCallingConfig: { mode: "ANY" } },
    generationConfig: { maxOutputTokens: 50, temperature: 0, stopSequences: ["END"] },
  });
  assertThrows(
    () => requestBody({ prompt: "x", parameters: { logit_bias: {} } }, api),
    InputError,
    'no "logit_bias"',
  );
});

Deno.test("URLs and keys of each form, and of Azure's deployments", () => {
  process.env.DYNO_FORMS_KEY = "k";
  try {
    const headers = (endpoint: string) => {
      const all = requestHeaders(apiOf(endpoint, { api_key_env: "DYNO_FORMS_KEY" }));
      return Object.entries(all).filter(([name]) => /key|auth|version/.test(name)).sort();
    };
    const gemini = "https://generativelanguage.googleapis.com/v1beta";
    const azure = "https://x.openai.azure.com/openai/deployments/gpt-4o/chat/completions" +
      "?api-version=2024-10-21";
    assertEquals(headers("https://api.anthropic.com/v1/messages"), [
      ["anthropic-version", "2023-06-01"],
      ["x-api-key", "k"],
    ]);
    assertEquals(headers("http://127.0.0.1:8000/v1/messages").map(([name]) => name), [
      "anthropic-version",
      "authorization",
      "x-api-key",
    ]);
    assertEquals(headers(gemini), [["x-goog-api-key", "k"]]);
    assertEquals(headers(azure), [["api-key", "k"]]);
    assertEquals(headers("https://api.openai.com/v1"), [["authorization", "Bearer k"]]);
    assertEquals(settleApi({ endpoint: azure }, () => {}).model, "gpt-4o");
    assertEquals(apiOf(gemini).endpoint, `${gemini}/models/m:streamGenerateContent?alt=sse`);
    assertEquals(apiOf(gemini, { stream: false }).endpoint, `${gemini}/models/m:generateContent`);
    const named = settleApi({ endpoint: `${gemini}/models/pro:generateContent` }, () => {});
    assertEquals([named.model, named.api_type], ["pro", "gemini"]);
    assertEquals(named.endpoint, `${gemini}/models/pro:streamGenerateContent?alt=sse`);
    assertEquals(detectApiType(`${gemini}/openai`), "base");
    assertThrows(() => settleApi({ endpoint: gemini }, () => {}), InputError, "--model");
    assertThrows(() => apiOf("https://api.anthropic.com/v1/messages/batches"), InputError);
  } finally {
    delete process.env.DYNO_FORMS_KEY;
  }
});

Deno.test("both forms of the mock: text, thoughts, calls and usage, streamed or whole", async () => {
  await using mock = await MockEndpoint.start({
    prefix_cache_blocks: 100,
    script: { answers: [{ contains: "sum", response: "four", reasoning: "two and two" }] },
  });
  await using transport = await openTransport();
  for (const path of ["/v1/messages", "/v1beta/models/mock:generateContent"]) {
    for (const stream of [true, false]) {
      const api = await configureApi({ endpoint: mock.url + path, stream }, transport, () => {});
      const client = new EndpointClient(api, transport);
      const { reply, error } = await client.ask({ prompt: "the sum" }, never);
      assertEquals(error, null);
      assertEquals([reply.reasoning, reply.text], ["two and two", "four"]);
      assertEquals([reply.prompt_tokens, reply.completion_tokens], [2, 4]);
      assertEquals(reply.tokens.count, stream ? 4 : 0);
      const question = { messages: [{ role: "user", content: "weather" }], parameters };
      const called = await client.ask(question, never);
      assertEquals(called.error, null);
      assertEquals(called.reply.calls, [{
        name: "weather",
        arguments: '{"city":"Mock response text"}',
      }]);
    }
  }
});

Deno.test("Azure's paths of a deployment: the URL names the model, the answers are OpenAI's", async () => {
  process.env.DYNO_FORMS_KEY = "k";
  try {
    await using mock = await MockEndpoint.start({ model: ["gpt 4o", "other"] });
    await using transport = await openTransport();
    const urlOf = (deployment: string, asked: string) =>
      `${mock.url}/openai/deployments/${deployment}/${asked}?api-version=2024-10-21`;
    const noted = () => mock.requests.at(-1)!;
    for (const asked of ["chat/completions", "completions", "embeddings"]) {
      for (const stream of asked === "embeddings" ? [false] : [true, false]) {
        const given = { endpoint: urlOf("gpt%204o", asked), stream, api_key_env: "DYNO_FORMS_KEY" };
        const api = await configureApi(given, transport, () => {});
        assertEquals(api.model, "gpt 4o");
        const { reply, error } = await new EndpointClient(api, transport)
          .ask({ prompt: "hello there" }, never);
        assertEquals(error, null, asked);
        assertEquals(reply.text, asked === "embeddings" ? "" : "Mock response text", asked);
        assertEquals(noted().path, `/openai/deployments/gpt%204o/${asked}`);
        assertEquals(noted().headers["api-key"], "k");
      }
    }
    const post = async (deployment: string, asked: string, body: string) => {
      const answer = await fetch(urlOf(deployment, asked), { method: "POST", body });
      return { status: answer.status, body: await answer.json() };
    };
    // Azure asks for no model in the body, and takes the deployment where there is another
    const messages = [{ role: "user", content: "hi" }];
    const unnamed = await post("other", "chat/completions", JSON.stringify({ messages }));
    assertEquals([unnamed.status, unnamed.body.model], [200, "other"]);
    const vectors = await post("other", "embeddings", JSON.stringify({ input: "a", model: "x" }));
    assertEquals([vectors.status, vectors.body.model], [200, "other"]);
    assertEquals((await post("none", "completions", '{"prompt":"a"}')).status, 404);
    assertEquals((await post("other", "completions", "{")).status, 400);
    assertEquals((await post("other", "nothing", "{}")).status, 404);
  } finally {
    delete process.env.DYNO_FORMS_KEY;
  }
});
