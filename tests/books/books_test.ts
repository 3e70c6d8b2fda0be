/**
 * The books test: seeded random runs of every kind on the mock, with faults, retries, cached tokens,
 * reviewers, budgets, samples, cuts and resumes. A reader of its own (reader.ts) says what each comes
 * to; every place where dyno tells a figure must say the same, to the digits that it prints.
 * DYNO_TEST_LONG makes 210 seeds; DYNO_BOOKS_SEEDS=3,17 makes those.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { assertEquals } from "@std/assert";
import { writeSuiteReport } from "../../lib/report/suite/suite_report.ts";
import { openMetrics } from "../../lib/prometheus/open_metrics.ts";
import { runDirectoryAt } from "../../lib/run/directory.ts";
import { readJournal } from "../../lib/run/fold.ts";
import { loadProgress, suiteProgress } from "../../lib/server/tasks/progress.ts";
import { Sandbox } from "../../lib/coding/sandbox/sandbox.ts";
import { dynoEach } from "../e2e/dyno.ts";
import { serving } from "../server/fixture.ts";
import { made } from "./made.ts";
import {
  answersOf,
  asked,
  costOfMode,
  isAnswer,
  journalOf,
  median,
  requestsOf,
  secondsOf,
  shows,
  truthOf,
} from "./reader.ts";
import type { Made } from "./made.ts";
import type { Json, Truth } from "./reader.ts";

const LONG = process.env.DYNO_TEST_LONG !== undefined;
const SEEDS = process.env.DYNO_BOOKS_SEEDS?.split(",").map(Number) ??
  Array.from({ length: LONG ? 210 : 14 }, (_, i) => i);

/** Where a figure differs from the reader's. */
const wrong: string[] = [];

function same(run: Made, where: string, told: unknown, right: unknown): void {
  if (JSON.stringify(told ?? null) === JSON.stringify(right ?? null)) return;
  wrong.push(`${run.story}: ${where}: ${JSON.stringify(told)}, not ${JSON.stringify(right)}`);
}

/** Sums that a place tells under the names that all of them have. */
function sameSums(
  run: Made,
  where: string,
  told: Json,
  truth: Truth,
  usd = "total_cost_usd",
): void {
  const nothing = truth.requests === 0 || truth.requests === truth.untold;
  same(run, `${where} prompt`, told.prompt_tokens, nothing ? null : truth.prompt);
  same(run, `${where} completion`, told.completion_tokens, nothing ? null : truth.completion);
  same(run, `${where} usd`, told[usd], truth.usd);
  same(run, `${where} unknown cost`, told.requests_of_unknown_cost, truth.unpriced);
}

/**
 * What the reader says of a run. Where requests were cut off, the client cannot know of answers that
 * the mock had sent already: as many of them as the journal calls unknown are left out of the log, those
 * that no answer of the journal is like.
 */
function truth(run: Made, journal: readonly Json[]): Truth {
  if (!run.cut) return truthOf(run.log, run.prices);
  const answers = journal.flatMap(({ event, entry }) =>
    event === "request_booked" && entry.prompt_tokens > 0
      ? [`${entry.prompt_tokens} ${entry.cached_prompt_tokens ?? 0} ${entry.completion_tokens}`]
      : []
  );
  const log = run.log.map((request) => {
    if (!isAnswer(request)) return request;
    const { prompt, cached, completion } = request.tokens!;
    const at = answers.indexOf(`${prompt} ${cached} ${completion}`);
    if (at < 0) return { ...request, fault: "cut off" };
    answers.splice(at, 1);
    return request;
  });
  same(run, "answers in the journal that the mock never gave", answers, []);
  const cut = log.filter(({ fault }) => fault === "cut off").length;
  if (cut > 2) wrong.push(`${run.story}: ${cut} requests were lost by one cut of two at work`);
  return truthOf(log, run.prices);
}

