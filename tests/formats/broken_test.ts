/** Files that are broken, hostile, large or not results at all. */
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { InputError, messageOf } from "../../lib/errors.ts";
import { csvRowsOf } from "../../lib/formats/foreign_file.ts";
import { readLines } from "../../lib/formats/json_lines.ts";
import { foreignFiles } from "../../lib/formats/folder.ts";
import { readForeign } from "../../lib/formats/read_foreign.ts";
import { recognise } from "../../lib/formats/recognise.ts";
import { isoOf, millisecondsOf, secondsOf, unixSecondsOf } from "../../lib/formats/times.ts";
import { copyFixture, fixture, fixtureFiles, FORMS, temporary, write } from "./fixtures.ts";

const KODERZ = "koderz/bench_abc123de_20260131_234512.json";
type Json = Record<string, unknown>;

/** Reads a changed copy of a JSON fixture. */
async function changed(name: string, change: (value: Json) => void) {
  using folder = temporary();
  const value = JSON.parse(readFileSync(fixture(name), "utf8"));
  const path = join(folder.path, "changed.json");
  change(value);
  writeFileSync(path, JSON.stringify(value));
  return await readForeign(path);
}

async function text(name: string, content: string | Uint8Array) {
  using folder = temporary();
  const path = join(folder.path, name);
  writeFileSync(path, content);
  return await readForeign(path);
}

async function complaint(reading: Promise<unknown>): Promise<string> {
  try {
    await reading;
  } catch (error) {
    assert(error instanceof InputError, `not an InputError: ${error}`);
    return messageOf(error);
  }
  throw new Error("nothing was wrong");
}

Deno.test("a field at fault is named with its file", async () => {
  const faults: [string, (value: Json) => void, string][] = [
    [KODERZ, (value) => delete value.run_id, "changed.json: run_id: is missing"],
    [KODERZ, (value) => value.mode = 7, "mode: 7 is not text"],
    [
      KODERZ,
      (value) => delete (value.config as Json).local_model,
      "config.local_model: is missing",
    ],
    [
      KODERZ,
      (value) => (value.results as Json[])[1].success = "yes",
      'results[1].success: "yes" is',
    ],
    [KODERZ, (value) => (value.results as Json[])[0].cost = -1, "results[0].cost: -1 is not"],
    [KODERZ, (value) => value.start_time = "yesterday", 'start_time: "yesterday" is not a time'],
    [KODERZ, (value) => (value.results as unknown[])[2] = [], "results[2]: is a list, expected an"],
    ["vllm_bench/serve.json", (value) => value.ttfts = [1], "ttfts: a list is not as long as"],
    ["vllm_bench/serve.json", (value) => value.itls = [["x"], [], []], 'itls[0][0]: "x" is not'],
    ["vllm_bench/serve.json", (value) => value.completed = 1.5, "completed: 1.5 is not a whole"],
    ["guidellm/benchmarks.json", (value) => {
      (value.benchmarks as Json[])[0].requests = { successful: [3] };
    }, "benchmarks[0].requests.successful[0]: is a number, expected an object"],
    ["inspect_ai/2026-02-01T10-00-00_arc_abc.json", (value) => {
      delete (value.samples as Json[])[0].id;
    }, "samples[0].id: is missing"],
  ];
  for (const [name, change, expected] of faults) {
    assertStringIncludes(await complaint(changed(name, change)), expected);
  }
});

Deno.test("a truncated file is malformed, with the place", async () => {
  for (const form of FORMS) {
    for (const name of fixtureFiles(form).filter((name) => /[^e]\.json$/.test(name))) {
      const whole = readFileSync(fixture(name), "utf8").trimEnd();
      if (name.endsWith("trace.json")) continue;
      const message = await complaint(text("cut.json", whole.slice(0, whole.length >> 1)));
      assertStringIncludes(message, "cut.json");
      assertStringIncludes(message, "malformed JSON");
    }
  }
});

