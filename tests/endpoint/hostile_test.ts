/** Servers that misbehave: each is counted in its class, in bounded time and memory. */
import net from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { assert, assertEquals } from "@std/assert";
import { EndpointClient } from "../../lib/endpoint/client.ts";
import { openTransport } from "../../lib/endpoint/open_transport.ts";
import { USUAL_TLS } from "../../lib/endpoint/tls.ts";
import type { APIConfiguration } from "../../lib/endpoint/api.ts";

const OK = "HTTP/1.1 200 OK\r\n";
const SSE = `${OK}content-type: text/event-stream\r\n\r\n`;
const DONE = "data: [DONE]\n\n";
const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
const token = (content: unknown, finish_reason: string | null = null) =>
  event({ choices: [{ delta: { content }, finish_reason }] });
const body = (value: unknown) => {
  const text = JSON.stringify(value);
  return `${OK}content-type: application/json\r\ncontent-length: ${text.length}\r\n\r\n${text}`;
};

/** Writes without end, until the client has gone. */
function endless(socket: Socket, start: string, piece: string | (() => string)): void {
  socket.write(start);
  const next = () => typeof piece === "string" ? piece : piece();
  const timer = setInterval(() => socket.write(next()), 1);
  socket.on("close", () => clearInterval(timer));
}

/** What the server does, and the class of failure; null is an answer. */
const servers: Record<string, [(socket: Socket) => void, string | null]> = {
  "HTTP/1.0": [
    (s) => s.end(body({ choices: [{ message: { content: "x" } }] }).replace("1.1", "1.0")),
    null,
  ],
  "an interim response": [
    (s) => s.end("HTTP/1.1 100 Continue\r\n\r\n" + SSE + token("x", "stop")),
    null,
  ],
  "an event after the end": [
    (s) => s.end(SSE + token("x", "stop") + DONE + event({ choices: [] })),
    null,
  ],
  "a usage that lies": [
    (s) =>
      s.end(
        SSE + token("x", "stop") + event({ usage: { prompt_tokens: -5, completion_tokens: 1e99 } }),
      ),
    null,
  ],
  "a delta that is null": [
    (s) => s.end(SSE + event({ choices: [{ delta: null }] }) + token("x", "stop")),
    null,
  ],
  "no content": [(s) => s.end("HTTP/1.1 204 No Content\r\n\r\n"), "malformed"],
  "a redirect": [
    (s) =>
      s.end("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n"),
    "malformed",
  ],
  "a compressed answer": [
    (s) => s.end(`${OK}content-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc`),
    "malformed",
  ],
  "an end without a beginning": [(s) => s.end(SSE + DONE), "empty_reply"],
  "choices that are null": [
    (s) => s.end(SSE + event({ choices: null }) + event({ choices: [null] }) + DONE),
    "empty_reply",
  ],
  "choices that are an object": [
    (s) => s.end(SSE + event({ choices: { a: 1 } }) + DONE),
    "empty_reply",
  ],
  "content that is a number": [(s) => s.end(SSE + token(5) + DONE), "empty_reply"],
  "tool calls that are an object": [
    (s) => s.end(SSE + event({ choices: [{ delta: { tool_calls: { a: 1 } } }] }) + DONE),
    "empty_reply",
  ],
  "a body whose choices are null": [(s) => s.end(body({ choices: null })), "malformed"],
  "a body whose choice is a text": [(s) => s.end(body({ choices: ["a"] })), "malformed"],
  "bytes that are no UTF-8": [
    (s) => s.end(new Uint8Array([...new TextEncoder().encode(`${SSE}data: `), 255, 254, 10, 10])),
    "malformed",
  ],
  "a stream without an end": [(s) => s.end(SSE + token("cut")), "truncated"],
  "headers without end": [(s) => endless(s, OK, `x: ${"y".repeat(1000)}\r\n`), "malformed"],
  "an event without end": [(s) => endless(s, `${SSE}data: `, "y".repeat(1e6)), "malformed"],
  "a body without end": [
    (s) => endless(s, `${OK}content-type: text/plain\r\n\r\n`, "y".repeat(4e6)),
    "malformed",
  ],
  "a new field in each event": [
    (s) => s.end(SSE + Array.from({ length: 100 }, (_, i) => event({ [`f${i}`]: 1 })).join("")),
    "malformed",
  ],
  "calls of tools without end": [
    (s) => {
      let index = 0;
      const call = () => ({ index: index++, function: { name: "f", arguments: "y".repeat(1e6) } });
      endless(s, SSE, () => event({ choices: [{ delta: { tool_calls: [call()] } }] }));
    },
    "malformed",
  ],
  "an event nested without end": [
    (s) => s.end(SSE + `data: {"x":${"[".repeat(1e5)}${"]".repeat(1e5)}}\n\n` + token("x", "stop")),
    "malformed",
  ],
  "an error nested without end": [
    (s) => s.end(`${SSE}event: error\ndata: {"x":${"[".repeat(1e5)}${"]".repeat(1e5)}}\n\n`),
    "http_5xx",
  ],
  "one byte at a time": [(s) => endless(s, SSE, ":"), "timeout"],
};

