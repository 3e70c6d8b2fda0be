/** Fixtures with random damage: read, warned of or refused, but never a crash. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { EXPORT_FORMS, exportAs } from "../../lib/formats/export_as.ts";
import { importRuns } from "../../lib/formats/import_runs.ts";
import { readForeign } from "../../lib/formats/read_foreign.ts";
import { recognise } from "../../lib/formats/recognise.ts";
import { readRunDirectory } from "../../lib/run/read_run.ts";
import { seededRandom } from "../../lib/stats/random.ts";
import type { ReadRun, SourceForm } from "../../lib/run/summary.ts";
import { copyFixture, fixture, fixtureFiles, FORMS, temporary } from "./fixtures.ts";

const MUTATIONS = Deno.env.get("DYNO_TEST_LONG") ? 2000 : 250;
const STRANGE: unknown[] = [
  null,
  [],
  {},
  "",
  "NaN",
  -1,
  0,
  1e308,
  2 ** 53,
  0.5,
  true,
  "__proto__",
  "\u0000\uD800",
  [[[]]],
  { __proto__: null, value: 1 },
  "x".repeat(5000),
];

Deno.test(`${MUTATIONS} damaged files: only complaints of ours`, async () => {
  const random = seededRandom(7);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)];
  using folder = temporary();
  for (const form of FORMS) copyFixture(form, folder.path);
  const files = fixtureFiles().filter((file) => !file.endsWith("trace.json"));
  let read = 0, refused = 0;
  for (let i = 0; i < MUTATIONS; i++) {
    const name = pick(files), path = join(folder.path, name);
    const original = readFileSync(fixture(name));
    writeFileSync(path, damaged(original, random, pick));
    // Every fourth time the whole folder of the form, so that parts of a run meet.
    const at = i % 4 ? path : join(folder.path, name.split("/")[0]);
    try {
      const { runs } = await readForeign(at);
      for (const run of runs) check(run, `mutation ${i} of ${name}`);
      await recognise(at);
      if (runs.length > 0) exportAs(pick(EXPORT_FORMS) as SourceForm, pick(runs));
      if (i % 10 === 0) await imported(at, runs, `mutation ${i} of ${name}`);
      read++;
    } catch (error) {
      assert(error instanceof InputError, `mutation ${i} of ${name}: ${(error as Error).stack}`);
      assert(error.message.includes(folder.path), `mutation ${i}: no path in "${error.message}"`);
      refused++;
    }
    writeFileSync(path, original);
  }
  assert(read > MUTATIONS / 10 && refused > MUTATIONS / 10, `${read} read, ${refused} refused`);
  assertEquals(Object.keys({}), []);
});

/** As run directories they say the same, and nothing lies beside these. */
async function imported(from: string, read: readonly ReadRun[], what: string): Promise<void> {
  using folder = temporary();
  const root = join(folder.path, "runs");
  const { runs } = await importRuns([from], root);
  assertEquals(runs.length, read.length, what);
  for (const { run_id, summary } of runs) {
    const kept = await readRunDirectory(join(root, run_id));
    assertEquals([kept.summary.items_total, kept.summary.status], [
      summary.items_total,
      summary.status,
    ], what);
  }
  assertEquals(readdirSync(folder.path), read.length ? ["runs"] : [], what);
}

/** Numbers are numbers, counts add up, and ids differ. */
function check({ summary, items, unmapped }: ReadRun, what: string): void {
  for (const [key, value] of Object.entries(summary)) {
    if (typeof value === "number") assert(Number.isFinite(value) && value >= 0, `${what}: ${key}`);
    else {assert(
        value === null || typeof value === "string" || Array.isArray(value),
        `${what}: ${key}`,
      );}
  }
  for (const key of ["successful", "failed", "timed_out"] as const) {
    assert(summary[key] <= summary.items_total, `${what}: ${key} of ${summary.items_total}`);
  }
  assert(items.length <= summary.items_total, `${what}: items`);
  assertEquals(new Set(items.map((item) => item.item_id)).size, items.length, `${what}: ids`);
  for (const item of items) {
    for (const [key, value] of Object.entries(item)) {
      if (typeof value === "number") assert(Number.isFinite(value), `${what}: ${key}`);
    }
    assert(item.score === null || (item.score >= 0 && item.score <= 1), `${what}: score`);
  }
  JSON.stringify(unmapped);
}

function damaged(
  bytes: Uint8Array,
  random: () => number,
  pick: <T>(list: readonly T[]) => T,
): Uint8Array | string {
  const kind = Math.floor(random() * 6);
  const at = Math.floor(random() * bytes.length);
  const text = new TextDecoder().decode(bytes);
  if (kind === 0) return bytes.slice(0, at);
  if (kind === 1) {
    const copy = bytes.slice();
    for (let n = 0; n <= random() * 8; n++) {
      copy[Math.floor(random() * copy.length)] = random() * 256;
    }
    return copy;
  }
  if (kind === 2) {
    return text.slice(0, at) + pick(['"', "{", "]", ",", "\n", "NaN"]) + text.slice(at);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const lines = text.split("\n");
    lines[Math.floor(random() * lines.length)] = pick(["", "{}", "null", lines[0], "a,b,c"]);
    return lines.join("\n");
  }
  for (let n = 0; n <= random() * 2; n++) change(value, random, pick, kind);
  return JSON.stringify(value);
}

/** Replaces, removes or adds a value somewhere in the tree. */
function change(
  value: unknown,
  random: () => number,
  pick: <T>(list: readonly T[]) => T,
  kind: number,
): void {
  if (typeof value !== "object" || value === null) return;
  const node = value as Record<string, unknown>;
  const keys = Object.keys(node);
  if (keys.length === 0) return;
  const key = pick(keys);
  const below = node[key];
  if (typeof below === "object" && below !== null && random() < 0.8) {
    change(below, random, pick, kind);
  } else if (kind === 3) {
    node[key] = structuredClone(pick(STRANGE));
  } else if (kind === 4) {
    if (Array.isArray(value)) value.splice(Number(key), 1);
    else delete node[key];
  } else if (Array.isArray(value)) {
    value.push(structuredClone(pick([...value, ...STRANGE])));
  } else {
    node[pick([...keys, "extra", "items", "results"])] = structuredClone(below);
  }
}