Deno.test("byte order marks, CRLF and UTF-16 change nothing", async () => {
  const plain = readFileSync(fixture(KODERZ), "utf8");
  const expected = (await text("a.json", plain)).runs[0].items;
  const utf16 = new Uint8Array(
    new Uint16Array([..."\uFEFF" + plain].map((c) => c.charCodeAt(0))).buffer,
  );
  const variants = ["\uFEFF" + plain, plain.replaceAll("\n", "\r\n"), utf16];
  for (const variant of variants) {
    assertEquals((await text("a.json", variant)).runs[0].items, expected);
  }
  const csv = readFileSync(fixture("batch_eval/csv/batch_eval_metrics.csv"), "utf8");
  const rows = (await text("a.csv", csv)).runs[0].items;
  assertEquals((await text("a.csv", "\uFEFF" + csv)).runs[0].items, rows);
});

Deno.test("NaN is unknown, as a bare word and as text; numbers out of range are refused", async () => {
  const plain = readFileSync(fixture(KODERZ), "utf8");
  for (const none of ["NaN", '"NaN"', '"nan"', "Infinity", "-Infinity", "null", '"inf"']) {
    const { runs } = await text("a.json", plain.replace("0.0012", none));
    assertEquals(runs[0].items[0].cost_usd, null, none);
    assertEquals(runs[0].items[1].cost_usd, 0.0101);
  }
  const quoted = plain.replace("exp_abc123", "NaN and Infinity").replace("0.0012", "NaN");
  const [{ items }] = (await text("a.json", quoted)).runs;
  assertEquals(items[0].experiment_id, "NaN and Infinity");
  for (const large of ["1e999", "1e300"]) {
    const message = await complaint(text("a.json", plain.replace("812", large)));
    assertStringIncludes(message, "results[0].usage.input_tokens");
  }
});

Deno.test("deep nesting is refused or cut, never a crash", async () => {
  const deep = "[".repeat(200_000) + "]".repeat(200_000);
  const plain = readFileSync(fixture(KODERZ), "utf8");
  const { runs } = await text("a.json", plain.replace('"seed": 7', `"seed": ${deep}`));
  assertStringIncludes(JSON.stringify(runs[0].unmapped), "nested too deeply");
  assertStringIncludes(await complaint(text("a.json", deep)), "none of the known forms");
  await complaint(text("a.json", "[".repeat(500_000)));
});

Deno.test("keys of prototypes are data, and change no prototype", async () => {
  const plain = readFileSync(fixture(KODERZ), "utf8");
  const hostile = plain
    .replace(
      '"seed": 7',
      '"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}',
    )
    .replace('"experiment_id": "exp_abc123"', '"__proto__": {"success": false}, "toString": 3');
  const { runs } = await text("a.json", hostile);
  assertEquals(({} as Json).polluted, undefined);
  assertEquals(Object.getPrototypeOf(runs[0].unmapped), Object.prototype);
  assert(!JSON.stringify(runs[0].unmapped).includes("__proto__"));
  const csv = "__proto__,run_id,policy,exit_code,wall_time_s\nx,r1,full,0,1\n";
  const [run] = (await text("runs.csv", csv)).runs;
  assertEquals([run.summary.run_id, Object.hasOwn(run.unmapped, "__proto__")], ["r1", false]);
  const message = await complaint(
    changed("inspect_ai/2026-02-01T10-00-00_arc_abc.json", (value) => {
      value.status = "constructor";
    }),
  );
  assertStringIncludes(message, "none of the known forms");
});

