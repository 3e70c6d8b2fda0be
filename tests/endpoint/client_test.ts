/** Questions to the mock endpoint over real sockets. */
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { configureApi, settleApi } from "../../lib/endpoint/api.ts";
import { detectApiType } from "../../lib/endpoint/api_type.ts";
import { EndpointClient } from "../../lib/endpoint/client.ts";
import { EndpointError } from "../../lib/endpoint/errors.ts";
import { openTransport } from "../../lib/endpoint/open_transport.ts";
import { exchange } from "../../lib/endpoint/transport.ts";
import { InputError } from "../../lib/errors.ts";
import { CancelledError } from "../../lib/execute/scope.ts";
import { errorModes } from "../../lib/mock/faults/catalogue.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { behaving } from "./behaviours.ts";
import type { ApiOptions } from "../../lib/endpoint/api.ts";

const never = new AbortController().signal;
const question = { prompt: "one two three", parameters: { max_tokens: 20 } };

/** Faults that change what an answer says. */
const ALTERED = /^(doubled|reordered|lone|invalid)_/;

/** Declares a test for both transports. */
let only: "wire" | "portable";
function testBoth(name: string, run: () => Promise<void>): void {
  for (const transport of ["wire", "portable"] as const) {
    Deno.test(`${name} (${transport})`, async () => {
      only = transport;
      await run();
    });
  }
}

/** A client of a mock endpoint; retries are quick. */
async function clientOf(mock: MockEndpoint, options: ApiOptions = {}) {
  const transport = await openTransport({ only });
  const warnings: string[] = [];
  const api = await configureApi(
    { endpoint: mock.url, retry_attempts: 2, retry_delay: 0.001, timeout: 60, ...options },
    transport,
    (line) => warnings.push(line),
  );
  mock.clearRequests();
  const client = new EndpointClient(api, transport);
  const dispose = () => transport[Symbol.asyncDispose]();
  return { client, api, warnings, transport, [Symbol.asyncDispose]: dispose };
}

Deno.test("the form of API by URL", () => {
  const forms: [string, string][] = [
    ["http://h/v1/chat/completions", "chat"],
    ["http://h/v1/chat/completions/?x=1", "chat"],
    ["http://h/v1/completions", "completions"],
    ["http://h:8000", "base"],
    ["http://h/v1/", "base"],
    ["https://api.groq.com/openai/v1", "base"],
    ["https://generativelanguage.googleapis.com/v1beta/openai", "base"],
    ["http://h/generate", "tgi"],
    ["http://h/generate_stream/", "tgi"],
    ["http://h/v2/models/m/generate", "kserve"],
    ["http://h/v2/models/m/versions/1/generate_stream", "kserve"],
    ["http://h/v2/models/m/infer", "kserve_infer"],
    ["http://h/completion", "llamacpp"],
    ["http://h/v1/chat/completion", "unknown"], // a slip
    ["http://h/v1/audio/transcriptions", "transcription"],
    ["http://h/v1/audio/translations", "transcription"],
    ["http://h/v1/audio/speech", "speech"],
    ["http://h/v1/images/generations", "images"],
    ["http://h/api/generate", "unknown"],
    ["http://h/talk", "unknown"],
  ];
  for (const [url, form] of forms) assertEquals(detectApiType(url), form, url);
});

Deno.test("a malformed % in the name of a URL's model is told", () => {
  const paths = ["v2/models/100%/infer", "v1beta/models/a%zz:generateContent"];
  for (const path of [...paths, "openai/deployments/%/chat/completions"]) {
    const settle = () => settleApi({ endpoint: `http://h/${path}` }, () => {});
    assertThrows(settle, InputError, "a malformed %", path);
  }
  settleApi({ endpoint: "http://h/100%/v1/chat/completions", model: "m" }, () => {});
});

