/** A suite's results as a table. */
import { figure } from "../../text/figure.ts";
import { costText, cutOffText, unknownText } from "../../text/dollars.ts";
import { counted, grouped, inDigits } from "../../text/grouped.ts";
import { shortNames } from "../../text/short_names.ts";
import { type Column, tableLines } from "../ui/table.ts";
import { durationText } from "../../text/duration.ts";
import { percentEstimate } from "../../text/percent.ts";
import { ratedOf } from "../../suite/aggregate.ts";
import { awayText } from "../../suite/away.ts";
import type { Distribution } from "../../stats/quantile.ts";
import type { EpochStatistics } from "../../suite/epochs.ts";
import { isOfTwoModes, type RunEnergy } from "../../suite/results.ts";
import type { Aggregate, SuiteResults, SuiteStatistics } from "../../suite/results.ts";
import type { SuiteRun } from "../../suite/run_suite.ts";
import type { Palette } from "../ui/terminal.ts";

type Times = Pick<SuiteRun, "wall_s" | "session_s" | "resumed_tests">;

const COLUMNS: Column[] = [
  { title: "category", align: "left", cut: true },
  { title: "passed", align: "right" },
  { title: "score", align: "right" },
  { title: "ttft ms p50", align: "right" },
  { title: "p99", align: "right" },
  { title: "tpot ms p50", align: "right" },
  { title: "e2e s p50", align: "right" },
  { title: "p50", align: "right", group: "tok/s of an answer" },
  { title: "errors", align: "right" },
];

/** Explains the words of the table. */
const WORDS =
  "ttft: to the first token; tpot: between tokens; e2e: the whole answer. More: dyno help metrics";

/** The table by category with a total, and the notes below it. */
export function suiteTable(
  { results, ...run }: Pick<SuiteRun, "results"> & Times,
  paint: Palette,
): string[] {
  const rows = results.categories.map(({ category, aggregate, statistics }) =>
    row(category, aggregate, statistics, paint)
  );
  const all = row(paint.bold("all"), results.aggregate, results.statistics, paint);
  const whole = isOfTwoModes(results.items) ? rows : [...rows, null, all];
  return [
    ...(rows.length > 0 ? [...tableLines(COLUMNS, whole, paint), paint.dim(WORDS), ""] : []),
    ...endpointLines(results, paint),
    ...summaryLines(results, run, paint),
  ];
}

/** The figures by endpoint, and which endpoints became unavailable. */
function endpointLines({ endpoints = [] }: SuiteResults, paint: Palette): string[] {
  if (endpoints.length === 0) return [];
  const names = shortNames(endpoints.map(({ endpoint }) => endpoint));
  const rows = endpoints.map(({ aggregate, statistics }, i) =>
    row(names[i], aggregate, statistics, paint)
  );
  const [first, ...others] = COLUMNS;
  const lost = endpoints.flatMap((each) => awayText(each) ?? []).map(paint.warn);
  return [...tableLines([{ ...first, title: "endpoint" }, ...others], rows, paint), ...lost, ""];
}

function row(name: string, counts: Aggregate, stats: SuiteStatistics, paint: Palette): string[] {
  const wanted = ratedOf(counts) + counts.not_judged;
  const passed = wanted ? `${counts.passed}/${wanted}` : "–";
  const colour = counts.passed === wanted ? paint.good : paint.warn;
  return [
    name,
    wanted ? colour(passed) : passed,
    figure(counts.avg_hit_rate, 2),
    quantileShown(stats.ttft_ms, "p50"),
    quantileShown(stats.ttft_ms, "p99"),
    quantileShown(stats.tpot_ms, "p50"),
    stats.e2e_ms ? (stats.e2e_ms.p50 / 1000).toFixed(2) : "–",
    quantileShown(stats.tokens_per_second, "p50"),
    counts.errors ? paint.bad(String(counts.errors)) : "0",
  ];
}