Deno.test("an empty folder, a missing path, other files", async () => {
  using folder = temporary();
  const { runs, warnings } = await readForeign(folder.path);
  assertEquals(runs, []);
  assertStringIncludes(warnings[0], "no run in a known form");
  assertEquals(await recognise(folder.path), null);
  await assertRejects(() => readForeign(join(folder.path, "absent")), InputError, "no such file");
  await assertRejects(() => recognise(join(folder.path, "absent")), InputError, "no such file");
  write(folder.path, { "empty.json": "", "notes.md": "# run_id", "package.json": '{"name": "x"}' });
  for (const name of ["empty.json", "notes.md", "package.json"]) {
    await assertRejects(() => readForeign(join(folder.path, name)), InputError, "known forms");
  }
  write(folder.path, { "log.eval": "PK\u0003\u0004" });
  await assertRejects(
    () => readForeign(join(folder.path, "log.eval")),
    InputError,
    "not a complete zip archive",
  );
});

Deno.test("one broken file among many is a warning", async () => {
  using folder = temporary();
  for (const form of FORMS) copyFixture(form, folder.path);
  const { runs: all } = await readForeign(folder.path);
  truncateSync(join(folder.path, KODERZ), 300);
  appendFileSync(join(folder.path, "batch_eval/csv/batch_eval_metrics.csv"), '"open');
  writeFileSync(join(folder.path, "aiperf/chat_c8/profile_export_aiperf.json"), "{");
  const { runs, warnings } = await readForeign(folder.path);
  assertEquals(runs.length, all.length - 2, "the requests still make a run");
  assertEquals(warnings.length, 3);
  for (const warning of warnings) assertStringIncludes(warning, folder.path);
});

Deno.test("the CSV stands in for a broken JSON of the batch evaluator", async () => {
  using folder = temporary();
  const csv = fixture("batch_eval/csv/batch_eval_metrics.csv");
  copyFileSync(csv, join(folder.path, "batch_eval_metrics.csv"));
  const json = readFileSync(fixture("batch_eval/json/batch_eval_metrics.json"), "utf8");
  write(folder.path, { "batch_eval_metrics.json": json });
  assertEquals((await readForeign(folder.path)).runs.length, 3);
  write(folder.path, { "batch_eval_metrics.json": json.slice(0, 100) });
  const { runs, warnings } = await readForeign(folder.path);
  assertEquals([runs.length, warnings.length], [1, 1]);
});

Deno.test("links are not followed, and a run of dyno is left out", async () => {
  using outside = temporary();
  using folder = temporary();
  copyFixture("koderz", outside.path);
  symlinkSync(outside.path, join(folder.path, "away"));
  symlinkSync(join(outside.path, KODERZ), join(folder.path, "bench.json"));
  symlinkSync("..", join(folder.path, "round"));
  const { runs, warnings } = await readForeign(folder.path);
  assertEquals(runs, []);
  assertStringIncludes(warnings[0], "3 links not followed");
  const sweep = copyFixture("agent_sched_sweep", folder.path);
  const out = join(sweep, "smoke/runs/fifo_no_hedge_s2/out");
  symlinkSync(join(sweep, "smoke/runs/full_baseline_s1/out"), out);
  const failed = (await readForeign(dirname(out))).runs[0];
  assertEquals(failed.unmapped.metrics, undefined, "a linked out folder is not read");
  write(folder.path, {
    "own/run_metadata.json": '{"run_id": "bench_1", "software": {"dyno": "0.1.0"}}',
    "own/batch_results_1.json": readFileSync(
      fixture("benchmark_test_runner/batch/batch_results_20260201_101500.json"),
      "utf8",
    ),
  });
  const mixed = await readForeign(folder.path);
  assert(mixed.runs.every(({ summary }) => summary.source_form === "agent_sched_sweep"));
  assert(mixed.warnings.some((warning) => warning.includes("a run of dyno already")));
  assertEquals(await recognise(join(folder.path, "own")), "dyno");
  assertEquals(await recognise(join(folder.path, "own/run_metadata.json")), "dyno");
});