/** The files of a run, and what is printed at its end. */
async function checkFiles(run: Made, truth: Truth, journal: readonly Json[]): Promise<void> {
  const results = JSON.parse(readFileSync(join(run.folder, "results.json"), "utf8"));
  const { total, by_asker } = results.ledger;
  sameSums(run, "results.ledger", total, truth);
  same(run, "requests", total.requests, truth.requests);
  same(run, "unknown tokens", total.requests_of_unknown_tokens, truth.untold);
  if (truth.cached > 0) same(run, "cached", total.cached_prompt_tokens, truth.cached);
  if (truth.reasoning > 0) same(run, "reasoning", total.reasoning_tokens, truth.reasoning);
  const parts = Object.values<Json>(by_asker).reduce((sum, part) => sum + part.requests, 0);
  same(run, "requests by asker", parts, truth.requests);
  const reviews = asked(run.log).filter(({ body }) => body.model.startsWith("sage")).length;
  const second = run.kind === "suite" ? by_asker.judge : by_asker.reviewer;
  same(run, "reviews", second?.requests ?? 0, reviews);
  const text = run.lines.join("\n");
  const directory = runDirectoryAt(run.folder);
  if (results.kind === "load") {
    const counts = requestsOf(journal);
    const { requests, metrics } = results.total;
    same(run, "load: successful", requests.successful + requests.outside, counts.successful);
    same(run, "load: failed", requests.failed, counts.failed);
    if (requests.outside === 0) {
      same(run, "load: ttft p50", metrics.ttft_ms?.p50, median(counts.ttft_ms));
    }
    same(run, "load: total_cost_usd", results.total_cost_usd, truth.usd);
    const line = /cost (\$.*)/.exec(text)?.[1] ?? "";
    if (truth.usd !== null) same(run, `closing line "${line}"`, shows(line, truth.usd), true);
    return;
  }
  sameSums(run, "aggregate", {
    ...results.aggregate,
    prompt_tokens: results.aggregate.total_prompt_tokens,
    completion_tokens: results.aggregate.total_completion_tokens,
  }, truth);
  const modes = answersOf(journal);
  const answers = [...modes.values()];
  const counted = (of: "answers" | "answered" | "passed") =>
    answers.reduce((sum, own) => sum + own[of], 0);
  same(run, "tests", results.aggregate.tests, counted("answers"));
  same(run, "successful", results.aggregate.successful, counted("answered"));
  same(run, "passed", results.aggregate.passed, counted("passed"));
  if (run.kind === "suite") {
    const unknown = truth.usd !== null && truth.unpriced ? ` + ${truth.unpriced} unknown` : "";
    const cost = /, cost (.*)/.exec(text)?.[1] ?? "";
    same(run, `closing line "${cost}"`, [
      truth.usd === null ? cost : shows(cost, truth.usd),
      cost.endsWith(unknown),
    ], [truth.usd === null ? "unknown" : true, true]);
  } else if (run.kind !== "batch") checkSummary(run, truth, modes, journal, text);
  const page = readFileSync(await writeSuiteReport(directory), "utf8").replace(/<[^>]*>/g, " ");
  const tokens = /([\d,]+) tokens? in [\d.]+ s/.exec(page.replace(/\s+/g, " "))?.[1];
  if (tokens) {
    same(run, "report page: tokens", Number(tokens.replaceAll(",", "")), truth.completion);
  }
}

