/** A run that is exported and read again is the same run, in what the form can hold. */
import { isAbsolute, normalize } from "node:path";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { EXPORT_FORMS, exportAs } from "../../lib/formats/export_as.ts";
import { readForeign } from "../../lib/formats/read_foreign.ts";
import { totalsOf } from "../../lib/formats/totals.ts";
import { seededRandom } from "../../lib/stats/random.ts";
import { NO_LEDGER } from "../../lib/run/summary.ts";
import type { ReadRun, RunItem, SourceForm } from "../../lib/run/summary.ts";
import { fixture, readExport } from "./fixtures.ts";

const anywhere = (run: ReadRun): ReadRun => ({ ...run, summary: { ...run.summary, path: "" } });

const RANDOM = Deno.env.get("DYNO_TEST_LONG") ? 200 : 50;

for (const form of EXPORT_FORMS as SourceForm[]) {
  Deno.test(`${form}: what was read is written back whole`, async () => {
    const { runs } = await readForeign(fixture(form));
    assert(runs.length > 0);
    for (const run of runs) {
      if (run.summary.status === "incomplete") continue;
      const again = await readExport(exportAs(form, run));
      assertEquals(again.map(anywhere), [anywhere(run)]);
    }
  });

  Deno.test(`${form}: ${RANDOM} random runs come back`, async () => {
    const random = seededRandom(20260207);
    for (let i = 0; i < RANDOM; i++) {
      const run = randomRun(random, form);
      const again = await readExport(exportAs(form, run));
      assertEquals(again.map(held), [held(run)], `run ${i}`);
    }
  });

  Deno.test(`${form}: a run of another program can be written, to safe paths`, async () => {
    const { runs } = await readForeign(fixture("inspect_ai"));
    const hostile = structuredClone(runs[0]);
    hostile.summary.run_id = "../../etc/passwd";
    hostile.items[0].name = "../../../etc/cron.d/x\u0000";
    hostile.items[1].name = "C:\\windows\\system32";
    hostile.unmapped = JSON.parse('{"__proto__": {"polluted": 1}, "results": 7, "packages": "x"}');
    const files = exportAs(form, hostile);
    for (const { path } of files) {
      assert(!isAbsolute(path) && normalize(path) === path && !path.includes(".."), path);
      assert(/^[\p{L}\p{N}._/-]+$/u.test(path), path);
    }
    const [again] = await readExport(files);
    assertEquals(again.items.length, hostile.items.length);
    assertEquals(({} as Record<string, unknown>).polluted, undefined);
  });
}

Deno.test("comparative runs carry the differences of their halves", async () => {
  const { runs } = await readForeign(fixture("koderz/bench_def456ab_20260131_235102.json"));
  const document = JSON.parse(exportAs("koderz", runs[0])[0].text);
  assertEquals(document.comparison.success_rate_improvement, 50);
  assertEquals(document.comparison.iteration_difference, 2);
  assertEquals(document.zero_shot.summary.successes, 1);
  assertEquals(document.iterative.summary.avg_iterations, 3);
});