Deno.test("CSV: quotes, line breaks, short and long rows, an open quote", async () => {
  using folder = temporary();
  const path = join(folder.path, "a.csv");
  const rows = async (content: string) => {
    writeFileSync(path, content);
    return await Array.fromAsync(csvRowsOf(path));
  };
  assertEquals(await rows('a,b\r\n"x, ""y""\r\nz",\n\n1,"2"'), [
    { a: 'x, "y"\r\nz', b: "" },
    { a: "1", b: "2" },
  ]);
  assertEquals(await rows("a,b\n"), []);
  await assertRejects(() => rows("a,b\n1,2,3\n"), InputError, "row 2: 3 fields, expected 2");
  await assertRejects(() => rows("a,b\n1\n"), InputError, "row 2: 1 field, expected 2");
  await assertRejects(() => rows('a,b\n"1,2\n'), InputError, "row 2: a quote is not closed");
});

Deno.test("JSON above 512 MB is refused before it is read", async () => {
  using folder = temporary();
  const path = join(folder.path, "large.json");
  writeFileSync(path, '{"run_id": "x",\n');
  truncateSync(path, 512_000_001);
  await assertRejects(() => readForeign(path), InputError, "513 MB is more than the 512 MB");
});

Deno.test("a JSON file of countless small values is refused before it is parsed", async () => {
  using folder = temporary();
  const path = join(folder.path, "many.json");
  for (const [unit, times] of [["[],", 11_000_000], ["0,", 41_000_000]] as const) {
    writeFileSync(path, "[" + unit.repeat(times) + "0]");
    await assertRejects(() => readForeign(path), InputError, "million values");
  }
});

Deno.test("a large JSONL file streams: memory does not grow with its details", async () => {
  using folder = temporary();
  const path = join(folder.path, "profile_export.jsonl");
  const line = readFileSync(fixture("aiperf/chat_c8/profile_export.jsonl"), "utf8").split("\n")[1];
  const padded = line.replace("[4.9,5.3]", JSON.stringify(new Array(2000).fill(4.898437)));
  mkdirSync(folder.path, { recursive: true });
  for (let i = 0; i < 40; i++) appendFileSync(path, (padded + "\n").repeat(64));
  let read = 0;
  for await (const { line } of readLines(path)) read += line.length;
  assert(read > 40e6, `${read} characters`);
  const before = Deno.memoryUsage().rss;
  const { runs } = await readForeign(path);
  assertEquals(runs[0].items.length, 2560);
  const grown = Deno.memoryUsage().rss - before;
  assert(grown < 200e6, `${(grown / 1e6).toFixed(0)} MB more for ${(read / 1e6).toFixed(0)} MB`);
});

Deno.test("a JSONL line that is broken before the last is at fault; the last is torn", async () => {
  const lines = readFileSync(fixture("aiperf/chat_c8/profile_export.jsonl"), "utf8").trim().split(
    "\n",
  );
  const { runs } = await text("a.jsonl", [...lines, lines[1].slice(0, 50)].join("\n"));
  assertEquals(runs[0].items.length, 3);
  assertStringIncludes(String(runs[0].unmapped.records_end), "line 5");
  const broken = [lines[0], lines[1].slice(0, 50), ...lines.slice(2)].join("\n");
  assertStringIncludes(await complaint(text("a.jsonl", broken)), "a.jsonl, line 2");
});

Deno.test("times of 0, which vLLM's and SGLang's benchmarks write for what they missed, are unknown", async () => {
  // SGLang's issue 23949: 4,220 tokens of reasoning, and 0.00 for each time
  const one = JSON.parse(readFileSync(fixture("vllm_bench/serve.json"), "utf8"));
  Object.assign(one, {
    ttfts: [0, 0.25, 0],
    itls: [[], [0.05], []],
    median_ttft_ms: 0,
    mean_itl_ms: 0,
  });
  const { runs: [run] } = await text("a.json", JSON.stringify(one));
  const times = run.items.map(({ ttft_ms, latency_ms }) => [ttft_ms, latency_ms]);
  assertEquals(times, [[null, null], [250, 300], [null, null]]);
  assertEquals(run.summary.ttft_p50_ms, null);
  assertEquals(run.stated?.figures.itl_mean_ms, undefined);
});