Deno.test("a form that is known and not spoken is refused by its name", () => {
  const forms: [string, RegExp][] = [
    ["/v1/messages/batches", /no inference/],
    ["/rank", /reranking/],
    ["/v1/scores", /scoring/],
    ["/pooling", /pooling/],
    ["/classify", /classifying/],
    ["/v1/moderations", /classifying/],
    ["/v1/audio/voices", /voices/],
    ["/v1/images/edits", /editing images/],
    ["/v1/realtime", /Realtime API, over WebSocket/],
    ["/v1/models", /list of models/],
    ["/tokenize", /tokenizer/],
    ["/v1beta/models/gemini-embedding-001:embedContent", /Gemini/],
    ["/api/chat", /Ollama/],
    ["/api/generate", /Ollama/],
    ...["invoke", "invoke-with-response-stream"].map(
      (
        way,
      ): [string, RegExp] => [
        `/model/anthropic.claude-3-5-sonnet-20241022-v2%3A0/${way}`,
        /Bedrock/,
      ],
    ),
    ["/model/amazon.nova-lite-v1:0/invoke/", /Bedrock/],
  ];
  for (const [path, name] of forms) {
    const error = assertThrows(
      () => settleApi({ endpoint: `http://127.0.0.1:9${path}`, model: "m" }, () => {}),
      InputError,
    );
    assertMatch(error.message, name);
    assertStringIncludes(error.message, "/chat/completions");
  }
  const spoken = [
    ...["/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1", "", "/v1/rerank"],
    ...["/v2/rerank/", "/rerank", "/v1/score"],
  ];
  for (const path of spoken) settleApi({ endpoint: `http://127.0.0.1:9${path}` }, () => {});
});

testBoth("a server of HTTP/2 alone is told of before it is asked anything", async () => {
  const frames = new Uint8Array([0, 0, 0, 4, 0, 0, 0, 0, 0]); // SETTINGS (RFC 9113, 6.5)
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.write(frames));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await using transport = await openTransport({ only });
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const configured = configureApi({ endpoint, model: "m", timeout: 5 }, transport, () => {});
    await assertRejects(() => configured, InputError, "speaks HTTP/2 only; put a proxy");
  } finally {
    server.close();
  }
});

testBoth("a redirect is told with where it leads", async () => {
  await using mock = await MockEndpoint.start();
  await using there = await clientOf(mock);
  mock.configure({ error_mode: "redirect_elsewhere" });
  const { error } = await there.client.ask(question, never);
  assertMatch(
    error!.message,
    /HTTP 307; it redirects to http:\/\/127\.0\.0\.1:9\/v1\/chat\/completions,/,
  );
});

testBoth("a base URL is asked for its models, and spoken to as chat", async () => {
  await using mock = await MockEndpoint.start({ model: "only-one" });
  for (const endpoint of [mock.url, `${mock.url}/v1`, `${mock.url}/v1/`]) {
    await using there = await clientOf(mock, { endpoint });
    assertEquals(there.api.endpoint, `${mock.url}/v1/chat/completions`);
    assertEquals([there.api.model, there.api.api_type], ["only-one", "chat"]);
  }
});

testBoth("models: one is taken, several must be chosen, a misspelt one is noticed", async () => {
  await using mock = await MockEndpoint.start({ model: ["llama-8b", "llama-70b"] });
  await assertRejects(() => clientOf(mock), InputError, "llama-8b, llama-70b");
  await using there = await clientOf(mock, { model: "llama-8" });
  assertStringIncludes(there.warnings[0], 'did you mean "llama-8b"');
  await using known = await clientOf(mock, { model: "llama-8b" });
  assertEquals(known.warnings, []);
  await using odd = await clientOf(mock, { model: "llama-8b", endpoint: `${mock.url}/talk` });
  assertStringIncludes(odd.warnings[0], "taken as a chat endpoint");
});

