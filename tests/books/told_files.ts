/** What a run's own files, its closing lines and its report page tell. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readRecords } from "../../lib/load/load_journal.ts";
import { writeLoadReport } from "../../lib/report/load/load_report.ts";
import { writeSuiteReport } from "../../lib/report/suite/suite_report.ts";
import { runDirectoryAt } from "../../lib/run/directory.ts";
import { isLoad } from "./case.ts";
import { byProblem, mean, outputRate, rightness } from "./items_reader.ts";
import { asked, median, nearest } from "./reader.ts";
import { checkCodingLines, checkSummary } from "./told_summary.ts";
import type { Case, Findings } from "./case.ts";
import type { Item } from "./items_reader.ts";
import type { Json } from "./reader.ts";

/** results.json, what was printed at the end, summary.json, the page. */
export async function checkFiles(one: Case, found: Findings): Promise<void> {
  const { run, truth } = one;
  const results = JSON.parse(readFileSync(join(run.folder, "results.json"), "utf8"));
  const { total, by_asker } = results.ledger;
  found.sums(one, "results.ledger", total);
  found.same(one, "requests", total.requests, truth.requests);
  found.same(one, "unknown tokens", total.requests_of_unknown_tokens, truth.untold);
  if (truth.cached > 0) found.same(one, "cached", total.cached_prompt_tokens, truth.cached);
  if (truth.reasoning > 0) found.same(one, "reasoning", total.reasoning_tokens, truth.reasoning);
  const parts = Object.values<Json>(by_asker).reduce((sum, part) => sum + part.requests, 0);
  found.same(one, "requests by asker", parts, truth.requests);
  const reviews = asked(run.log).filter(({ body }) => body.model.startsWith("sage")).length;
  const second = run.kind === "suite" ? by_asker.judge : by_asker.reviewer;
  found.same(one, "reviews", second?.requests ?? 0, reviews);
  if (run.budget !== null && truth.untold === 0) {
    found.same(one, "budget", run.budget.tokens, truth.prompt + truth.completion);
  }
  if (isLoad(one)) {
    checkLoadResults(one, results, found);
    checkLoadLines(one, found);
    await checkLoadPage(one, results, found);
    return;
  }
  for (const told_s of run.told_s) {
    found.same(one, "--json and callbacks: seconds", told_s?.toFixed(3), one.seconds.toFixed(3));
  }
  checkSuiteResults(one, results, found);
  if (run.kind === "suite") checkSuiteLines(one, found);
  else if (run.kind !== "batch") {
    const summary = readFileSync(join(run.folder, "summary.json"), "utf8");
    checkSummary(one, JSON.parse(summary), found);
    checkCodingLines(one, found);
  }
  await checkSuitePage(one, found);
}

/** A load's results, as results.json and --json have them. */
export function checkLoadResults(one: Case, results: Json, found: Findings): void {
  const load = one.load!;
  if (one.run.cut === "killed" && !results.complete) {
    const said = results.notes.some((note: string) => note.startsWith("the load was cut off: "));
    found.same(one, "a kill is said", said, true);
  } else if (one.run.cut === null || !isWhole(one)) { // a cut may come when all is over
    found.same(one, "load: complete", results.complete, isWhole(one));
  }
  found.same(one, "load: total_cost_usd", results.total_cost_usd, one.truth.usd);
  for (const stage of [results.total, ...results.stages]) {
    const { outside: _, ...counts } = stage.requests;
    found.same(one, "load: requests", counts, load.requests);
    found.same(
      one,
      "load: errors",
      Object.entries(stage.errors).sort(),
      Object.entries(load.errors).sort(),
    );
    for (const name of LOAD_FIGURES) found.same(one, `load: ${name}`, stage[name], load[name]);
    for (const [name, right] of Object.entries(load.metrics)) {
      const { n, mean, p50, p99, max } = stage.metrics[name] ?? {};
      found.same(
        one,
        `load: ${name}`,
        right && [n, mean, p50, p99, max],
        right && [right.n, right.mean, right.p50, right.p99, right.max],
      );
      found.same(one, `load: ${name} is known`, stage.metrics[name] !== null, right !== null);
    }
  }
}

