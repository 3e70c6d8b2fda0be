/** Run folders and other programs' results, at random near whole ones: read, or refused by us. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { readJournal } from "../../lib/run/fold.ts";
import { dropTornEnd } from "../../lib/run/journal.ts";
import { importRuns } from "../../lib/formats/import_runs.ts";
import { readForeign } from "../../lib/formats/read_foreign.ts";
import { withRunIndex } from "../../lib/run/index.ts";
import { readRunDirectory } from "../../lib/run/read_run.ts";
import { checkedTags, editTags, tagsOf } from "../../lib/run/tags.ts";
import { copyFixture, fixture, fixtureFiles } from "../formats/fixtures.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { nearJson } from "./near_json.ts";
import { orComplaint, property, texts } from "./fuzzing.ts";

const finished = {
  t: 1769860800.5,
  mono_ns: 5e9,
  event: "package_finished",
  package_id: "a",
  name: "A",
  success: true,
  latency_ms: 12.5,
  prompt_tokens: 3,
  completion_tokens: 4,
  evaluation: { passed: true, score: 1 },
  error: null,
};
const request = {
  ...finished,
  event: "request_finished",
  request: 1,
  ttft_ms: 3,
  failure: null,
  status: 200,
};
const events = [
  { ...finished, event: "load_started", settings: {} },
  finished,
  request,
  { ...finished, event: "run_started", items: 2 },
  { ...finished, event: "alert", kind: "cpu", value: 3 },
];

const line = fc.oneof(
  { weight: 5, arbitrary: nearJson(...events) },
  { weight: 1, arbitrary: texts("{", "}", '"event":', '"x"', ",", "\0", "\r") },
);
const journals = fc.tuple(fc.array(line, { maxLength: 8 }), fc.constantFrom("", "\n", "\r\n"))
  .map(([lines, end]) => lines.join("\n") + end);

property("a journal: each whole line once, the torn end told", journals, async (text) => {
  using folder = temporaryFolder();
  const path = join(folder.path, "events.jsonl");
  writeFileSync(path, text);
  const bytes = statSync(path).size;
  let events = 0;
  const reading = await readJournal(path, "run", () => events++);
  const lines = text.split("\n");
  assertEquals(events + reading.damaged.length, lines.length - 1);
  assertEquals(reading.torn_bytes, new TextEncoder().encode(lines.at(-1)).length);
  dropTornEnd(path, bytes, reading);
  assertEquals(readFileSync(path, "utf8").split("\n").at(-1), "");
}, { runs: 120 });

Deno.test("a journal's line of 96 MB without an end is read in linear time", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "events.jsonl");
  const long = new Uint8Array(96 << 20).fill(120);
  writeFileSync(path, '{"event":"x"}\n');
  writeFileSync(path, long, { flag: "a" });
  let events = 0;
  const { torn_bytes } = await readJournal(path, "run", () => events++);
  assertEquals([events, torn_bytes], [1, long.length]);
});

const metadata = {
  schema_version: 1,
  run_id: "bench_0123abcd_20260131_120000",
  kind: "suite",
  benchmark: "b",
  model: "m",
  started_at_unix_seconds: 1769860800,
  tags: ["a"],
  config: { tags: [], coding: { modes: ["iterative"] } },
  argv: ["run"],
};
const results = {
  schema_version: 2,
  kind: "suite",
  complete: true,
  benchmark: "b",
  aggregate: { total_cost_usd: 0.5 },
  items: [{ ...finished, test_id: "a", category: "c" }],
};

property(
  "a run folder is listed, whatever lies in it",
  fc.tuple(
    fc.option(nearJson(metadata), { freq: 8 }),
    fc.option(nearJson(results), { freq: 2 }),
    fc.option(journals, { freq: 5 }),
  ),
  async ([meta, result, journal]) => {
    using folder = temporaryFolder();
    const path = join(folder.path, metadata.run_id);
    mkdirSync(path);
    if (meta !== null) writeFileSync(join(path, "run_metadata.json"), meta);
    if (result !== null) writeFileSync(join(path, "results.json"), result);
    if (journal !== null) writeFileSync(join(path, "events.jsonl"), journal);
    const { summary, items } = await readRunDirectory(path);
    JSON.stringify(items);
    for (const key of ["items_total", "successful", "failed"] as const) {
      assert(Number.isSafeInteger(summary[key]) && summary[key] >= 0, key);
    }
    await withRunIndex(folder.path, (index) => index.list());
  },
  { runs: 30 },
);

property("tags in a run's metadata", nearJson(metadata), async (text) => {
  using folder = temporaryFolder();
  writeFileSync(join(folder.path, "run_metadata.json"), text);
  const tags = await orComplaint(() => editTags(folder.path, ["kept"], ["a"]));
  if (tags === null) return;
  const again = JSON.parse(readFileSync(join(folder.path, "run_metadata.json"), "utf8"));
  assertEquals([tagsOf(again), tags.includes("kept")], [tags, true]);
  checkedTags(["kept"], "--tag");
}, { runs: 120 });

const foreign = fixtureFiles().filter((file) => !file.endsWith("trace.json"));
const values = foreign.flatMap((file) => {
  try {
    return [[file, JSON.parse(readFileSync(fixture(file), "utf8"))] as const];
  } catch {
    return []; // of lines, or CSV: tests/formats damages these
  }
});

property(
  "results of other programs",
  fc.constantFrom(...values).chain(([file, value]) =>
    fc.tuple(fc.constant(file), nearJson(value), fc.boolean())
  ),
  async ([file, text, whole]) => {
    using folder = temporaryFolder();
    const [form] = file.split("/");
    copyFixture(form, folder.path);
    const path = join(folder.path, file);
    writeFileSync(path, text);
    await orComplaint(async () => {
      for (const { items, summary } of (await readForeign(whole ? path : folder.path)).runs) {
        JSON.stringify(items);
        assert(summary.items_total >= items.length);
      }
    });
    const root = join(folder.path, "runs");
    await orComplaint(() => importRuns([path], root));
  },
  { runs: 50 },
);
