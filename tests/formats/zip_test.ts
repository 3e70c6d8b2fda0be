/** Archives that are damaged or made to hurt end in one plain error, in bounded memory. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Buffer } from "node:buffer";
import { deflateRawSync } from "node:zlib";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { readForeign } from "../../lib/formats/read_foreign.ts";
import { fixture, temporary } from "./fixtures.ts";

/** An archive by the standard (APPNOTE 6.3.10); `size` is what its directory says of an entry. */
function zip(
  entries: { name: string; bytes: Uint8Array; size?: number; same?: boolean }[],
): Uint8Array {
  const parts: Uint8Array[] = [], directory: Uint8Array[] = [];
  let offset = 0;
  let last = 0;
  for (const { name, bytes, size = bytes.length, same = false } of entries) {
    const packed = deflateRawSync(bytes), title = new TextEncoder().encode(name);
    const local = new DataView(new ArrayBuffer(30));
    local.setUint32(0, 0x04034b50, true);
    local.setUint16(8, 8, true);
    local.setUint32(18, packed.length, true);
    local.setUint32(22, size, true);
    local.setUint16(26, title.length, true);
    const entry = new DataView(new ArrayBuffer(46));
    entry.setUint32(0, 0x02014b50, true);
    entry.setUint16(10, 8, true);
    entry.setUint32(20, packed.length, true);
    entry.setUint32(24, size, true);
    entry.setUint16(28, title.length, true);
    entry.setUint32(42, same ? last : offset, true);
    directory.push(new Uint8Array(entry.buffer), title);
    if (same) continue; // its bytes are the last one's
    last = offset;
    parts.push(new Uint8Array(local.buffer), title, packed);
    offset += 30 + title.length + packed.length;
  }
  const length = directory.reduce((sum, part) => sum + part.length, 0);
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(10, entries.length, true);
  end.setUint32(12, length, true);
  end.setUint32(16, offset, true);
  return new Uint8Array(Buffer.concat([...parts, ...directory, new Uint8Array(end.buffer)]));
}

const text = (value: unknown) =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
const header = {
  name: "header.json",
  bytes: text({ status: "success", eval: { task: "t", model: "m", eval_id: "e1" } }),
};

async function complaint(bytes: Uint8Array): Promise<string> {
  using folder = temporary();
  const path = join(folder.path, "log.eval");
  writeFileSync(path, bytes);
  const { message } = await assertRejects(() => readForeign(path), InputError);
  assertStringIncludes(message, path);
  assertEquals(message.split("\n").length, 1);
  return message;
}

Deno.test("an archive of another writer is read; an unfinished one has what was written", async () => {
  using folder = temporary();
  const path = join(folder.path, "log.eval");
  const sample = (id: string) => ({
    name: `samples/${id}_epoch_1.json`,
    bytes: text({ id, epoch: 1, scores: { s: { value: "C" } } }),
  });
  writeFileSync(path, zip([header, sample("a"), sample("b")]));
  const [{ summary, items }] = (await readForeign(path)).runs;
  assertEquals([summary.run_id, summary.status, items.length], ["e1", "complete", 2]);
  const start = { name: "_journal/start.json", bytes: text({ eval: { task: "t", model: "m" } }) };
  writeFileSync(path, zip([start, sample("a")]));
  const [run] = (await readForeign(path)).runs;
  assertEquals([run.summary.status, run.items.length], ["incomplete", 1]);
});

Deno.test("bombs, lies and cut archives: one error, and no memory", async () => {
  const before = Deno.memoryUsage().rss;
  const zeros = new Uint8Array(60_000_000).fill(32);
  const bomb = { name: "samples/a_epoch_1.json", bytes: zeros };
  assertStringIncludes(await complaint(zip([header, bomb])), "1000 times its size");
  // the directory says little, the entry unpacks to much
  assertStringIncludes(
    await complaint(zip([header, { ...bomb, size: 1000 }])),
    "samples/a_epoch_1.json: cannot be unpacked",
  );
  assertStringIncludes(
    await complaint(zip([header, { ...bomb, size: 900_000_000 }])),
    "more than 512 MB",
  );
  const deep = { name: "samples/a_epoch_1.json", bytes: text("[".repeat(2_000_000)) };
  assertStringIncludes(await complaint(zip([header, deep])), "samples/a_epoch_1.json");
  const real = new Uint8Array(readFileSync(fixture("inspect_ai/numbers.eval")));
  assertStringIncludes(await complaint(real.slice(0, 5000)), "not a complete zip archive");
  const damaged = real.slice();
  damaged.fill(0, 100, 900);
  await complaint(damaged);
  assertStringIncludes(await complaint(zip([{ ...header, name: "other.json" }])), "header.json");
  assert(Deno.memoryUsage().rss - before < 600_000_000);
});

Deno.test("entries that share their bytes are refused; of two with one name the last is read", async () => {
  const sample = (id: string) => ({
    name: `samples/${id}_epoch_1.json`,
    bytes: text({ id, epoch: 1, scores: { s: { value: "C" } } }),
  });
  const many = Array.from({ length: 1000 }, (_, i) => ({ ...sample(`${i}`), same: i > 0 }));
  assertStringIncludes(await complaint(zip([header, ...many])), "overlaps the entry after it");
  using folder = temporary();
  const path = join(folder.path, "log.eval");
  const later = { ...header, bytes: text({ status: "error", eval: { task: "t", model: "n" } }) };
  writeFileSync(path, zip([header, sample("a"), sample("a"), later]));
  const [{ summary, items }] = (await readForeign(path)).runs;
  assertEquals([summary.model, summary.status, items.length], ["n", "failed", 1]);
});
