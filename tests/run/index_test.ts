import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { importRuns } from "../../lib/formats/import_runs.ts";
import { withRunIndex } from "../../lib/run/index.ts";
import { resolveRun } from "../../lib/run/find_run.ts";
import { readRunDirectory } from "../../lib/run/read_run.ts";
import { editTags } from "../../lib/run/tags.ts";
import { seededRandom } from "../../lib/stats/random.ts";
import { copyFixture, FORMS } from "../formats/fixtures.ts";
import { runId, STARTED_S, temporary, writeRun } from "./runs_fixture.ts";
import type { RunFilter } from "../../lib/run/index_filter.ts";

/** All that the index of a folder says, and how many runs it had to read. */
function indexed(root: string, filter?: RunFilter) {
  return withRunIndex(root, async (index) => ({
    runs: await index.list(filter),
    outcomes: await index.outcomes(filter),
    read: index.runs_read,
  }));
}

Deno.test("a run is read with what every run has in common", async () => {
  using folder = temporary();
  const path = writeRun(folder.path, 1, { marks: "11x0t-", mode: "zero-shot", tags: ["nightly"] });
  const { summary, items, warnings } = await readRunDirectory(path);
  assertEquals(summary, {
    run_id: runId(1),
    path,
    source_form: "dyno",
    kind: "suite",
    benchmark: "humaneval",
    mode: "zero-shot",
    model: "gpt-4o-mini",
    agent: "real-openai-compatible",
    status: "complete",
    started_at_unix_seconds: STARTED_S + 3600,
    duration_s: 7,
    items_total: 6,
    successful: 4,
    failed: 2,
    timed_out: 1,
    passed: 2,
    requests: 6,
    requests_cut_off: 0,
    prompt_tokens: 100 + 101 + 103 + 105,
    cached_prompt_tokens: null,
    cache_write_tokens: null,
    completion_tokens: 51 + 53 + 57 + 61,
    reasoning_tokens: null,
    requests_of_unknown_tokens: 2, // what had no answer
    output_tokens_per_s: null,
    ttft_p50_ms: null,
    ttft_p99_ms: null,
    cost_usd: null,
    input_cost_usd: null,
    output_cost_usd: null,
    requests_of_unknown_cost: 6,
    by_model: {
      "": {
        requests: 6,
        prompt_tokens: 100 + 101 + 103 + 105,
        cached_prompt_tokens: null,
        cache_write_tokens: null,
        completion_tokens: 51 + 53 + 57 + 61,
        reasoning_tokens: null,
        requests_of_unknown_tokens: 2,
        requests_cut_off: 0,
      },
    },
    tags: ["nightly"],
  });
  assertEquals(warnings, []);
  assertEquals(items[2].error, "HTTP 500: overloaded");
  assertEquals([items[3].score, items[5].passed, items[0].latency_ms], [0, null, 1010]);
});

Deno.test("a run that was cut off is read from its journal, to the same items", async () => {
  using folder = temporary();
  const whole = await readRunDirectory(writeRun(folder.path, 1, { marks: "101x" }));
  const cut = writeRun(folder.path, 1, { marks: "101x", cut_off: true });
  rmSync(join(cut, "results.json"));
  const torn = join(cut, "events.jsonl");
  appendFileSync(torn, '{"t":5,"mono_ns":5,"event":"package_fin');
  const read = await readRunDirectory(cut);
  assertEquals(read.items, whole.items);
  assertEquals([read.summary.status, read.summary.items_total], ["incomplete", 4]);
  assertEquals(read.warnings, []);
});

Deno.test("what is damaged is listed as failed, with a warning", async (t) => {
  const damage: Record<string, (path: string) => void> = {
    "results.json cut off": (path) => truncateSync(join(path, "results.json"), 200),
    "results.json empty": (path) => writeFileSync(join(path, "results.json"), ""),
    "results.json no object": (path) => writeFileSync(join(path, "results.json"), "[1, 2]"),
    "results.json without items": (path) => writeFileSync(join(path, "results.json"), "{}"),
    "results.json binary": (path) =>
      writeFileSync(join(path, "results.json"), new Uint8Array(1000).fill(255)),
    "results.json a folder": (path) => {
      rmSync(join(path, "results.json"));
      mkdirSync(join(path, "results.json"));
    },
    "everything binary": (path) => {
      for (const name of ["results.json", "run_metadata.json", "events.jsonl"]) {
        writeFileSync(join(path, name), new Uint8Array(1000).fill(7));
      }
    },
    "journal alone, damaged": (path) => {
      rmSync(join(path, "results.json"));
      writeFileSync(join(path, "events.jsonl"), 'nonsense\n{"event":"package_finished"}\n{}\n');
    },
  };
  for (const [name, spoil] of Object.entries(damage)) {
    await t.step(name, async () => {
      using folder = temporary();
      writeRun(folder.path, 1, { marks: "11" });
      spoil(writeRun(folder.path, 2, { marks: "10" }));
      const { runs } = await indexed(folder.path);
      const found = runs.find(({ run_id }) => run_id === runId(2));
      assertEquals([runs.length, found?.status], [2, "failed"]);
      assert(found!.warnings.length > 0 && found!.warnings.every((line) => line.includes("/")));
    });
  }
});

