import { Buffer } from "node:buffer";
import { assertEquals, assertThrows } from "@std/assert";
import { EndpointError } from "../../lib/endpoint/errors.ts";
import { EventSplitter } from "../../lib/endpoint/sse.ts";

function events(pieces: Uint8Array[]): string[] {
  const found: string[] = [];
  const splitter = new EventSplitter((data) => found.push(data));
  for (const piece of pieces) splitter.push(Buffer.from(piece));
  return found;
}

const forms: [string, string, string[]][] = [
  ["line feeds", "data: a\n\ndata: b\n\n", ["a", "b"]],
  ["CRLF", "data: a\r\n\r\ndata: b\r\n\r\n", ["a", "b"]],
  ["CR", "data: a\r\rdata: b\r\r", ["a", "b"]],
  ["mixed line ends", "data: a\r\n\ndata: b\n\r\ndata: c\r\r\n", ["a", "b", "c"]],
  ["several data lines", "data: a\ndata: b\n\n", ["a\nb"]],
  ["no space after the colon", "data:a\n\n", ["a"]],
  ["two spaces after the colon", "data:  a\n\n", [" a"]],
  ["an empty data line", "data:\n\ndata\n\n", ["", ""]],
  ["comments and other fields", ": ping\n\nevent: x\nid: 7\ndata: a\nretry: 3\n\n", ["a"]],
  ["a field that begins with data", "database: x\ndata: a\n\n", ["a"]],
  ["a byte order mark", "\ufeffdata: a\n\n", ["a"]],
  ["an event without its empty line", "data: a\n\ndata: b\n", ["a"]],
  ["text of several bytes a letter", "data: grüße 你好 🙂\n\n", ["grüße 你好 🙂"]],
];

for (const [name, text, expected] of forms) {
  Deno.test(`events with ${name}, split at every byte`, () => {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at <= bytes.length; at++) {
      assertEquals(events([bytes.subarray(0, at), bytes.subarray(at)]), expected, `split at ${at}`);
    }
    assertEquals(events([...bytes].map((byte) => new Uint8Array([byte]))), expected);
  });
}

Deno.test("a piece that the socket overwrites later is kept as it was", () => {
  const found: string[] = [];
  const splitter = new EventSplitter((data) => found.push(data));
  const buffer = Buffer.from("data: first half");
  splitter.push(buffer);
  buffer.fill(120);
  splitter.push(Buffer.from(", second\n\n"));
  assertEquals(found, ["first half, second"]);
});

Deno.test("an event without an end is refused at 4 MB", () => {
  const splitter = new EventSplitter(() => {});
  const megabyte = Buffer.alloc(1024 * 1024, 120);
  assertThrows(
    () => {
      for (let i = 0; i < 5; i++) splitter.push(megabyte);
    },
    EndpointError,
    "4 MB",
  );
});
