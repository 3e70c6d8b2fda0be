/**
 * HTTP as clients other than dyno's speak it, byte by byte: HTTP/1.0 (ab of apache2-utils 2.4.68),
 * Expect (curl 7.88), HEAD. Rules of RFC 9110 and 9112.
 */
import net from "node:net";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { MockEndpoint } from "../../lib/mock/server.ts";

/** Sends bytes; what comes until the server closes the connection, or until a text has come. */
function sent(port: number, bytes: string, until?: string) {
  return new Promise<{ text: string; closed: boolean }>((resolve, reject) => {
    const socket = net.connect({ host: "127.0.0.1", port }, () => socket.write(bytes));
    let text = "";
    socket.on("data", (piece) => {
      text += piece;
      if (until !== undefined && text.includes(until)) {
        socket.destroy();
        resolve({ text, closed: false });
      }
    });
    socket.on("end", () => resolve({ text, closed: true }));
    socket.on("close", () => socket.destroy());
    socket.on("error", reject);
  });
}

const BODY = JSON.stringify({ prompt: "x", stream: true });

function post(version: string, headers: string, body = BODY): string {
  return `POST /v1/completions HTTP/${version}\r\nhost: x\r\ncontent-length: ${body.length}\r\n` +
    `${headers}\r\n${body}`;
}

Deno.test("HTTP/1.0 is closed behind its answer, unless it asked to be kept", async () => {
  await using mock = await MockEndpoint.start();
  const whole = await sent(mock.port, "GET /health HTTP/1.0\r\n\r\n");
  assertEquals([whole.closed, /^connection: close\r$/m.test(whole.text)], [true, true]);
  const kept = "GET /health HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n";
  const two = await sent(mock.port, kept + "GET /health HTTP/1.0\r\n\r\n");
  assertEquals(two.text.match(/^connection: .*$/gm), [
    "connection: keep-alive",
    "connection: close",
  ]);
  assertEquals(two.text.match(/"ok"/g)?.length, 2);
});

Deno.test("a stream over HTTP/1.0 has no chunks and ends with the connection", async () => {
  await using mock = await MockEndpoint.start();
  for (const headers of ["", "connection: keep-alive\r\n"]) {
    const { text, closed } = await sent(mock.port, post("1.0", headers));
    const [head, body] = text.split(/\r\n\r\n(.*)/s);
    assertEquals([closed, /transfer-encoding/i.test(head)], [true, false]);
    assert(/^data: \{/.test(body) && body.endsWith("\n\ndata: [DONE]\n\n"), body);
  }
});

Deno.test("Connection: close is heeded by HTTP/1.1, and nothing behind it is answered", async () => {
  await using mock = await MockEndpoint.start();
  const { text, closed } = await sent(mock.port, post("1.1", "Connection: close\r\n").repeat(2));
  assertEquals([closed, text.match(/HTTP\/1.1 200/g)?.length], [true, 1]);
  assert(text.endsWith("0\r\n\r\n"), "the chunks are complete");
  assertEquals(mock.requests.length, 1);
});

Deno.test("Expect: 100-continue is answered before the body, and in its turn", async () => {
  await using mock = await MockEndpoint.start();
  const answer = await new Promise<string>((resolve, reject) => {
    const [head, body] = post("1.1", "Expect: 100-Continue\r\n").split(/(?<=\r\n\r\n)/);
    const socket = net.connect({ host: "127.0.0.1", port: mock.port }, () => socket.write(head));
    let text = "";
    socket.on("data", (piece) => {
      text += piece;
      if (text === "HTTP/1.1 100 Continue\r\n\r\n") socket.write(body);
      if (!text.endsWith("0\r\n\r\n")) return;
      socket.destroy();
      resolve(text);
    });
    socket.on("error", reject);
  });
  assertStringIncludes(answer, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n");
  const behind = post("1.1", "") + post("1.1", "expect: 100-continue\r\nconnection: close\r\n");
  const { text } = await sent(mock.port, behind);
  assertEquals(
    text.match(/^HTTP.*$|\[DONE\]/gm),
    [
      "HTTP/1.1 200 OK\r",
      "[DONE]",
      "HTTP/1.1 100 Continue\r",
      "HTTP/1.1 200 OK\r",
      "[DONE]",
    ].map((line) => line.replace("\r", "")),
  );
  const old = await sent(mock.port, post("1.0", "expect: 100-continue\r\n"));
  assertEquals(old.text.includes("100 Continue"), false); // RFC 9110, 10.1.1
});

Deno.test("HEAD is GET without the body; 405 tells what is allowed", async () => {
  await using mock = await MockEndpoint.start({ model: "m" });
  for (const path of ["/health", "/v1/models", "/v1/models/m", "/v1/models/no", "/nope"]) {
    const get = await sent(mock.port, `GET ${path} HTTP/1.1\r\nconnection: close\r\n\r\n`);
    const head = await sent(mock.port, `HEAD ${path} HTTP/1.1\r\nconnection: close\r\n\r\n`);
    assertEquals(head.text, get.text.slice(0, get.text.indexOf("\r\n\r\n") + 4));
  }
  const allowed = async (method: string, path: string) =>
    (await fetch(mock.url + path, { method })).headers.get("allow");
  assertEquals(await allowed("GET", "/v1/responses"), "POST");
  assertEquals(await allowed("DELETE", "/v1/models"), "GET, HEAD");
});

Deno.test("a proxy's form of a request and empty lines before one are understood", async () => {
  await using mock = await MockEndpoint.start();
  const request = `\r\n\r\nGET http://127.0.0.1:${mock.port}/health?x=/ HTTP/1.0\r\n\r\n`;
  assertStringIncludes((await sent(mock.port, request)).text, '{"status":"ok"}');
  assertEquals(mock.requests[0].path, "/health");
});
