/** The mock endpoint's own behaviour, byte by byte; faults as a client sees them are in endpoint/. */
import net from "node:net";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { Script } from "../../lib/mock/script.ts";

/** Sends pieces on one connection; gives all that comes until it is closed, and how it ended. */
function talk(
  port: number,
  pieces: string[],
  until = /\0/,
): Promise<{ text: string; error: string | null }> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: "127.0.0.1", port });
    let text = "", error: string | null = null;
    socket.on("data", (bytes) => {
      text += bytes;
      if (until.test(text)) socket.end();
    });
    socket.on("error", (failure: { code?: string }) => error = failure.code ?? "error");
    socket.on("close", () => resolve({ text, error }));
    socket.on("connect", async () => {
      for (const piece of pieces) {
        socket.write(piece);
        if (pieces.length > 1) await new Promise((next) => setTimeout(next, 1));
      }
    });
  });
}

function post(path: string, body: unknown): string {
  const text = JSON.stringify(body);
  return `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${text.length}\r\n\r\n${text}`;
}

const chat = (content: string, more: object = {}) =>
  post("/v1/chat/completions", { model: "m", messages: [{ role: "user", content }], ...more });

async function json(url: string, init?: RequestInit) {
  const response = await fetch(url, init);
  return { status: response.status, body: await response.json() };
}

Deno.test("routes: models, health, unknown ones and wrong methods in the OpenAI form", async () => {
  await using mock = await MockEndpoint.start({ model: ["a", "b"] });
  const models = await json(`${mock.url}/v1/models`);
  assertEquals(models.body.data.map((model: { id: string }) => model.id), ["a", "b"]);
  assertEquals((await json(`${mock.url}/health`)).body, { status: "ok" });
  assertEquals((await json(`${mock.url}/nope`)).status, 404);
  const wrong = await json(`${mock.url}/v1/chat/completions`);
  assertEquals([wrong.status, typeof wrong.body.error.message], [405, "string"]);
});

Deno.test("bad requests are told what is wrong", async () => {
  await using mock = await MockEndpoint.start();
  const status = async (body: string, path = "/v1/chat/completions") => {
    const { status, body: { error } } = await json(mock.url + path, { method: "POST", body });
    return `${status} ${error.message}`;
  };
  assertEquals(await status("{"), "400 the body is not JSON");
  assertStringIncludes(await status("{}"), "400 messages");
  assertStringIncludes(await status("{}", "/v1/completions"), "400 prompt");
  const chat = (more: string) => status(`{"messages":[{"role":"user","content":"x"}],${more}}`);
  assertStringIncludes(await chat('"n":0'), "400 n:");
  assertStringIncludes(await chat('"n":129'), "400 n:");
  assertStringIncludes(await chat('"max_tokens":"many"'), "400 max_tokens:");
  assertStringIncludes(await chat('"stream_options":{}'), "400 stream_options:");
  assertStringIncludes(await chat('"tool_choice":"required"'), "400 tool_choice:");
  assertStringIncludes(await chat('"response_format":{"type":"xml"}'), "400 response_format:");
  for (const messages of ["[]", "[null]", '["x"]', "{}", '"x"']) {
    assertStringIncludes(await status(`{"messages":${messages}}`), "400 messages");
  }
  for (const prompt of ["[]", "[[]]", "[1,[2]]", "[null]", "{}", "7"]) {
    assertStringIncludes(await status(`{"prompt":${prompt}}`, "/v1/completions"), "400 prompt:");
  }
  for (const more of ['"input":[]', '"input":"x","encoding_format":"int8"', '"input":[{}]']) {
    const told = await status(`{${more}}`, "/v1/embeddings");
    assert(/^400 (input|encoding_format):/.test(told), told);
  }
});

Deno.test("a request in single bytes, and several in one piece, are answered in order", async () => {
  await using mock = await MockEndpoint.start({
    script: {
      answers: ["one", "two", "three"].map((prompt) => ({ prompt, response: `re: ${prompt}` })),
    },
  });
  const split = await talk(mock.port, [...chat("one")], /re: one/);
  assertStringIncludes(split.text, "HTTP/1.1 200 OK");
  const several = chat("one") + chat("two") + chat("three");
  const { text } = await talk(mock.port, [several], /re: three/);
  assertEquals([...text.matchAll(/re: (\w+)/g)].map((match) => match[1]), ["one", "two", "three"]);
  assertEquals(new Set(mock.requests.map(({ connection }) => connection)).size, 2);
});

Deno.test("a chunked request body is understood", async () => {
  await using mock = await MockEndpoint.start();
  const body = '{"prompt": "hello"}';
  const head = "POST /v1/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
  const chunks = `5\r\n${body.slice(0, 5)}\r\n${(body.length - 5).toString(16)}\r\n${
    body.slice(5)
  }\r\n0\r\n\r\n`;
  const { text } = await talk(mock.port, [head + chunks], /Mock response text/);
  assertStringIncludes(text, "200 OK");
  assertEquals(mock.requests[0].body, { prompt: "hello" });
});