/** Whether all that was planned was asked, by its settings. */
function isWhole({ run, journal, load }: Case): boolean {
  const { settings } = journal.find(({ event }) => event === "load_started");
  const { records } = load!;
  const ended = records.every(({ failure }) => failure !== "unfinished" && failure !== "unsent");
  return run.cut === null || (ended && records.length === settings.requests);
}

const LOAD_FIGURES = [
  ...["error_rate", "requests_per_s", "output_tokens_per_s", "prompt_tokens_per_s"] as const,
  ...["prompt_tokens_mean", "completion_tokens_mean"] as const,
];

function checkLoadLines(one: Case, found: Findings): void {
  const { run, truth } = one;
  const { requests, metrics, ...load } = one.load!;
  const text = run.lines.join("\n");
  const cost = /^cost (.*)/m.exec(text)?.[1];
  if (truth.usd !== null || cost) found.usd(one, "closing line", cost, truth);
  // a name that makes the table too wide stands below it, and its row is "1"
  const row = run.lines.find((line) => /^(\d\S* (in flight|req\/s)|1 {2})/.test(line)) ?? "";
  const cells = row.replace(/^\S+ (in flight|req\/s(, \w+)?)?/, "").trim().split(/ +/);
  const [cut] = requests.unfinished + requests.unsent > 0 ? cells.splice(2, 1) : ["0"];
  if (row === "" && run.cut !== null && one.load!.records.length === 0) return; // in its warm-up
  const ended = requests.successful + requests.failed > 0;
  const told = ended && (load.completion_tokens_mean !== null || requests.successful === 0);
  const right: [string, number | null][] = [
    ["ok", requests.successful],
    ["failed", requests.failed],
    ["req/s", ended ? load.requests_per_s : null],
    ["tok/s", told ? load.output_tokens_per_s : null],
    ["ttft p50", metrics.ttft_ms?.p50 ?? null],
    ["ttft p99", metrics.ttft_ms?.p99 ?? null],
  ];
  found.prints(one, "table: cut off", cut, requests.unfinished + requests.unsent);
  right.forEach(([name, value], i) =>
    found.prints(one, `table: ${name} in "${row || text}"`, cells[i], value)
  );
}

/** A page's words, without its markup and what is drawn. */
function wordsOf(path: string): string {
  return readFileSync(path, "utf8").replace(/<(svg|script|style)[^]*?<\/\1>/g, " ")
    .replace(/<[^>]*>/g, " ").replaceAll("&#39;", "'").replaceAll("&quot;", '"')
    .replace(/\s+/g, " ");
}

/** Checks the cost at the top of a page; it has none if nothing was sent. */
function checkPageCost(one: Case, page: string, found: Findings): void {
  const cost = / cost ((?:\$|unknown).*?) (?:run|started) /.exec(page)?.[1];
  if (one.truth.usd !== null || cost) found.usd(one, "page: cost", cost, one.truth);
}

async function checkLoadPage(one: Case, results: Json, found: Findings): Promise<void> {
  const at = runDirectoryAt(one.run.folder);
  const page = wordsOf(await writeLoadReport(at, results, await readRecords(at)));
  checkPageCost(one, page, found);
  const { requests, metrics, ...load } = one.load!;
  const after = (words: string) =>
    page.split(` ${words} `).slice(1).map((rest) => rest.split(" ")[0])[0];
  const ended = requests.successful + requests.failed > 0;
  const of = (value: number | null) => ended ? value : null;
  found.prints(
    one,
    "page: output tokens/s",
    after("output tokens/s"),
    of(load.output_tokens_per_s),
  );
  found.prints(one, "page: requests/s", after("answered requests/s"), of(load.requests_per_s));
  found.prints(one, "page: ttft, median", after("ttft, median"), metrics.ttft_ms?.p50 ?? null);
  found.prints(one, "page: ttft, p99", after("ttft, p99"), metrics.ttft_ms?.p99 ?? null);
  const failed = new RegExp(`([\\d,]+) requests? of ([\\d,]+) failed`).exec(page);
  found.same(one, "page: failed", failed?.slice(1).map(Number), [
    requests.failed,
    requests.failed + requests.successful,
  ]);
}