function summaryLines(
  { aggregate, statistics, energy, missing, items }: SuiteResults,
  { wall_s, session_s, resumed_tests }: Times,
  paint: Palette,
): string[] {
  const lines: string[] = [];
  const { pass_rate } = statistics;
  const { not_judged, not_judged_because, errors } = aggregate;
  if (not_judged) {
    lines.push(paint.bad(`${grouped(not_judged)} not judged: ${not_judged_because}`));
  }
  // the comparison shows the rate of each mode
  if (pass_rate && !isOfTwoModes(items)) {
    const rated = ratedOf(aggregate);
    const method = pass_rate.n === rated ? "Wilson" : `over ${pass_rate.n} problems`;
    const more = errors ? " or went without an answer" : "";
    const of = not_judged || errors ? ` of the ${grouped(rated)} that were judged${more}` : "";
    lines.push(`pass rate ${percentEstimate(pass_rate, 0)}${of} (95 % interval, ${method})`);
  }
  if (statistics.epochs) lines.push(epochsLine(statistics.epochs));
  const { total_completion_tokens: tokens, requests_of_unknown_tokens: untold } = aggregate;
  const { total_cost_usd, requests_of_unknown_cost, requests_cut_off } = aggregate;
  const more = untold ? ` + ${unknownText(untold, requests_cut_off)}` : "";
  const produced = tokens === null
    ? "unknown output tokens"
    : `${counted(tokens, "output token")}${more}`;
  const speed = statistics.output_tokens_per_s;
  const problems = new Set(items.map(({ problem_id, test_id }) => problem_id ?? test_id)).size;
  const tests = problems < aggregate.tests
    ? `${counted(aggregate.tests, "answer")} to ${counted(problems, "test")}`
    : counted(aggregate.tests, "test");
  const cost = costText(total_cost_usd, requests_of_unknown_cost, requests_cut_off);
  const took = (s: number) => s < 0.5 ? `${Math.round(s * 1000)} ms` : durationText(s);
  const session = resumed_tests ? `, ${took(session_s)} of it in this session` : "";
  const rate = speed == null
    ? ""
    : ` (${inDigits(speed)} output tok/s while requests were in flight)`;
  lines.push(`${tests} and ${produced} in ${took(wall_s)}${session}${rate}, cost ${cost}`);
  if (requests_cut_off) lines.push(cutOffText(requests_cut_off));
  if (energy) lines.push(energyLine(energy));
  const classes = Object.entries(aggregate.errors_by_class).map(([name, n]) => `${n} ${name}`);
  if (classes.length) lines.push(`without an answer: ${classes.join(", ")}`);
  lines.push(...failureLines(items));
  const cached = items.filter((item) => item.cached).length;
  if (cached) {
    lines.push(
      `${grouped(cached)} of the answers are from the cache: no latency and no cost of theirs`,
    );
  }
  if (missing) lines.push(`${counted(missing, "test")} not run yet`);
  return lines;
}

/** The figures for several answers to each test. */
function epochsLine({ epochs, majority, pass_at_k, at_least_k }: EpochStatistics): string {
  const parts = [
    `by majority ${majority ? percentEstimate(majority, 0) : "–"}`,
    ...[pass_at_k[epochs]].flatMap((all) =>
      all ? [`pass@${epochs} ${percentEstimate(all, 0)}`] : []
    ),
    ...[at_least_k[epochs]].flatMap((all) =>
      all ? [`all ${epochs} right ${percentEstimate(all, 0)}`] : []
    ),
  ];
  return `of ${epochs} epochs: ${parts.join(", ")}`;
}

/** The first failure in its own words, and what to try if its class has advice. */
function failureLines(items: SuiteResults["items"]): string[] {
  const first = items.find(({ error }) => error !== null);
  if (first === undefined) return [];
  const lines = [`first failure: ${first.test_id}: ${first.error}`];
  const cut = items.some(({ error_class }) => error_class === "truncated");
  if (cut) {
    lines.push("a server that answers one request at a time may cut off others: try --workers 1");
  }
  return lines;
}

function energyLine({ total_j, devices, j_per_token, j_per_solved_test }: RunEnergy): string {
  const error_j = devices.reduce((sum, device) => sum + device.error_j, 0);
  const token = j_per_token === null ? "" : `, ${inDigits(j_per_token, 3)} J a token`;
  const solved = j_per_solved_test === null
    ? ""
    : `, ${inDigits(j_per_solved_test, 3)} J a solved test`;
  return `energy ${total_j.toFixed(1)} ± ${
    error_j.toFixed(1)
  } J${token}${solved}, idle power included`;
}

function quantileShown(values: Distribution | null, name: "p50" | "p99"): string {
  return figure(values?.[name] ?? null, 1);
}