const apiAt = (port: number, timeout: number): APIConfiguration => ({
  endpoint: `http://127.0.0.1:${port}/v1/chat/completions`,
  model: "m",
  headers: {},
  timeout,
  retry_attempts: 0,
  retry_delay: 0,
  requests_per_minute: null,
  tokens_per_minute: null,
  api_type: "chat",
  api_key_env: null,
  stream: true,
  max_tokens_field: "max_tokens",
  stream_options: true,
  tls: USUAL_TLS,
});

const cases = (["wire", "portable"] as const).flatMap((only) =>
  Object.entries(servers).map(([name, [serve, failure]]) => ({ only, name, serve, failure }))
);

for (const { only, name, serve, failure } of cases) {
  Deno.test(`a server that sends ${name}: ${failure ?? "answered"} (${only})`, async () => {
    const server = net.createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => serve(socket));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const api = apiAt(port, name === "one byte at a time" ? 0.3 : 20);
    {
      await using transport = await openTransport({ only });
      const client = new EndpointClient(api, transport);
      const { error, reply } = await client.ask({ prompt: "p" }, new AbortController().signal);
      assertEquals(error?.failure ?? null, failure, error?.message);
      if (failure === null) assertEquals([reply.text, reply.completion_tokens], ["x", null]);
      assert((error?.message ?? "").length < 400);
    }
    await new Promise((resolve) => server.close(resolve));
  });
}

// RFC 9112, 9.2: such bytes are no answer to what is asked next, and the connection is to be closed
for (const only of ["wire", "portable"] as const) {
  Deno.test(`a kept connection on which bytes come that nobody asked for is closed (${only})`, async () => {
    const said = (content: string) => body({ choices: [{ message: { content } }] });
    for (const unasked of [said("theirs"), "HTTP/1.1 200 O", "\r\n"]) {
      let connections = 0;
      const closed = Promise.withResolvers<void>();
      const server = net.createServer((socket) => {
        connections++;
        socket.on("error", () => {}).on("close", () => closed.resolve());
        socket.on("data", () => socket.write(said("ours")));
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as AddressInfo;
      const sockets: Socket[] = [];
      server.on("connection", (socket: Socket) => sockets.push(socket));
      {
        await using transport = await openTransport({ only });
        const client = new EndpointClient(apiAt(port, 20), transport);
        const ask = async () =>
          (await client.ask({ prompt: "p" }, new AbortController().signal)).reply.text;
        assertEquals(await ask(), "ours");
        sockets[0].write(unasked);
        await closed.promise;
        assertEquals([await ask(), connections], ["ours", 2], JSON.stringify(unasked));
      }
      await new Promise((resolve) => server.close(resolve));
    }
  });
}