Deno.test("items of strange types never stop the reading", async () => {
  using folder = temporary();
  const path = writeRun(folder.path, 1, { marks: "1" });
  const items = [null, 3, {}, { test_id: 5, score: "x", e2e_ms: null }, { test_id: "a" }];
  writeFileSync(join(path, "results.json"), JSON.stringify({ items, complete: true }));
  writeFileSync(join(path, "run_metadata.json"), '{"model": 5, "kind": "what", "config": []}');
  const { runs } = await indexed(folder.path);
  assertEquals([runs[0].items_total, runs[0].model, runs[0].kind], [3, "unknown", "suite"]);
});

Deno.test("only what changed is read; what is gone is dropped; the rest costs nothing", async () => {
  using folder = temporary();
  const root = folder.path;
  for (let n = 0; n < 5; n++) writeRun(root, n, { marks: "10" });
  writeRun(root, 5, { marks: "1", cut_off: true });
  assertEquals((await indexed(root)).read, 6);
  assertEquals((await indexed(root)).read, 0);
  writeRun(root, 6, { marks: "11" });
  assertEquals((await indexed(root)).read, 1);
  appendFileSync(join(root, runId(5), "events.jsonl"), '{"t":9,"mono_ns":9,"event":"x"}\n');
  assertEquals((await indexed(root)).read, 1);
  writeRun(root, 0, { marks: "0000" }); // a finished run, edited
  const edited = await indexed(root);
  assertEquals([edited.read, edited.runs.at(-1)?.items_total], [1, 4]);
  rmSync(join(root, runId(3)), { recursive: true });
  const { runs, read } = await indexed(root);
  assertEquals([runs.length, read], [6, 0]);
});

Deno.test("property: an index kept through any changes equals one made anew", async () => {
  using folder = temporary();
  const root = join(folder.path, "runs");
  mkdirSync(root);
  const copies = FORMS.map((form) => copyFixture(form, folder.path));
  const random = seededRandom(7);
  const draw = (n: number) => Math.floor(random() * n);
  for (let round = 0; round < 12; round++) {
    for (let change = draw(5); change >= 0; change--) {
      const n = draw(9);
      const marks = Array.from({ length: 1 + draw(6) }, () => "10x-t"[draw(5)]).join("");
      const kind = draw(8);
      if (kind === 6) await importRuns([copies[draw(copies.length)]], root);
      else if (kind === 7 && existsSync(join(root, runId(n), "run_metadata.json"))) {
        await editTags(join(root, runId(n)), [`t${draw(3)}`], [`t${draw(3)}`]);
      } else if (kind === 0) rmSync(join(root, runId(n)), { recursive: true, force: true });
      else if (kind === 1) writeRun(root, n, { marks, cut_off: true });
      else if (kind === 2) writeFileSync(join(writeRun(root, n, { marks }), "results.json"), "{");
      else writeRun(root, n, { marks, complete: kind !== 3, model: `m${draw(2)}` });
      // times of their own, as writes within one tick of the file system's clock have none
      for (const name of ["results.json", "events.jsonl", "run_metadata.json"]) {
        const file = join(root, runId(n), name);
        const time = STARTED_S + round * 100 + change;
        if (existsSync(file)) utimesSync(file, time, time);
      }
    }
    const kept = await indexed(root);
    // another place has no index yet; the one here lives through all rounds
    const copy = join(folder.path, `copy ${round}`);
    const filter = (path: string) => !path.includes("index.sqlite");
    cpSync(root, copy, { recursive: true, preserveTimestamps: true, filter });
    const { runs, outcomes } = await indexed(copy);
    assertEquals(kept.runs, JSON.parse(JSON.stringify(runs).replaceAll(copy, root)));
    assertEquals(kept.outcomes, outcomes);
  }
});

Deno.test("a damaged index, one of another version, and one that is no index are made anew", async () => {
  using folder = temporary();
  const root = folder.path;
  for (let n = 0; n < 200; n++) writeRun(root, n, { marks: "10" });
  const file = join(root, "index.sqlite");
  const expected = (await indexed(root)).runs;
  const spoil: (() => void)[] = [
    () => rmSync(file),
    () => writeFileSync(file, "this is no database, whatever its name says. ".repeat(300)),
    () => truncateSync(file, 5000),
    () => writeFileSync(file, new Uint8Array(4096)),
    () => {
      using database = new DatabaseSync(file);
      database.exec("PRAGMA user_version = 99; DROP TABLE runs; CREATE TABLE other (x)");
    },
    () => {
      using database = new DatabaseSync(file);
      database.exec("DROP TABLE runs");
    },
  ];
  for (const [i, damage] of spoil.entries()) {
    damage();
    assertEquals((await indexed(root)).runs, expected, `damage ${i}`);
    assertEquals((await indexed(root)).read, 0, `damage ${i}: not kept`);
  }
});