Deno.test("appended results with long lines are still one run each", async () => {
  const one = JSON.parse(readFileSync(fixture("vllm_bench/serve.json"), "utf8"));
  one.generated_texts = ["x".repeat(2 ** 20), "", ""];
  const line = JSON.stringify(one);
  const single = await text("a.json", line + "\n");
  assertEquals(single.runs.map(({ summary }) => summary.run_id), ["a"]);
  const { runs } = await text("a.json", `${line}\n${line}\n`);
  assertEquals(runs.map(({ summary }) => summary.run_id), ["a#1", "a#2"]);
});

Deno.test("the logs of a run alone say whether it was finished", async () => {
  const { runs } = await readForeign(fixture("smi_bench/logs"));
  assertEquals(runs.map(({ summary }) => [summary.status, summary.items_total]), [
    ["complete", 1],
    ["incomplete", 1],
  ]);
});

Deno.test("a folder with too many files is refused", async () => {
  using folder = temporary();
  write(folder.path, { "a.json": "{}", "b/c.json": "{}", "b/d.json": "{}" });
  assertEquals((await foreignFiles(folder.path, () => {}, 3)).files.length, 3);
  await assertRejects(
    () => foreignFiles(folder.path, () => {}, 2),
    InputError,
    "more than 2 files",
  );
});

Deno.test("times: zones, fractions, compact forms, and back", () => {
  assertEquals(unixSecondsOf("2026-01-31T23:45:12"), 1769903112);
  assertEquals(unixSecondsOf("2026-01-31T23:45:12.5Z"), 1769903112.5);
  assertEquals(unixSecondsOf("2026-02-01T01:45:12+02:00"), 1769903112);
  assertEquals(unixSecondsOf("2026-01-31 18:15:12-0530"), 1769903112);
  assertEquals(unixSecondsOf("20260131-234512"), 1769903112);
  assertEquals(unixSecondsOf("2026-01-31"), 1769817600);
  for (const none of ["", "now", "2026-13-01", "1e9", "2026-01-31T25:00"]) {
    assertEquals(unixSecondsOf(none), null, none);
  }
  for (const seconds of [1769903112.123456, 1769903112.999999, 0, 1769903112.000001]) {
    assertEquals(unixSecondsOf(isoOf(seconds)), seconds);
    assertEquals(unixSecondsOf(isoOf(seconds).replace("Z", "")), seconds);
  }
  for (const ms of [0.1, 2345.678901, 600000, 1e-6]) {
    assertEquals(millisecondsOf(secondsOf(ms)), ms);
  }
});

Deno.test("GuideLLM's CSV is refused by name, or passed over beside the report that says more", async () => {
  // the heads as guidellm 0.3.1 (benchmark/output.py) and 0.8.1 (benchmark/outputs/csv.py) write them
  const heads = [
    "Type,Run Id,Id,Name,Start Time,End Time,Duration,Successful Requests\r\n",
    "Run Info,Run Info,Run Info,Benchmark\r\nRun ID,Run Index,Profile,Type\r\n,,,\r\n",
  ];
  for (const head of heads) {
    const said = await complaint(text("benchmarks.csv", head));
    assertStringIncludes(said, "benchmarks.csv: GuideLLM's CSV");
    assertStringIncludes(said, "let GuideLLM write benchmarks.json, too, and import that");
    using folder = temporary();
    copyFileSync(fixture("guidellm/benchmarks.json"), join(folder.path, "benchmarks.json"));
    writeFileSync(join(folder.path, "benchmarks.csv"), head);
    const { runs, warnings } = await readForeign(folder.path);
    assertEquals([runs.length > 0, warnings], [true, []]);
    const alone = await complaint(readForeign(join(folder.path, "benchmarks.csv")));
    assertStringIncludes(alone, `import ${join(folder.path, "benchmarks.json")}`);
  }
});
