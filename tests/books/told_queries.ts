/** What the command line tells of runs: list, cost, trend, show, analyze, compare, and exports that are read back. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { dynoEach } from "../e2e/dyno.ts";
import { countsOf, isLoad, isUntold } from "./case.ts";
import { byProblem, mean, outputRate, rightness } from "./items_reader.ts";
import { median, nearest } from "./reader.ts";
import { checkAnalysis, checkAnalysisText, checkCompared } from "./told_analysis.ts";
import { passRate } from "./told_files.ts";
import type { Case, Findings } from "./case.ts";
import type { Item } from "./items_reader.ts";
import type { Json } from "./reader.ts";

/** A command, and what is checked of what it printed. */
export interface Query {
  args: string[];
  check: (told: string) => void;
}

/** A process takes no argument of more than 128 KiB. */
const AT_ONCE = 300;

/** Runs queries of `dyno runs`, many in one process. */
export async function ask(queries: readonly Query[], root: string, found: Findings): Promise<void> {
  for (let at = 0; at < queries.length; at += AT_ONCE) {
    const some = queries.slice(at, at + AT_ONCE);
    const ended = await dynoEach(some.map(({ args }) => ["runs", ...args]), { cwd: root });
    ended.forEach(({ code, stdout, stderr }, i) => {
      const { args, check } = some[i];
      if (code === 0) check(stdout);
      else if (!stderr.includes("has a known")) {
        found.wrong.push(`${args.join(" ")}: ${stderr.slice(-300)}`);
      }
    });
  }
}

/** Figures that lists, exports and the dashboard have of a run. */
export function checkListed(one: Case, where: string, entry: Json, found: Findings): void {
  found.sums(one, where, entry, "cost_usd");
  const { total, successful, failed } = countsOf(one);
  found.same(one, `${where} items`, [entry.items_total, entry.successful, entry.failed], [
    ...[total, successful, failed],
  ]);
  found.same(one, `${where} duration`, entry.duration_s?.toFixed(3), one.seconds.toFixed(3));
  const { items, load, spans } = one;
  const ttft = items.flatMap((item) => item.success ? item.ttft_ms ?? [] : []);
  const quantiles = load ? load.metrics.ttft_ms : { p50: median(ttft), p99: nearest(ttft, 0.99) };
  found.same(one, `${where} ttft`, [entry.ttft_p50_ms, entry.ttft_p99_ms], [
    quantiles?.p50 ?? null,
    quantiles?.p99 ?? null,
  ]);
  found.same(
    one,
    `${where} tok/s`,
    entry.output_tokens_per_s,
    load ? load.output_tokens_per_s : outputRate(spans),
  );
  if (load) return;
  found.same(
    one,
    `${where} hit rate`,
    entry.avg_hit_rate,
    byProblem(items, ({ score }) => score).mean,
  );
  const judged = items.some(({ passed }) => passed !== null);
  found.same(
    one,
    `${where} passed`,
    entry.passed,
    judged ? items.filter(({ passed }) => passed).length : null,
  );
}

/** Each way of asking by itself. */
export function checkModes(one: Case, where: string, modes: Json[], found: Findings): void {
  const { items } = one;
  found.same(
    one,
    `${where} modes`,
    modes.map(({ mode }) => mode ?? "").sort(),
    [...new Set(items.map(({ mode }) => mode))].sort(),
  );
  for (const told of modes) {
    const own = items.filter(({ mode }) => mode === (told.mode ?? ""));
    const judged = own.some(({ passed }) => passed !== null);
    found.same(one, `${where} ${told.mode}`, [
      ...[told.problems, told.answers, told.errors, told.pass_rate?.value, told.avg_hit_rate],
    ], [
      new Set(own.map(({ problem }) => problem)).size,
      own.length,
      own.filter(({ success }) => !success).length,
      judged ? passRate(own) : undefined,
      byProblem(own, ({ score }) => score).mean,
    ]);
  }
}

/** What tokens cost by another table: the second model's other than the run's own. */
const OTHER_PRICES = {
  model: { input: 0.31, output: 1.7, cache_read: 0.01 },
  sage: { input: 4.5, output: 22.5 },
};