testBoth("streaming and not, chat and completions, give the same answer", async () => {
  await using mock = await MockEndpoint.start();
  for (const path of ["/v1/chat/completions", "/v1/completions"]) {
    for (const stream of [true, false]) {
      await using there = await clientOf(mock, { endpoint: mock.url + path, stream });
      const { reply, exchange, error } = await there.client.ask(question, never);
      assertEquals([reply.text, error], ["Mock response text", null]);
      assertEquals([reply.prompt_tokens, reply.completion_tokens], [3, 3]);
      assertEquals(reply.tokens.count, stream ? 3 : 0);
      assert(
        exchange!.t_sent_ns <= exchange!.t_first_byte_ns &&
          exchange!.t_first_byte_ns <= exchange!.t_end_ns,
      );
    }
  }
});

testBoth("connections are kept alive, and one that the server closed is replaced", async () => {
  await using mock = await MockEndpoint.start();
  await using there = await clientOf(mock);
  for (let i = 0; i < 5; i++) await there.client.ask(question, never);
  assertEquals(new Set(mock.requests.map(({ connection }) => connection)).size, 1);
  mock.configure({ error_mode: "truncated_stream", fault_count: 1 });
  const { attempts, error } = await there.client.ask(question, never);
  assertEquals([attempts, error], [2, null]);
});