Deno.test("the batch evaluator's CSV export reads as its JSON does", async () => {
  const { runs } = await readForeign(fixture("batch_eval/json"));
  const files = exportAs("batch_eval", runs[0]);
  const only = (ending: string) => readExport(files.filter(({ path }) => path.endsWith(ending)));
  runs[0].items[0].name = "=1+1";
  runs[0].items[1].name = "'=1+1";
  const hostile = exportAs("batch_eval", runs[0]).find(({ path }) => path.endsWith(".csv"))!;
  assert(!/(^|,)"?[=+@]/m.test(hostile.text) && hostile.text.includes("''=1+1"), hostile.text);
  const [again] = await readExport([hostile]);
  assertEquals(again.items.slice(0, 2).map(({ name }) => name), ["=1+1", "'=1+1"]);
  assertEquals((await only(".csv")).map(anywhere), (await only(".json")).map(anywhere));
});

Deno.test("a form that is only read is refused with the others' names", async () => {
  const { runs } = await readForeign(fixture("vllm_bench/serve.json"));
  assertThrows(() => exportAs("vllm_bench", runs[0]), InputError, "expected koderz");
});

/** What each form is sure to hold of any run. */
function held(run: ReadRun) {
  const { summary, items } = run;
  return {
    model: summary.model,
    started: summary.started_at_unix_seconds,
    totals: totalsOf(items),
    items: items.map(({ item_id, name, success, passed, latency_ms, prompt_tokens, error }) => ({
      item_id,
      name,
      success,
      passed,
      latency_ms,
      prompt_tokens,
      error,
    })),
    ...(summary.source_form === "batch_eval" ? {} : {
      run_id: summary.run_id,
      benchmark: summary.benchmark,
      duration: summary.duration_s,
      tags: summary.tags,
      agent: summary.agent,
      cost: summary.cost_usd,
    }),
  };
}

function randomRun(random: () => number, form: SourceForm): ReadRun {
  const whole = (most: number) => Math.floor(random() * most);
  const maybe = <T>(value: T): T | null => random() < 0.7 ? value : null;
  const text = () => ["plain", 'say "hi",\r\nthen', "ünï/çode", "=1+1", " x "][whole(5)];
  const items = Array.from({ length: 1 + whole(6) }, (_, i): RunItem => {
    const success = random() < 0.7;
    const name = `${text()} ${i}`;
    const judged = random() < 0.5;
    return {
      item_id: form === "batch_eval" ? `retail/${name}` : name,
      problem_id: form === "batch_eval" ? `retail/${name}` : name,
      mode: null,
      name,
      category: form === "batch_eval" ? "retail" : maybe("math"),
      success,
      timed_out: !success && random() < 0.3,
      passed: form === "koderz" ? judged : form === "batch_eval" ? null : maybe(judged),
      score: form === "koderz" ? null : maybe(whole(1000) / 1000),
      latency_ms: maybe(whole(1e9) / 1e4),
      ttft_ms: form === "koderz" || form === "batch_eval" ? null : maybe(whole(1e6) / 1e3),
      prompt_tokens: maybe(whole(5000)),
      completion_tokens: maybe(whole(5000)),
      cost_usd: form === "batch_eval" ? null : maybe(whole(1000) / 1e6),
      elapsed_s: null,
      targets: null,
      created_hits: null,
      experiment_id: null,
      iterations: null,
      error: success ? null : `failed: ${text().trim()}`,
    };
  });
  if (form === "koderz") { for (const item of items) item.timed_out = false; }
  const started = 1_700_000_000 + whole(1e8) + whole(1e6) / 1e6;
  return {
    summary: {
      run_id: `run_${whole(1e6)}`,
      path: "",
      source_form: form,
      kind: "suite",
      benchmark: "HumanEval",
      mode: "iterative",
      model: text() || "model",
      agent: maybe("chat"),
      status: "complete",
      started_at_unix_seconds: Number(started.toFixed(6)),
      duration_s: whole(1e6) / 1e3,
      ...NO_LEDGER,
      ...totalsOf(items),
      output_tokens_per_s: null,
      ttft_p50_ms: null,
      ttft_p99_ms: null,
      tags: form === "batch_eval" ? [] : ["nightly", "α"].slice(whole(3)),
    },
    items,
    unmapped: {},
  };
}

Deno.test("smi-bench: a run whose journal has no such events gets a log of its items", async () => {
  const { runs: [run] } = await readForeign(fixture("vllm_bench/serve.json"));
  const files = exportAs("smi_bench", { ...run, events: [] });
  const log = files.find(({ path }) => path.endsWith("events.jsonl"))!.text.trim().split("\n")
    .map((line) => JSON.parse(line));
  assertEquals(log.map(({ event }) => event), [
    "run_started",
    ...run.items.map(() => "package_finished"),
    "run_finished",
  ]);
  const { errors, samples, finished_at_unix_seconds } = log.at(-1);
  assertEquals([errors, samples], [1, 3]);
  assertEquals(finished_at_unix_seconds, run.summary.started_at_unix_seconds! + 4);
});