/** Everything that is asked of all runs at once. */
function ofAll(root: string, cases: readonly Case[], found: Findings): Query[] {
  const byId = (told: string) =>
    new Map<string, Json>(JSON.parse(told).map((entry: Json) => [entry.run_id, entry]));
  const list: Query = {
    args: ["list", "--limit", "0", "--json"],
    check(told) {
      const listed = byId(told);
      for (const one of cases) {
        const entry = listed.get(one.run.run_id);
        checkListed(one, "list", entry, found);
        if (!isLoad(one)) checkModes(one, "list", entry.modes, found);
      }
    },
  };
  const table: Query = {
    args: ["list", "--limit", "0"],
    check(told) {
      for (const one of cases) checkRow(one, told, found);
    },
  };
  const cost: Query = {
    args: ["cost", "--json"],
    check(told) {
      const costs = byId(told);
      for (const one of cases) {
        const entry = costs.get(one.run.run_id);
        found.sums(one, "cost", entry);
        const { usd } = one.truth;
        if (usd === null) continue;
        const halves = entry.input_cost_usd + entry.output_cost_usd;
        found.same(one, "cost: halves", halves.toFixed(12), usd.toFixed(12));
      }
    },
  };
  const costs: Query = {
    args: ["cost"],
    check(told) {
      for (const one of cases) {
        const line = told.split("\n").find((line) => line.includes(one.run.run_id)) ?? "";
        found.usd(one, "cost table", line.trimEnd().split(/ {2,}/).at(-1), one.truth);
      }
    },
  };
  const path = join(root, "prices.json");
  const rows = Object.entries(OTHER_PRICES).map(([name, price]) => ({
    ...{ model: `${name}-*`, ...price, date: "2026-02-02", source: "https://example.org" },
  }));
  writeFileSync(path, JSON.stringify({ unit: "USD per million tokens", prices: rows }));
  const again: Query = {
    args: ["cost", "--prices", path, "--json"],
    check(told) {
      const costs = byId(told);
      for (const one of cases) {
        const { model, sage } = OTHER_PRICES, { seed } = one.run;
        const right = one.truthAt({ [`model-${seed}`]: model, [`sage-${seed}`]: sage });
        const { total_cost_usd, requests_of_unknown_cost } = costs.get(one.run.run_id);
        found.same(one, "cost --prices", [total_cost_usd, requests_of_unknown_cost], [
          ...[right.usd, right.unpriced],
        ]);
      }
    },
  };
  const difficulty: Query = {
    args: ["difficulty", "--limit", "0", "--json"],
    check: (told) => checkDifficulty(cases, JSON.parse(told), found),
  };
  return [list, table, cost, costs, again, difficulty, ...trends(cases, found)];
}

/** Of each problem the mean over runs of their share of right answers; what nobody judged counts nowhere. */
function checkDifficulty(cases: readonly Case[], told: Json[], found: Findings): void {
  const all = cases.flatMap(({ run, items }) =>
    items.flatMap((item) => {
      const right = rightness(item);
      return right === null ? [] : [{ run_id: run.run_id, problem: item.problem, right }];
    })
  );
  const problems = Map.groupBy(all, ({ problem }) => problem);
  found.same(cases[0], "difficulty: problems", told.map(({ problem_id }) => problem_id).sort(), [
    ...[...problems.keys()].sort(),
  ]);
  for (const { problem_id, runs, answers, successes, success_rate } of told) {
    const own = problems.get(problem_id) ?? [];
    const shares = [...Map.groupBy(own, ({ run_id }) => run_id).values()].map((one) =>
      mean(one.map(({ right }) => right))!
    );
    const right = own.filter(({ right }) => right === 1).length;
    found.same(cases[0], `difficulty of ${problem_id}`, [
      ...[runs, answers, successes, success_rate.value],
    ], [shares.length, own.length, right, mean(shares)]);
    const { low, high, value } = success_rate;
    found.same(cases[0], `difficulty of ${problem_id}: its interval`, [
      ...[low <= value, value <= high],
    ], [true, true]);
  }
}

/** A run's line, or lines, in the table of runs. */
function checkRow(one: Case, told: string, found: Findings): void {
  const lines = told.split("\n");
  const at = lines.findIndex((line) => line.includes(one.run.run_id));
  const modes = isLoad(one) ? [] : [...new Set(one.items.map(({ mode }) => mode))];
  for (let i = 0; i < Math.max(1, modes.length); i++) {
    const cells = lines[at + i].trim().split(/ {2,}/).slice(i === 0 ? 2 : 0);
    const own = one.items.filter(({ mode }) => mode === modes[i]);
    const score = byProblem(own, ({ score }) => score).mean;
    const { total, failed } = countsOf(one);
    const problems = new Set(own.map(({ problem }) => problem)).size;
    found.prints(one, "list: tests", cells[0], isLoad(one) ? total : problems);
    found.prints(
      one,
      "list: score",
      cells[1]?.replace(/ ?%$/, ""),
      score === null ? null : score * 100,
    );
    found.prints(
      one,
      "list: errors",
      cells[2],
      isLoad(one) ? failed : own.filter(({ success }) => !success).length,
    );
    const { truth } = one;
    if (i > 0 || isUntold(truth)) continue;
    found.prints(one, "list: tokens", cells[3].split(" ")[0], truth.prompt + truth.completion);
    found.prints(
      one,
      "list: tok/s",
      cells[4],
      one.load ? one.load.output_tokens_per_s : outputRate(one.spans),
    );
  }
}

