/** Files that are made to take memory or to stand in another's place. */
import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { spawnSync } from "node:child_process";
import { closeSync, ftruncateSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { InputError } from "../../lib/errors.ts";
import { readLines, textPieces } from "../../lib/formats/json_lines.ts";
import { readJsonFile } from "../../lib/settings/json_file.ts";
import { Journal } from "../../lib/run/journal.ts";
import { Redactor } from "../../lib/run/redact.ts";
import { dyno } from "../e2e/dyno.ts";
import { temporaryFolder } from "../suite/fixture.ts";

async function drained(pieces: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _ of pieces) count++;
  return count;
}

Deno.test("a gzip that unpacks to a thousand times its size is refused by every reader of it", async () => {
  using place = temporaryFolder();
  const forms = { blanks: " ", rows: '{"task_id":"a"}\n' };
  for (const [name, unit] of Object.entries(forms)) {
    const path = join(place.path, `${name}.jsonl.gz`);
    writeFileSync(path, gzipSync(unit.repeat(Math.ceil(66_000_000 / unit.length))));
    for (const read of [textPieces, readLines]) {
      const error = await assertRejects(() => drained(read(path)), InputError);
      assertStringIncludes(error.message, path);
    }
  }
  const bomb = join(place.path, "blanks.jsonl.gz");
  const { code, stderr } = await dyno(["run", bomb, "--endpoint", "http://127.0.0.1:9/v1"], {
    cwd: place.path,
  });
  assertEquals(code, 2, stderr);
  assertEquals(stderr.includes("fault of dyno"), false, stderr);
  // an ordinary file of the same length is read
  const lines = Array.from({ length: 2e5 }, (_, i) => `{"id":${i},"x":"${crypto.randomUUID()}"}`);
  const good = join(place.path, "good.jsonl.gz");
  writeFileSync(good, gzipSync(lines.join("\n")));
  assertEquals(await drained(readLines(good)), lines.length);
});

Deno.test("a settings file of gigabytes is refused before it is read", async () => {
  using place = temporaryFolder();
  const path = join(place.path, "suite.json");
  const fd = openSync(path, "w");
  ftruncateSync(fd, 3e9); // sparse
  closeSync(fd);
  const error = await assertRejects(() => readJsonFile(path), InputError);
  assertStringIncludes(error.message, "3000 MB");
});

Deno.test("a pipe in the place of a journal is refused, not waited for", () => {
  using place = temporaryFolder();
  const path = join(place.path, "events.jsonl");
  assertEquals(spawnSync("mkfifo", [path]).status, 0);
  assertThrows(() => new Journal(path, new Redactor()), InputError, "no plain file");
});