/** What tests come to, as results.json has it of all of them and of each category. */
export function checkSuiteResults(one: Case, results: Json, found: Findings): void {
  const { items } = one;
  const { aggregate } = results;
  found.sums(one, "aggregate", {
    ...aggregate,
    prompt_tokens: aggregate.total_prompt_tokens,
    completion_tokens: aggregate.total_completion_tokens,
  });
  const parts: [string, Json, Item[]][] = [
    ["all", results, items],
    ...results.categories.map((part: Json) => [
      part.category,
      part,
      items.filter(({ category }) => category === part.category),
    ]),
  ];
  found.same(
    one,
    "categories",
    parts.slice(1).map(([name]) => name).sort(),
    [...new Set(items.map(({ category }) => category))].sort(),
  );
  for (const [name, part, own] of parts) checkPart(one, name, part, own, found);
  found.same(one, "output tokens/s", results.statistics.output_tokens_per_s, outputRate(one.spans));
  for (const told of results.items ?? []) {
    const item = items.find(({ test_id }) => test_id === told.test_id);
    found.same(one, `names of ${told.test_id}`, [told.item_id, told.package_id], [
      ...[told.test_id, told.test_id],
    ]);
    if (!item) found.add(one, "an item in results", told.test_id, items.map((i) => i.test_id));
    else {
      found.same(one, `item ${told.test_id}`, itemFigures(told), [
        ...[item.success, item.passed, item.score, item.timed_out, item.prompt, item.completion],
        ...[item.usd, item.elapsed_s, item.e2e_ms, item.ttft_ms],
      ]);
    }
  }
}

function itemFigures(told: Json): unknown[] {
  const { success, passed, score, timed_out, prompt_tokens, completion_tokens, cost_usd } = told;
  return [
    ...[success, passed, score?.hit_rate ?? null, timed_out, prompt_tokens, completion_tokens],
    ...[cost_usd, told.elapsed_seconds, told.e2e_ms, told.ttft_ms],
  ];
}

function checkPart(
  one: Case,
  name: string,
  { aggregate, statistics }: Json,
  own: readonly Item[],
  found: Findings,
): void {
  const count = (of: (item: Item) => boolean) => own.filter(of).length;
  const right = {
    tests: own.length,
    successful: count(({ success }) => success),
    errors: count(({ success }) => !success),
    timed_out: count(({ timed_out }) => timed_out),
    evaluated: count(({ passed }) => passed !== null),
    passed: count(({ passed }) => passed === true),
    not_judged: count(({ unjudged }) => unjudged),
    avg_hit_rate: byProblem(own, ({ score }) => score).mean,
  };
  for (const [figure, value] of Object.entries(right)) {
    found.same(one, `${name}: ${figure}`, aggregate[figure], value);
  }
  const judged = own.some(({ passed }) => passed !== null);
  const rate = judged ? passRate(own) : null;
  found.same(one, `${name}: pass rate`, statistics.pass_rate?.value, rate);
  for (const figure of ["ttft_ms", "e2e_ms"] as const) {
    const values = own.flatMap((item) => item.success ? item[figure] ?? [] : []);
    const told = statistics[figure];
    found.same(
      one,
      `${name}: ${figure}`,
      told && [told.n, told.mean, told.p50, told.p99, told.max],
      values.length === 0 ? null : [
        values.length,
        mean(values),
        median(values),
        nearest(values, 0.99),
        Math.max(...values),
      ],
    );
  }
}

/** Right answers of all that were judged or did not come, over problems. */
export function passRate(items: readonly Item[]): number | null {
  return byProblem(items, rightness).mean;
}