function trends(cases: readonly Case[], found: Findings): Query[] {
  const byMode = (of: (items: Item[]) => number | null) => (one: Case, mode: string | null) =>
    of(one.items.filter((item) => mode === null || item.mode === mode));
  const metrics: Record<string, (one: Case, mode: string | null) => number | null> = {
    cost_usd: ({ truth }) => truth.usd,
    prompt_tokens: ({ truth }) => truth.prompt,
    completion_tokens: ({ truth }) => truth.completion,
    pass_rate: byMode(passRate),
    answer_rate: byMode((own) => own.filter(({ success }) => success).length / own.length),
    avg_hit_rate: byMode((own) => byProblem(own, ({ score }) => score).mean),
    ttft_p50_ms: ({ load, items }) =>
      load
        ? load.metrics.ttft_ms?.p50 ?? null
        : median(items.flatMap((item) => item.success ? item.ttft_ms ?? [] : [])),
    output_tokens_per_s: ({ load, spans }) => load ? load.output_tokens_per_s : outputRate(spans),
    duration_s: ({ seconds }) => seconds,
  };
  return Object.entries(metrics).map(([metric, right]) => ({
    args: ["trend", "--metric", metric, "--json"],
    check(told) {
      const cased = new Map(cases.map((one) => [one.run.run_id, one]));
      for (const { run_id, mode, value } of JSON.parse(told).points) {
        const one = cased.get(run_id)!;
        if (isLoad(one) && /rate$/.test(metric)) continue;
        const exact = right(one, mode);
        const rounded = metric === "duration_s"
          ? [value.toFixed(3), exact!.toFixed(3)]
          : [value, exact];
        found.same(one, `trend ${metric} ${mode ?? ""}`, rounded[0], rounded[1]);
      }
    },
  }));
}

function ofOne(one: Case, found: Findings): Query[] {
  const { run_id } = one.run;
  return [
    {
      args: ["show", run_id, "--json"],
      check: (told) => found.sums(one, "show", JSON.parse(told).results.ledger.total),
    },
    { args: ["show", run_id], check: (told) => checkShown(one, told, found) },
    {
      args: ["analyze", run_id, "--json"],
      check: (told) => checkAnalysis(one, JSON.parse(told), found),
    },
    { args: ["analyze", run_id], check: (told) => checkAnalysisText(one, told, found) },
    // a load that was cut in its warm-up has nothing to compare
    ...one.load?.records.length === 0 ? [] : [{
      args: ["compare", run_id, run_id, "--json"],
      check: (told: string) => checkCompared(one, JSON.parse(told), found),
    }],
  ];
}

function checkShown(one: Case, told: string, found: Findings): void {
  const { prompt, cached, completion, requests } = one.truth;
  const line = (name: string) => new RegExp(`^${name} +(.*)$`, "m").exec(told)?.[1] ?? "";
  found.usd(one, "show cost", line("cost"), one.truth);
  found.prints(one, "show requests", line("requests").split(", ")[0], requests);
  const cut = /^up to ([\d,]+) requests? in flight/.exec(line("cut off"))?.[1];
  found.same(one, "show cut off", Number(cut ?? 0), one.truth.cut_off);
  const tokens = /^([\d,]+) prompt(?: \(([\d,]+) of them cached\))?, ([\d,]+) completion/.exec(
    line("tokens"),
  );
  if (!isUntold(one.truth)) {
    found.same(
      one,
      "show tokens",
      tokens?.slice(1).map((n) => n && Number(n.replaceAll(",", ""))),
      [
        prompt,
        cached === 0 ? undefined : cached,
        completion,
      ],
    );
  }
  const { total, successful } = countsOf(one);
  const items = /^([\d,]+): ([\d,]+) answered/.exec(line("items"));
  found.same(one, "show items", items?.slice(1).map(Number), [total, successful]);
  if (!one.load) return;
  const { requests_per_s, metrics } = one.load;
  found.prints(one, "show rate", /^[\d.,]*/.exec(line("rate"))?.[0], requests_per_s);
  for (const name of ["ttft", "tpot", "e2e"]) {
    const right = metrics[`${name}_ms`];
    const [, p50, p99] = /^([\d.,]+) ms p50, ([\d.,]+) ms p99/.exec(line(name)) ?? [];
    if (right === null) continue;
    found.prints(one, `show ${name} p50`, p50, right.p50);
    found.prints(one, `show ${name} p99`, p99, right.p99);
  }
}

/** Every query that tells figures. */
export async function checkQueries(
  root: string,
  cases: readonly Case[],
  found: Findings,
): Promise<void> {
  const each = cases.flatMap((one) => ofOne(one, found));
  await ask([...ofAll(root, cases, found), ...each], root, found);
}
