import { Buffer } from "node:buffer";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { EndpointError } from "../../lib/endpoint/errors.ts";
import { ResponseParser } from "../../lib/endpoint/http_response.ts";

interface Parsed {
  status: number;
  headers: Record<string, string>;
  body: string;
  done: boolean;
  keepAlive: boolean;
}

/** Parses text in the given pieces. */
function parse(pieces: string[], closed = false): Parsed {
  const parsed: Parsed = { status: 0, headers: {}, body: "", done: false, keepAlive: false };
  const parser = new ResponseParser({
    onHead: ({ status, headers }) => Object.assign(parsed, { status, headers: { ...headers } }),
    onBody: (bytes) => parsed.body += bytes.toString("latin1"),
  });
  for (const piece of pieces) parser.push(Buffer.from(piece, "latin1"));
  if (closed) parser.end();
  return { ...parsed, done: parser.done, keepAlive: parser.keepAlive };
}

const OK = "HTTP/1.1 200 OK\r\n";
const good: [string, string, string, boolean][] = [
  ["content-length", `${OK}Content-Length: 5\r\n\r\nhello`, "hello", true],
  ["an empty body", `${OK}content-length: 0\r\n\r\n`, "", true],
  [
    "chunks",
    `${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n`,
    "hello",
    true,
  ],
  [
    "trailers",
    `${OK}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n`,
    "hello",
    true,
  ],
  ["bare line feeds", `HTTP/1.1 200 OK\ncontent-length: 5\n\nhello`, "hello", true],
  [
    "an interim response",
    `HTTP/1.1 100 Continue\r\n\r\n${OK}content-length: 5\r\n\r\nhello`,
    "hello",
    true,
  ],
  ["connection: close", `${OK}connection: close\r\ncontent-length: 5\r\n\r\nhello`, "hello", false],
  ["HTTP/1.0", `HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello`, "hello", false],
  ["no reason phrase", `HTTP/1.1 200 \r\ncontent-length: 5\r\n\r\nhello`, "hello", true],
  [
    "a body that looks like a head",
    `${OK}content-length: 8\r\n\r\n\r\n\r\nHTTP`,
    "\r\n\r\nHTTP",
    true,
  ],
];

for (const [name, text, body, keepAlive] of good) {
  Deno.test(`a response with ${name}, split at every byte`, () => {
    for (let at = 0; at <= text.length; at++) {
      const parsed = parse([text.slice(0, at), text.slice(at)]);
      assertEquals([parsed.status, parsed.body, parsed.done, parsed.keepAlive], [
        200,
        body,
        true,
        keepAlive,
      ], `split at ${at}`);
    }
    assertEquals(parse([...text]).body, body);
  });
}

Deno.test("a body without a length ends with the connection", () => {
  const text = `${OK}content-type: text/plain\r\n\r\nall of it`;
  assertEquals(parse([text]).done, false);
  assertEquals(parse([text], true).done, true);
  assertEquals(parse([text], true).body, "all of it");
});

Deno.test("a counted body that the connection cuts is not done", () => {
  assertEquals(parse([`${OK}content-length: 9\r\n\r\nhello`], true).done, false);
  assertEquals(parse([`${OK}transfer-encoding: chunked\r\n\r\n9\r\nhello`], true).done, false);
});

Deno.test("repeated headers are joined, and no header name reaches a prototype", () => {
  const { headers } = parse([`${OK}a: 1\r\nA: 2\r\n__proto__: x\r\ncontent-length: 0\r\n\r\n`]);
  assertEquals(headers.a, "1, 2");
  assertEquals(({} as Record<string, unknown>).x, undefined);
});

const hostile: [string, string][] = [
  ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n\r\n"],
  ["a status that is no number", "HTTP/1.1 abc OK\r\n\r\n"],
  ["a negative length", `${OK}content-length: -5\r\n\r\n`],
  ["two lengths", `${OK}content-length: 5\r\ncontent-length: 6\r\n\r\nhello!`],
  ["a chunk size that is no number", `${OK}transfer-encoding: chunked\r\n\r\nxyz\r\n`],
  ["a huge chunk size", `${OK}transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n`],
  ["headers without an end", `${OK}x: ${"a".repeat(70_000)}`],
  ["a chunk header without an end", `${OK}transfer-encoding: chunked\r\n\r\n${"1".repeat(5000)}`],
];

for (const [name, text] of hostile) {
  Deno.test(`${name} is malformed`, () => {
    const error = assertThrows(() => parse([text]), EndpointError);
    assertEquals(error.failure, "malformed");
    assert(!error.retryable);
  });
}