Deno.test("what is no HTTP, or too much of it, ends the connection", async () => {
  await using mock = await MockEndpoint.start();
  assertStringIncludes((await talk(mock.port, ["hello\r\n\r\n"])).text, "HTTP/1.1 400");
  // RFC 9112: 6.3, lengths that differ; 5.1, white space before a colon
  for (const fields of ["content-length: 0\r\ncontent-length: 2", "x : y", "x"]) {
    const { text } = await talk(mock.port, [`GET /health HTTP/1.1\r\n${fields}\r\n\r\n{}`]);
    assertStringIncludes(text, "HTTP/1.1 400", fields);
  }
  const long = `GET / HTTP/1.1\r\nx: ${"y".repeat(70_000)}`;
  assertStringIncludes((await talk(mock.port, [long])).text, "HTTP/1.1 431");
  const large = "POST /v1/completions HTTP/1.1\r\ncontent-length: 99999999\r\n\r\n";
  assertStringIncludes((await talk(mock.port, [large])).text, "HTTP/1.1 413");
});

Deno.test("connection_reset is a reset on the wire, truncated_stream a plain end", async () => {
  await using mock = await MockEndpoint.start();
  mock.configure({ error_mode: "connection_reset" });
  assertEquals(await talk(mock.port, [chat("x")]), { text: "", error: "ECONNRESET" });
  mock.configure({ error_mode: "reset_mid_stream" });
  assertEquals((await talk(mock.port, [chat("x", { stream: true })])).error, "ECONNRESET");
  mock.configure({ error_mode: "truncated_stream" });
  const { text, error } = await talk(mock.port, [chat("x", { stream: true })]);
  assertEquals([error, text.includes("[DONE]"), text.includes("Mock")], [null, false, true]);
});

Deno.test("a stream: role, a token an event, finish, usage if asked, done", async () => {
  await using mock = await MockEndpoint.start();
  const events = async (more: object) => {
    const { text } = await talk(mock.port, [chat("a b", { stream: true, ...more })], /\[DONE\]/);
    return [...text.matchAll(/^data: (.*)$/gm)].map((match) => match[1]);
  };
  const [role, ...rest] = await events({ stream_options: { include_usage: true } });
  assertEquals(JSON.parse(role).choices[0].delta, { role: "assistant", content: "" });
  const tokens = rest.slice(0, 3).map((event) => JSON.parse(event).choices[0].delta.content);
  assertEquals(tokens, ["Mock", " response", " text"]);
  assertEquals(JSON.parse(rest[3]).choices[0].finish_reason, "stop");
  assertEquals(JSON.parse(rest[4]).usage, {
    prompt_tokens: 2,
    completion_tokens: 3,
    total_tokens: 5,
  });
  assertEquals([rest[5], rest.length], ["[DONE]", 6]);
  assertEquals((await events({})).length, 6);
  const cut = await events({ max_tokens: 2 });
  assertEquals(JSON.parse(cut[3]).choices[0].finish_reason, "length");
});

Deno.test("a script's first fitting answer is given, its reasoning before it", async () => {
  const script = new Script({
    answers: [
      { contains: "cat", response: "1" },
      { pattern: "^d.g$", response: "2" },
      { prompt: "cat", response: "3" },
    ],
  });
  assertEquals(["cat", "cats", "dog", "bird"].map((p) => script.find(p)?.response), [
    "3",
    "1",
    "2",
    undefined,
  ]);
  await using mock = await MockEndpoint.start({
    script: {
      default_response: "else",
      answers: [{ prompt: "why", response: "so", reasoning: "hm hm" }],
    },
  });
  const body = (content: string) => ({
    method: "POST",
    body: JSON.stringify({ messages: [{ role: "user", content }] }),
  });
  const why = await json(`${mock.url}/v1/chat/completions`, body("why"));
  assertEquals(why.body.choices[0].message, {
    role: "assistant",
    content: "so",
    reasoning_content: "hm hm",
  });
  assertEquals(
    (await json(`${mock.url}/v1/chat/completions`, body("x"))).body.choices[0].message.content,
    "else",
  );
});

Deno.test("which requests a fault hits depends on seed and request, not on order", async () => {
  const hits = async (seed: number, order: number[]) => {
    await using mock = await MockEndpoint.start({ seed });
    mock.configure({ error_mode: "server_error", fault_rate: 0.4 });
    const statuses = new Map<number, number>();
    await Promise.all(order.map(async (i) => {
      const init = { method: "POST", body: JSON.stringify({ prompt: `p${i}` }) };
      statuses.set(i, (await json(`${mock.url}/v1/completions`, init)).status);
    }));
    return [...statuses].sort((a, b) => a[0] - b[0]).map(([, status]) => status);
  };
  const order = [...Array(60).keys()];
  const first = await hits(1, order);
  assertEquals(await hits(1, order.toReversed()), first);
  assert((await hits(2, order)).join() !== first.join());
  const share = first.filter((status) => status === 500).length / 60;
  assert(share > 0.2 && share < 0.6, `${share}`);
});

Deno.test("a client that goes away leaves no timer, and close ends what still runs", async () => {
  const mock = await MockEndpoint.start({ behaviour: { tokens_per_second: 1 } });
  await talk(mock.port, [chat("x", { stream: true })], /Mock/); // leaves after the first token
  const open = talk(mock.port, [chat("x", { stream: true })]);
  while (mock.requests.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  await mock.close();
  await open;
});

Deno.test("a port in use is told plainly", async () => {
  await using mock = await MockEndpoint.start();
  await assertRejects(
    () => MockEndpoint.start({ port: mock.port }),
    InputError,
    `--host 127.0.0.1 --port ${mock.port}: another program listens there`,
  );
});