/** summary.json and the lines of a coding run. */
function checkSummary(
  run: Made,
  truth: Truth,
  modes: ReturnType<typeof answersOf>,
  journal: readonly Json[],
  text: string,
): void {
  const summary = JSON.parse(readFileSync(join(run.folder, "summary.json"), "utf8"));
  sameSums(run, "summary.ledger", summary.ledger.total, truth);
  const parts: [string, Json][] = summary.summary
    ? [[summary.mode, summary]]
    : [["zero-shot", summary.zero_shot], ["iterative", summary.iterative]];
  for (const [mode, part] of parts) {
    const own = modes.get(mode);
    if (!own) continue;
    const stats = part.summary;
    same(run, `${mode} problems`, stats.total_problems, own.problems);
    same(run, `${mode} answers`, stats.total_answers + stats.unjudged, own.answers);
    same(run, `${mode} successes`, stats.successes, own.passed);
    if (summary.comparison) {
      const cost = costOfMode(journal, mode, run.prices);
      same(run, `${mode} cost`, [stats.total_cost, stats.requests_of_unknown_cost], cost);
    }
    same(run, `${mode} iterations`, stats.avg_iterations, own.iterations / own.answers);
    if (summary.comparison) {
      const name = mode === "zero-shot" ? "Zero-Shot" : "Iterative";
      const row = new RegExp(`${name} +\\| +([\\d.]+)% \\( *(\\d+)/ *(\\d+)\\)`).exec(text);
      same(run, `${mode} row`, row?.slice(1), [
        (100 * own.passed / own.answers).toFixed(1),
        ...[String(own.passed), String(own.answers)],
      ]);
    }
  }
  if (summary.summary) {
    same(run, "summary.total_cost", summary.summary.total_cost, truth.usd);
    same(run, "summary.total_input_tokens", summary.summary.total_input_tokens, truth.prompt);
  }
  const line = /total cost: (.*)/i.exec(text)?.[1] ?? "";
  if (truth.usd === null) same(run, "closing line", line.startsWith("unknown"), true);
  else same(run, `closing line "${line}"`, shows(line, truth.usd), true);
}

/** What a server and Prometheus are told while it runs. */
async function checkFollowers(run: Made, truth: Truth): Promise<void> {
  const progress = run.kind === "load" || run.kind === "sweep" ? loadProgress() : suiteProgress();
  await readJournal(join(run.folder, "events.jsonl"), "run", ({ event }) => {
    if (event !== null) progress.add(event);
  });
  const told = progress.metrics() as Json;
  sameSums(run, "task", {
    ...told,
    prompt_tokens: told.total_prompt_tokens,
    completion_tokens: told.total_completion_tokens,
  }, truth);
  await using metrics = await openMetrics();
  await metrics.follow(run.folder)[Symbol.asyncDispose]();
  const { text } = await metrics.text();
  const sum = (name: string) =>
    [...text.matchAll(new RegExp(`^dyno_${name}_total\\{[^}]*\\} (\\S+)`, "gm"))]
      .reduce((sum, [, value]) => sum + Number(value), 0);
  same(run, "/metrics prompt", sum("prompt_tokens"), truth.prompt);
  same(run, "/metrics completion", sum("completion_tokens"), truth.completion);
  same(run, "/metrics usd", sum("cost_usd").toFixed(9), (truth.usd ?? 0).toFixed(9));
  same(run, "/metrics unknown", sum("requests_of_unknown_cost"), truth.unpriced);
}

const FORMS = ["smi_bench", "koderz", "benchmark_test_runner", "batch_eval"];

function chunksOf<T>(list: readonly T[], size: number): T[][] {
  return Array.from(
    { length: Math.ceil(list.length / size) },
    (_, i) => list.slice(i * size, (i + 1) * size),
  );
}

