/**
 * Bedrock's Converse: the events are those of its documentation; boto3 1.43 read the mock's answers and
 * frames, and its validator took the body below; signatures are tried in tests/aws.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import process from "node:process";
import { Reply } from "../../lib/endpoint/answer.ts";
import { configureApi, settleApi } from "../../lib/endpoint/api.ts";
import { EndpointClient } from "../../lib/endpoint/client.ts";
import { requestBody } from "../../lib/endpoint/forms/forms.ts";
import { openTransport } from "../../lib/endpoint/open_transport.ts";
import { InputError } from "../../lib/errors.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { conversation, failureOf, parameters, schema, streamed } from "./forms/fixture.ts";
import type { ErrorMode } from "../../lib/mock/faults/catalogue.ts";

const never = new AbortController().signal;
const settled = (endpoint: string, more: object = {}) =>
  settleApi({ endpoint, model: "m", ...more }, () => {});

/** Sets variables of the environment while `use` runs. */
async function within(variables: Record<string, string>, use: () => unknown): Promise<void> {
  const names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"];
  const all = [
    ...names,
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
    "DYNO_BEDROCK_KEY",
  ];
  const before = all.map((name) => [name, process.env[name]] as const);
  for (const name of all) delete process.env[name];
  Object.assign(process.env, variables);
  try {
    await use();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

Deno.test("ConverseStream's events: text, thoughts, a tool, the usage behind the end", () => {
  const metadata = {
    usage: {
      inputTokens: 20,
      outputTokens: 7,
      totalTokens: 127,
      cacheReadInputTokens: 100,
      cacheWriteInputTokens: 0,
    },
    metrics: { latencyMs: 210 },
  };
  const said = streamed("converse", [
    { role: "assistant", p: "abcd" },
    { delta: { reasoningContent: { text: "hm" } }, contentBlockIndex: 0, p: "ab" },
    { delta: { reasoningContent: { signature: "x" } }, contentBlockIndex: 0 },
    { contentBlockIndex: 0 },
    { delta: { text: "Hello" }, contentBlockIndex: 1, p: "abcdefgh" },
    { delta: { text: " there" }, contentBlockIndex: 1, p: "a" },
    { contentBlockIndex: 1 },
    { start: { toolUse: { toolUseId: "t1", name: "weather" } }, contentBlockIndex: 2 },
    { delta: { toolUse: { input: '{"city":' } }, contentBlockIndex: 2 },
    { delta: { toolUse: { input: '"Oslo"}' } }, contentBlockIndex: 2 },
    { contentBlockIndex: 2 },
    { stopReason: "tool_use" },
    metadata,
  ]);
  assertEquals([said.reasoning, said.text, said.finish_reason], ["hm", "Hello there", "tool_use"]);
  assertEquals(said.calls, [{ name: "weather", arguments: '{"city":"Oslo"}' }]);
  // inputTokens leaves out what the cache had
  assertEquals([said.prompt_tokens, said.completion_tokens], [120, 7]);
  assertEquals(said.usage_details?.cached_tokens, 100);
  assertEquals([said.tokens.first_ns, said.tokens.count], [2e6, 6]);

  const whole = new Reply("converse");
  whole.body(JSON.stringify({ ...said.toJson(), ...metadata }));
  whole.end();
  assertEquals([whole.reasoning, whole.text], ["hm", "Hello there"]);
  assertEquals([whole.calls, whole.prompt_tokens], [said.calls, 120]);
  assertEquals(whole.finish_reason, "tool_use");
});

Deno.test("an exception in a stream has its class, and a stream without an end is cut", () => {
  const exception = (kind: string) =>
    failureOf(() =>
      new Reply("converse").errorEvent(
        JSON.stringify({ error_type: kind, error: { message: "it says why" } }),
      )
    );
  assertEquals(exception("throttlingException"), "http_429");
  assertEquals(exception("validationException"), "http_4xx");
  assertEquals(exception("modelStreamErrorException"), "http_5xx");
  assertEquals(exception("internalServerException"), "http_5xx");
  const text = { delta: { text: "x" }, contentBlockIndex: 0 };
  assertEquals(failureOf(() => streamed("converse", [text])), "truncated");
});

Deno.test("a question with a system message, tools and an image, as Converse has it", () => {
  const question = { messages: conversation, parameters: { ...parameters, top_k: 5 } };
  const api = settled("https://bedrock-runtime.eu-central-1.amazonaws.com", {
    api_key_env: "PATH", // any that is set: nothing is sent
  });
  assertEquals(requestBody(question, api), {
    messages: [
      { role: "user", content: [{ text: "Weather in Oslo?" }] },
      {
        role: "assistant",
        content: [{ toolUse: { toolUseId: "call_1", name: "weather", input: { city: "Oslo" } } }],
      },
      // roles take turns: what the tool said and the question are one turn
      {
        role: "user",
        content: [
          { toolResult: { toolUseId: "call_1", content: [{ text: "rain" }] } },
          { text: "And this?" },
          { image: { format: "png", source: { bytes: "aGk=" } } },
        ],
      },
    ],
    system: [{ text: "Be brief." }],
    inferenceConfig: { maxTokens: 50, temperature: 0, stopSequences: ["END"] },
    toolConfig: {
      tools: [{ toolSpec: { name: "weather", description: "now", inputSchema: { json: schema } } }],
      toolChoice: { any: {} },
    },
    additionalModelRequestFields: { top_k: 5 },
  });
  assertThrows(
    () => requestBody({ prompt: "x", parameters: { seed: 1 } }, api),
    InputError,
    'no "seed"',
  );
});

Deno.test("the mock's Converse by both transports: text, thoughts, calls, usage, faults", async () => {
  await using mock = await MockEndpoint.start({
    prefix_cache_blocks: 100,
    script: { answers: [{ contains: "sum", response: "vïer 四", reasoning: "two and two" }] },
  });
  for (const only of ["wire", "portable"] as const) {
    await using transport = await openTransport({ only });
    for (const stream of [true, false]) {
      mock.configure({});
      const endpoint = `${mock.url}/model/mock/converse`;
      const given = { endpoint, stream, retry_attempts: 0 };
      const api = await configureApi(given, transport, () => {});
      assertEquals([api.model, api.api_type], ["mock", "converse"]);
      const client = new EndpointClient(api, transport);
      const { reply, error } = await client.ask({ prompt: "the sum" }, never);
      assertEquals(error, null);
      assertEquals([reply.reasoning, reply.text], ["two and two", "vïer 四"]);
      assertEquals([reply.prompt_tokens, reply.completion_tokens], [2, 5]);
      assertEquals(reply.tokens.count, stream ? 5 : 0);
      const path = `/model/mock/${stream ? "converse-stream" : "converse"}`;
      assertEquals(mock.requests.at(-1)!.path, path);
      assertEquals(mock.requests.at(-1)!.headers.authorization, undefined);
      const failures: [ErrorMode, string | null][] = [
        ["error_event", "http_5xx"],
        ["rate_limit", "http_429"],
        ["unauthorized", "auth"],
        ["reset_mid_stream", "truncated"],
        ["malformed_event", "malformed"],
        ["no_finish", "truncated"],
        ["doubled_events", null],
      ];
      for (const [error_mode, failure] of failures) {
        mock.configure({ error_mode });
        const { error } = await client.ask({ prompt: "the sum" }, never);
        assertEquals(error?.failure ?? null, failure, `${only} ${stream} ${error_mode}`);
      }
    }
  }
});

Deno.test("requests to Bedrock are signed with the key in the environment, or carry an API key", async () => {
  await using mock = await MockEndpoint.start({});
  await using transport = await openTransport();
  const key = { AWS_ACCESS_KEY_ID: "AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY: "s3cr3t" };
  const endpoint = `${mock.url}/model/mock/converse`;
  const asked = async (more: object = {}) => {
    const api = await configureApi({ endpoint, ...more }, transport, () => {});
    const { error } = await new EndpointClient(api, transport).ask({ prompt: "x" }, never);
    assertEquals(error, null);
    return mock.requests.at(-1)!.headers;
  };
  const named = { AWS_ENDPOINT_URL_BEDROCK_RUNTIME: mock.url, AWS_REGION: "eu-west-1" };
  await within({ ...key, ...named, AWS_SESSION_TOKEN: "tok" }, async () => {
    const headers = await asked();
    assert(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/bedrock\/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=[0-9a-f]{64}$/
        .test(headers.authorization),
      headers.authorization,
    );
    assertEquals(headers["x-amz-security-token"], "tok");
  });
  // another server gets no signature, though a key is there
  await within(key, async () => assertEquals((await asked()).authorization, undefined));
  await within({ ...key, ...named, DYNO_BEDROCK_KEY: "k" }, async () => {
    assertEquals((await asked({ api_key_env: "DYNO_BEDROCK_KEY" })).authorization, "Bearer k");
  });
  const own = "https://bedrock-runtime.us-west-2.amazonaws.com";
  await within({}, () => {
    assertThrows(() => settled(own), InputError, "AWS_ACCESS_KEY_ID is not set");
  });
  await within(key, () => {
    const api = settled(own, { model: "anthropic.claude-3-haiku-20240307-v1:0" });
    assertEquals(
      api.endpoint,
      `${own}/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse-stream`,
    );
    assertEquals(settled(`${own}/openai/v1`).api_type, "chat");
    assertThrows(() => settled(`${own}/model/m/invoke`), InputError, "/model/NAME/converse");
    assertThrows(() => settleApi({ endpoint: own }, () => {}), InputError, "--model");
  });
});
