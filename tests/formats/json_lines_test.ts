/** Lines of a file in any encoding and packing; the encodings' bytes are Node's and a hand's. */
import { Buffer } from "node:buffer";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { readLines } from "../../lib/formats/json_lines.ts";
import { temporaryFolder } from "../suite/fixture.ts";

const TEXT = '{"a": "é€😀"}\r\n\n  \n{"b": 2}';
const LINES = [{ line: '{"a": "é€😀"}', number: 1 }, { line: '{"b": 2}', number: 4 }];

Deno.test("lines with their numbers: UTF-8, with a mark, UTF-16 both ways, gzip", async () => {
  using folder = temporaryFolder();
  const utf16 = Buffer.from("\uFEFF" + TEXT, "utf16le");
  const files: [string, Uint8Array][] = [
    ["a.jsonl", Buffer.from(TEXT)],
    ["b.jsonl", Buffer.from("\uFEFF" + TEXT)],
    ["c.jsonl", utf16],
    ["d.jsonl", Buffer.from(utf16).swap16()],
    ["e.jsonl.gz", gzipSync(TEXT)],
    ["f.jsonl.gz", gzipSync(utf16)],
  ];
  for (const [name, bytes] of files) {
    const path = join(folder.path, name);
    writeFileSync(path, bytes);
    assertEquals(await Array.fromAsync(readLines(path)), LINES, name);
  }
});

Deno.test("lines longer than a piece are whole; those without an end and no files are told", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "long.jsonl");
  const long = "é".repeat(700_001);
  writeFileSync(path, `${long}\n${long}x`);
  const read = await Array.fromAsync(readLines(path));
  assertEquals(read.map(({ line }) => line.length), [700_001, 700_002]);
  writeFileSync(path, `1\n${"y".repeat(64_000_001)}`);
  const complaint = async (at: string, says: string) =>
    await assertRejects(() => Array.fromAsync(readLines(at)), InputError, says);
  await complaint(path, `${path}:2: too long a line`);
  await complaint(join(folder.path, "none"), "none: no such file");
  await complaint(folder.path, "is a folder");
  writeFileSync(`${path}.gz`, gzipSync("x".repeat(1000)).subarray(0, 20));
  await complaint(`${path}.gz`, "not a complete gzip file");
});