/** Every query of the command line, of many in one process. */
async function checkQueries(root: string, runs: readonly Made[], truths: Map<Made, Truth>) {
  const of = (run: Made) => truths.get(run)!;
  const suites = runs.filter(({ kind }) => kind !== "load" && kind !== "sweep");
  const commands: [string, string[], (told: string) => void][] = [];
  const each = (told: string): Map<string, Json> =>
    new Map(JSON.parse(told).map((entry: Json) => [entry.run_id, entry]));
  commands.push(["list", ["list", "--limit", "0", "--json"], (told) => {
    const listed = each(told);
    for (const run of runs) {
      const entry = listed.get(run.run_id);
      sameSums(run, "list", entry, of(run), "cost_usd");
      const journal = journalOf(run.folder);
      same(
        run,
        "list duration",
        entry.duration_s.toFixed(3),
        secondsOf(run.folder, journal).toFixed(3),
      );
      if (!suites.includes(run)) continue;
      const modes = answersOf(journal);
      same(run, "list modes", entry.modes.length, modes.size);
      for (const told of entry.modes) {
        const own = modes.get(told.mode ?? "");
        if (!own) {
          same(run, "a mode in list", told.mode, [...modes.keys()]);
          continue;
        }
        same(run, `list ${told.mode}`, [told.problems, told.answers, told.errors], [
          own.problems,
          own.answers,
          own.answers - own.answered,
        ]);
      }
    }
  }]);
  commands.push([
    "cost",
    ["cost", "--limit", "0", "--json"].filter((w) => !/limit|^0$/.test(w)),
    (told) => {
      const costs = each(told);
      for (const run of runs) {
        const cost = costs.get(run.run_id);
        sameSums(run, "cost", cost, of(run));
        const halves = cost.input_cost_usd + cost.output_cost_usd;
        if (of(run).usd !== null) {
          same(run, "cost: halves", halves.toFixed(12), of(run).usd!.toFixed(12));
        }
      }
    },
  ]);
  commands.push(["cost table", ["cost"], (told) => {
    for (const run of runs) {
      const line = told.split("\n").find((line) => line.includes(run.run_id)) ?? "";
      const { usd, unpriced } = of(run);
      const total = line.split(/ {2,}/).at(-1)!;
      const good = usd === null ? total.startsWith("unknown") : shows(total, usd) &&
        (unpriced === 0 || total.endsWith(`+ ${unpriced} unknown`));
      same(run, `cost table "${total}"`, good, true);
    }
  }]);
  const trends = {
    cost_usd: "usd",
    prompt_tokens: "prompt",
    completion_tokens: "completion",
  } as const;
  for (const [metric, name] of Object.entries(trends)) {
    commands.push(["trend", ["trend", "--metric", metric, "--json"], (told) => {
      const points = new Map(JSON.parse(told).points.map((p: Json) => [p.run_id, p.value]));
      for (const run of runs) {
        if (!points.has(run.run_id)) continue;
        same(run, `trend ${metric}`, points.get(run.run_id), of(run)[name]);
      }
    }]);
  }
  for (const run of runs) {
    commands.push(["show", ["show", run.run_id, "--json"], (told) => {
      sameSums(run, "show", JSON.parse(told).results.ledger.total, of(run));
    }]);
    commands.push(["show text", ["show", run.run_id], (told) => {
      const { usd, prompt, completion } = of(run);
      const cost = /^cost +(.*)$/m.exec(told)?.[1] ?? "";
      same(
        run,
        `show "${cost}"`,
        usd === null ? cost : shows(cost, usd),
        usd === null ? "unknown" : true,
      );
      const tokens = /^tokens +([\d,]+) prompt.*? ([\d,]+) completion/m.exec(told);
      if (tokens) {
        same(run, "show tokens", tokens.slice(1).map((n) => Number(n.replaceAll(",", ""))), [
          prompt,
          completion,
        ]);
      }
    }]);
    commands.push(["export json", ["export", run.run_id, "--format", "json"], (told) => {
      sameSums(run, "export json", JSON.parse(told).ledger.total, of(run));
    }]);
    commands.push([
      "export runs",
      ["export", run.run_id, "--format", "jsonl", "--rows", "runs"],
      (told) => {
        const row = JSON.parse(told);
        same(run, "export jsonl", [row.prompt_tokens, row.completion_tokens, row.cost_usd], [
          of(run).requests === of(run).untold ? null : of(run).prompt,
          of(run).requests === of(run).untold ? null : of(run).completion,
          of(run).usd,
        ]);
      },
    ]);
  }
  for (const run of suites) {
    const { run_id } = run;
    const modes = answersOf(journalOf(run.folder));
    const problems = [...modes.values()].map(({ problems }) => problems);
    commands.push(["compare", ["compare", run_id, run_id, "--json"], (told) => {
      const { comparisons } = JSON.parse(told).summary ?? JSON.parse(told);
      for (const { metric, n, difference } of comparisons?.[0]?.metrics ?? []) {
        if (difference) same(run, `compare ${metric} with itself`, difference.value, 0);
        if (metric === "answer_rate" && n !== undefined) {
          same(run, "compare: problems", n, Math.max(...problems));
        }
      }
    }]);
    commands.push(["analyze", ["analyze", run_id, "--json"], (told) => void JSON.parse(told)]);
    for (const form of FORMS) {
      const out = join(root, "exports", form, run_id);
      commands.push(["export", ["export", run_id, "--format", form, "--out", out], () => {}]);
      commands.push(["import", ["import", out, "--runs", join(root, "imported", form)], () => {}]);
    }
  }
  const lists = commands.map(([, args]) => ["runs", ...args]);
  FORMS.forEach((form) =>
    lists.push(["runs", "list", "--limit", "0", "--json", "--runs", join(root, "imported", form)])
  );
  const ended: Awaited<ReturnType<typeof dynoEach>> = [];
  // a process takes no argument of more than 128 KiB
  for (const some of chunksOf(lists, 300)) ended.push(...await dynoEach(some, { cwd: root }));
  commands.forEach(([name, args, check], i) => {
    const { code, stdout, stderr } = ended[i];
    if (code !== 0 && name !== "trend") wrong.push(`${args.join(" ")}: ${stderr.slice(-300)}`);
    else if (code === 0) check(stdout);
  });
  FORMS.forEach((form, i) =>
    checkImported(form, suites, of, JSON.parse(ended[commands.length + i].stdout))
  );
}