Deno.test("a bit that flips in the index changes no figure: the run is read again", async () => {
  using folder = temporary();
  const root = folder.path;
  for (let n = 0; n < 3; n++) writeRun(root, n, { marks: "10" });
  const file = join(root, "index.sqlite");
  const expected = await indexed(root);
  const flip = (sql: string) => {
    using database = new DatabaseSync(file);
    assertEquals(database.prepare(sql).run().changes, 1);
  };
  const one = "WHERE rowid = (SELECT min(rowid) FROM";
  for (
    const sql of [
      `UPDATE runs SET successful = successful + 1 ${one} runs)`,
      `UPDATE runs SET model = 'n' ${one} runs)`,
      `UPDATE runs SET run_id = 'bench_0000ffff_20260101_000000' ${one} runs)`,
      `UPDATE runs SET crc = crc + 4 ${one} runs)`,
      `UPDATE outcomes SET marks = '11' ${one} outcomes)`,
      `UPDATE outcomes SET item_set = 'other' ${one} outcomes)`,
      `UPDATE item_sets SET items = replace(items, '0', '1') ${one} item_sets)`,
    ]
  ) {
    flip(sql);
    const found = await indexed(root);
    assertEquals([found.runs, found.outcomes], [expected.runs, expected.outcomes], sql);
  }
});

Deno.test("filters", async () => {
  using folder = temporary();
  const root = folder.path;
  writeRun(root, 0, { marks: "1", model: "GPT-4o", tags: ["a", "b"], mode: "zero-shot" });
  writeRun(root, 1, { marks: "1", model: "gpt-4o-mini", benchmark: "mbpp", tags: ["a"] });
  writeRun(root, 2, { marks: "1", model: "claude", cut_off: true, mode: "iterative" });
  const ids = async (filter: RunFilter) =>
    (await indexed(root, filter)).runs.map(({ run_id }) => Number(`0x${run_id.slice(6, 14)}`));
  assertEquals(await ids({}), [2, 1, 0]);
  assertEquals(await ids({ model: "gpt-4O" }), [1, 0]);
  assertEquals(await ids({ suite: "bpp" }), [1]);
  assertEquals(await ids({ tags: ["a"] }), [1, 0]);
  assertEquals(await ids({ tags: ["a", "b"] }), [0]);
  assertEquals(await ids({ mode: "Iterative" }), [2]);
  assertEquals(await ids({ status: "incomplete" }), [2]);
  assertEquals(await ids({ since_s: STARTED_S + 3600 }), [2, 1]);
  assertEquals(await ids({ until_s: STARTED_S + 3600 }), [0]);
  assertEquals(await ids({ model: "%" }), []);
  assertEquals(await ids({ limit: 1 }), [2]);
});

Deno.test("a run is found by its id, the beginning of it, latest~n and its folder", async () => {
  using folder = temporary();
  const root = folder.path;
  for (const n of [0, 0x10, 0x11]) writeRun(root, n, { marks: "1" });
  await withRunIndex(root, async (index) => {
    const found = async (given: string) => (await resolveRun(index, given)).slice(-30);
    assertEquals(await found(runId(0x11)), runId(0x11));
    assertEquals(await found("bench_00000010"), runId(0x10));
    assertEquals(await found("00000011"), runId(0x11));
    assertEquals(await found("latest"), runId(0x11));
    assertEquals(await found("latest~2"), runId(0));
    assertEquals(await found(join(root, runId(0))), runId(0));
    for (
      const [given, message] of [
        ["bench_0000001", /more than one.*give more of it/],
        ["latest~3", /only 3 runs/],
        ["bench_00000012", /did you mean|dyno runs list/],
        [join(root, "none"), /none: no such run directory/],
      ] as const
    ) {
      const error = await assertRejects(() => resolveRun(index, given), InputError);
      assertMatch(error.message, message);
    }
  });
});

Deno.test("a folder that cannot be written is read all the same", async () => {
  using folder = temporary();
  writeRun(folder.path, 0, { marks: "1" });
  mkdirSync(join(folder.path, "index.sqlite")); // stands in the way, also for root
  const notices: string[] = [];
  const runs = await withRunIndex(
    folder.path,
    (index) => index.list(),
    (line) => notices.push(line),
  );
  assertEquals([runs.length, notices.length], [1, 1]);
  assertMatch(notices[0], /not kept/);
});
