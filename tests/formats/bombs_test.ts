/** Files that are made to take memory or to stand in another's place. */
import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { spawnSync } from "node:child_process";
import { closeSync, ftruncateSync, mkdirSync, openSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { parquetWriteBuffer } from "hyparquet-writer";
import { InputError } from "../../lib/errors.ts";
import { readLines, textPieces } from "../../lib/formats/json_lines.ts";
import { readTable } from "../../lib/formats/tables.ts";
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

Deno.test("a table of gigabytes, a device and a Parquet file of endless rows are refused", async () => {
  using place = temporaryFolder();
  const large = join(place.path, "prompts.csv");
  const fd = openSync(large, "w");
  ftruncateSync(fd, 3e9); // sparse
  closeSync(fd);
  const rows = join(place.path, "rows.parquet");
  const same = { name: "prompt", data: new Array(21e6).fill(true), type: "BOOLEAN" as const };
  writeFileSync(rows, new Uint8Array(parquetWriteBuffer({ columnData: [same] })));
  for (
    const [path, said] of [
      [large, "3000 MB is more than the 512 MB"],
      ["/dev/zero", "a device or a socket"],
      [rows, "21000000 values"],
    ]
  ) {
    const error = await assertRejects(() => readTable(path), InputError);
    assertStringIncludes(error.message, `${path}: `);
    assertStringIncludes(error.message, said);
  }
  const error = await assertRejects(() => readJsonFile("/dev/zero"), InputError);
  assertStringIncludes(error.message, "a device or a socket");
});

Deno.test("a suite that others wrote sends nothing of this host elsewhere", async () => {
  using place = temporaryFolder();
  const folder = join(place.path, "suite");
  mkdirSync(folder);
  const secret = join(place.path, "secret.json");
  writeFileSync(secret, '[{"prompt":"the secret"}]');
  symlinkSync(secret, join(folder, "link.json"));
  const promptfoo = (name: string) => ({
    prompts: [`file://${name}`],
    providers: ["openai:m"],
    tests: [{ vars: {}, assert: [{ type: "equals", value: "x" }] }],
  });
  const rows = (name: string) => ({
    test_suite_id: "s",
    rows: { file: name, source: "here" },
    test: { prompt: "{{prompt}}", evaluator: { type: "exact", expected: "x" } },
  });
  for (const name of [secret, "../secret.json", "link.json"]) {
    for (const suite of [promptfoo(name), rows(name)]) {
      const path = join(folder, "suite.json");
      writeFileSync(path, JSON.stringify(suite));
      const { code, stderr } = await dyno([
        ...["run", path, "--endpoint", "http://127.0.0.1:9/v1", "--model", "m"],
      ], { cwd: place.path });
      assertEquals(code, 2, stderr);
      assertStringIncludes(stderr, "is outside the suite's folder");
    }
  }
});