function isWhole({ folder }: Made): boolean {
  return JSON.parse(readFileSync(join(folder, "results.json"), "utf8")).complete;
}

/** Of what went out in another program's form and came back: what is known is as it was. */
function checkImported(
  form: string,
  suites: readonly Made[],
  of: (run: Made) => Truth,
  listed: Json[],
) {
  for (const run of suites) {
    const back = listed.filter(({ run_id, model }) =>
      run_id.includes(run.run_id) || model === `model-${run.seed}`
    );
    if (back.length !== 1) continue; // batch_eval's form knows no runs
    const modes = [...answersOf(journalOf(run.folder)).values()];
    const answers = modes.reduce((sum, own) => sum + own.answers, 0);
    same(run, `${form} and back: answers`, back[0].items_total, answers);
    const { cost_usd } = back[0];
    // other forms hold what items cost: no more than that where the run did not come to its end
    const whole = back[0].status === "complete" && !run.cut && run.kind !== "comparative";
    if (cost_usd !== null && whole && isWhole(run)) {
      same(run, `${form} and back: usd`, cost_usd, of(run).usd);
    }
  }
}

/** The dashboard's own questions. */
async function checkServer(root: string, runs: readonly Made[], truths: Map<Made, Truth>) {
  await using server = await serving(root);
  for (let offset = 0; offset < runs.length; offset += 200) {
    const page = await (await fetch(`${server.url}/api/runs?limit=200&offset=${offset}`)).json();
    for (const entry of page.runs) {
      const run = runs.find(({ run_id }) => run_id === entry.run_id)!;
      sameSums(run, "/api/runs", entry, truths.get(run)!, "cost_usd");
    }
  }
  for (const run of runs.slice(0, 20)) {
    const { run: entry } = await (await fetch(`${server.url}/api/runs/${run.run_id}`)).json();
    sameSums(run, "/api/runs/ID", entry, truths.get(run)!, "cost_usd");
  }
}

Deno.test("the books balance: every place tells what the mock's log and the journal come to", async () => {
  const root = mkdtempSync(join(tmpdir(), "dyno-books-"));
  mkdirSync(join(root, "runs"));
  try {
    await using sandbox = await Sandbox.open();
    const truths = new Map<Made, Truth>();
    for (const seed of SEEDS) {
      for (const run of await made(seed, root, sandbox)) {
        const journal = journalOf(run.folder);
        const right = truth(run, journal);
        truths.set(run, right);
        await checkFiles(run, right, journal);
        await checkFollowers(run, right);
        if (run.budget !== null && right.untold === 0) {
          same(run, "budget", run.budget.tokens, right.prompt + right.completion);
        }
      }
    }
    const runs = [...truths.keys()];
    await checkQueries(root, runs, truths);
    await checkServer(root, runs, truths);
    assertEquals(wrong, [], `${wrong.length} figures differ; again with DYNO_BOOKS_SEEDS=…`);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