testBoth("a kept connection that the server drops unasked costs no attempt", async () => {
  let requests = 0;
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", () => {
      requests++;
      const body = '{"data":[{"id":"m"}],"choices":[{"message":{"content":"hi"}}]}';
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
      socket.once("data", () => {});
      if (requests === 2) socket.removeAllListeners("data").on("data", () => socket.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await using transport = await openTransport({ only });
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const api = await configureApi({ endpoint, retry_attempts: 0 }, transport, () => {});
    const client = new EndpointClient(api, transport);
    assertEquals((await client.ask(question, never)).reply.text, "hi");
    assertEquals((await client.ask(question, never)).reply.text, "hi"); // dropped, then sent anew
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});

testBoth("a server that says nothing is told of before it is asked anything", async () => {
  const server = createServer((socket) => socket.on("error", () => {}).resume());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await using transport = await openTransport({ only });
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const said: string[] = [];
    const options = { endpoint, model: "mock", timeout: 0.2 };
    await configureApi(options, transport, (line) => said.push(line));
    assertEquals(said, [`${endpoint}/v1/models: no answer within 0.2 s; is the URL right?`]);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});

/** Of chat, of Anthropic's Messages API and of Gemini's generateContent. */
const FORMS = ["", "/v1/messages", "/v1beta/models/mock:generateContent"];

/** Classes after which the client asks again. */
const AGAIN = new Set(["connect", "timeout", "http_429", "http_5xx", "truncated"]);

for (const mode of errorModes) {
  const { name } = mode;
  // a client that asks for answers asks again without what the server refuses, and waits no 30 years
  const failure = name === "reject_stream_options" ? null : mode.failure;
  const attempts = failure && AGAIN.has(failure) && name !== "rate_limit_for_days" ? 3 : 1;
  Deno.test(`fault ${name}: counted in its class, streaming and not, in each form`, async () => {
    await using mock = await MockEndpoint.start();
    // those that wait for a timeout are of the connection, whatever the form
    const forms = failure === "timeout" ? [""] : FORMS;
    for (const [stream, path] of [true, false].flatMap((s) => forms.map((f) => [s, f] as const))) {
      const timeout = failure === "timeout" && name !== "gateway_timeout" ? 0.1 : 10;
      await using there = await clientOf(mock, { endpoint: mock.url + path, stream, timeout });
      mock.configure({
        error_mode: name,
        default_response: "a b c d e f g h i j",
        retry_after: "0",
      });
      const { reply, error, ...outcome } = await there.client.ask(question, never);
      assertEquals([error?.failure ?? null, outcome.attempts], [failure, attempts], error?.message);
      if (error === null && !ALTERED.test(name)) assertEquals(reply.text, "a b c d e f g h i j");
      if (name === "multi_token_event" && stream) assertEquals(reply.tokens.count, 3);
      if (name === "usage_missing") assertEquals(reply.completion_tokens, null);
    }
  });
}

testBoth("an error within a success is tried again where its class says so", async () => {
  await using server = await behaving();
  await using transport = await openTransport({ only });
  const api = await configureApi(
    { endpoint: server.url, model: "m", retry_attempts: 2, retry_delay: 0.001 },
    transport,
    () => {},
  );
  const client = new EndpointClient(api, transport);
  const asked: [string, number][] = [
    ["an error's JSON where a stream was asked: a context that is exceeded", 1],
    ["an event called an error, of a kind that is not tried again", 1],
    ["a code that is a text", 1],
    ["an event called an error", 3],
    ["busy", 3],
  ];
  for (const [prompt, attempts] of asked) {
    assertEquals((await client.ask({ prompt }, never)).attempts, attempts, prompt);
  }
});

testBoth("a server that refuses stream_options is asked without them, once for all", async () => {
  await using mock = await MockEndpoint.start();
  await using there = await clientOf(mock);
  mock.configure({ error_mode: "reject_stream_options" });
  for (let i = 0; i < 3; i++) assertEquals((await there.client.ask(question, never)).error, null);
  const asked = mock.requests.map(({ body_text }) => body_text.includes("stream_options"));
  assertEquals(asked, [true, false, false, false]);
});

testBoth("a socket that is not there is named as its URL names it", async () => {
  await using transport = await openTransport({ only });
  const url = new URL("http+unix://%2Ftmp%2Fnobody.sock/v1/models");
  const request = { method: "GET" as const, url, headers: {}, body: "", timeout_s: 60 };
  const { message } = await assertRejects(
    () => exchange(transport, request, null, never),
    EndpointError,
  );
  assertMatch(message, /^http\+unix:\/\/%2[Ff]tmp%2[Ff]nobody\.sock: cannot connect: /);
});

testBoth("other 4xx fail fast with what the server says", async () => {
  await using mock = await MockEndpoint.start();
  await using there = await clientOf(mock);
  mock.configure({ status_code: 404 });
  const { error, attempts } = await there.client.ask(question, never);
  assertEquals([error?.failure, attempts], ["http_4xx", 1]);
  assertStringIncludes(error!.message, "HTTP 404: status 404");
});

testBoth("an abort ends a question at once and closes its connection", async () => {
  await using mock = await MockEndpoint.start();
  await using there = await clientOf(mock);
  mock.configure({ error_mode: "timeout" });
  const controller = new AbortController();
  const asking = there.client.ask(question, controller.signal);
  while (mock.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  controller.abort(new CancelledError("enough"));
  await assertRejects(() => asking, CancelledError, "enough");
});

testBoth("what is taken back while its host's name is looked up never goes out", async () => {
  await using mock = await MockEndpoint.start();
  await using there = await clientOf(mock);
  const url = new URL(mock.url.replace("127.0.0.1", "localhost"));
  const ends: (Error | null)[] = [];
  const send = () =>
    there.transport.send(
      { method: "GET", url: new URL("/health", url), headers: {}, body: "", timeout_s: 60 },
      { onEvent() {}, onErrorEvent() {}, onEnd: (_, error) => ends.push(error) },
    );
  send()();
  if (only === "wire") { // of the portable transport it is sent once it connects
    send();
    there.transport.withdraw();
  }
  assert(ends.length > 0 && ends.every((error) => error instanceof CancelledError));
  send(); // the connection is there, and it is the only one that the server hears of
  const taken = ends.length;
  while (ends.length === taken) await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals(ends.at(-1), null);
  assertEquals(mock.requests.length, 1);
});

testBoth("32 questions at once, paced, each with its own answer", async () => {
  const answers = Array.from({ length: 32 }, (_, i) => ({
    prompt: `question ${i}`,
    response: `answer ${i} `.repeat(20).trim(),
  }));
  await using mock = await MockEndpoint.start({ script: { answers } });
  mock.configure({ tokens_per_second: 400 });
  await using there = await clientOf(mock);
  await Promise.all(answers.map(async ({ prompt, response }) => {
    const { reply } = await there.client.ask({ prompt }, never);
    assertEquals([reply.text, reply.tokens.count], [response, 40]);
  }));
});