function checkSuiteLines(one: Case, found: Findings): void {
  const { run, items, truth } = one;
  const text = run.lines.join("\n");
  found.usd(one, "closing line", /, cost (.*)/.exec(text)?.[1], truth);
  const [, answers, to, tokens, speed] =
    /^([\d,]+) (?:tests?|answers? to ([\d,]+) tests?) and (?:([\d,]+) output tokens?|unknown).*? in \S+(?: \S+)*?(?: \(([\d.,]+) output tok\/s while requests were in flight\))?, cost/m
      .exec(text) ?? [];
  found.same(one, "closing line: answers", Number(answers), items.length);
  const [, time, unit] = / in (\d+) (m?s)\b/.exec(text) ?? [];
  const told_s = (Number(time) / (unit === "ms" ? 1000 : 1)).toFixed(0);
  found.same(one, "closing line: seconds", told_s, one.seconds.toFixed(0));
  const problems = new Set(items.map(({ problem }) => problem)).size;
  found.same(one, "closing line: tests", Number(to ?? answers), problems);
  found.prints(one, "closing line: output tok/s", speed ?? "–", outputRate(one.spans));
  if (tokens) found.prints(one, "closing line: tokens", tokens, truth.completion);
  for (const name of ["alpha", "beta", "all"]) {
    const own = items.filter(({ category }) => name === "all" || category === name);
    const row = run.lines.find((line) => line.startsWith(`${name} `))?.split(/ +/);
    if (own.length === 0) continue;
    const answered = own.filter(({ success }) => success);
    const wanted = own.filter(({ success, passed, unjudged }) =>
      !success || unjudged || passed !== null
    );
    const times = (of: "ttft_ms" | "e2e_ms") => answered.flatMap((item) => item[of] ?? []);
    const passed = own.filter((item) => item.passed).length;
    const judged = own.some((item) => item.passed !== null || item.unjudged);
    found.same(one, `table: ${name} passed`, row?.[1], judged ? `${passed}/${wanted.length}` : "–");
    found.prints(one, `table: ${name} score`, row?.[2], byProblem(own, ({ score }) => score).mean);
    found.prints(one, `table: ${name} ttft p50`, row?.[3], median(times("ttft_ms")));
    found.prints(one, `table: ${name} ttft p99`, row?.[4], nearest(times("ttft_ms"), 0.99));
    const e2e = median(times("e2e_ms"));
    found.prints(one, `table: ${name} e2e p50`, row?.[6], e2e && e2e / 1000);
    found.prints(one, `table: ${name} errors`, row?.[8], own.length - answered.length);
  }
  const rate = items.some(({ passed }) => passed !== null) ? passRate(items) : null;
  const told = /pass rate ([\d.]+) %/.exec(text)?.[1];
  if (rate !== null || told) found.prints(one, "pass rate", told, rate! * 100);
}

async function checkSuitePage(one: Case, found: Findings): Promise<void> {
  const { items, spans } = one;
  const page = wordsOf(await writeSuiteReport(runDirectoryAt(one.run.folder)));
  checkPageCost(one, page, found);
  const tile = (name: string) => new RegExp(` ${name} (–|[\\d,.]+) `).exec(page)?.[1];
  const rate = items.some(({ passed }) => passed !== null) ? passRate(items) : null;
  if (one.run.kind === "comparative") {
    found.same(one, "page: no rate over two modes", tile("pass rate"), "–");
  } else {
    found.prints(one, "page: pass rate", tile("pass rate"), rate === null ? null : rate * 100);
    const score = byProblem(items, ({ score }) => score).mean;
    found.prints(one, "page: mean score", tile("mean score"), score);
  }
  found.prints(one, "page: errors", tile("errors"), items.filter(({ success }) => !success).length);
  found.prints(one, "page: output tokens/s", tile("output tokens/s"), outputRate(spans));
  const ttft = items.flatMap((item) => item.success ? item.ttft_ms ?? [] : []);
  found.prints(one, "page: ttft, median", tile("ttft, median"), median(ttft));
  found.prints(one, "page: ttft, p99", tile("ttft, p99"), nearest(ttft, 0.99));
}
