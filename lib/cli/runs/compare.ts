/** dyno runs compare: shows how runs differ. */
import { InputError } from "../../errors.ts";
import { compareRuns, type MetricComparison } from "../../compare/compare.ts";
import { areLoads } from "../../compare/one_kind.ts";
import { type GateSide, readGateSide } from "../../compare/gate_sides.ts";
import { basisText, compareLoads } from "../../compare/compare_load.ts";
import { FEWEST_PAIRS } from "../../stats/sign_flips.ts";
import { chanceText, describeDelta, describeValue } from "../../measures/describe.ts";
import { grouped } from "../../text/grouped.ts";
import { EXIT } from "../ui/command.ts";
import { flagHelp, parseFlags } from "../ui/flags.ts";
import { pricesFlag, pricesOf } from "./prices.ts";
import { folderFlag, jsonFlag, withRuns } from "./query.ts";
import { wrapped } from "../ui/paragraph.ts";
import { type Column, tableLines } from "../ui/table.ts";
import type { ComparedRun, RunComparison } from "../../compare/compare.ts";
import type { LoadComparison, LoadMetricComparison } from "../../compare/compare_load.ts";
import type { LoadSample } from "../../compare/load_sample.ts";
import type { Command, CommandContext } from "../ui/command.ts";
import type { Palette, Terminal } from "../ui/terminal.ts";

const flags = { ...folderFlag, ...pricesFlag, ...jsonFlag };

const SHOWN_FLIPS = 20;

export const command: Command = {
  flags,
  help: [
    "dyno runs compare BASELINE RUN … [flags]",
    "",
    "Compares runs with the first one; a run that was exported as JSON is given by its file. Suite runs:",
    "problem by problem, the problems that flipped, the mean differences with 95 % intervals, and p-values",
    "(McNemar's exact test of right and wrong, a sign-flip permutation test else), Holm-adjusted over",
    "several comparisons. An interval leaves out 0 where p is below 0.05; but for right and wrong, fewer",
    "than 6 problems have none. Latencies and token counts are of problems that both answered. Load runs:",
    "quantiles of latencies and throughput, with bootstrap intervals over blocks of time, and the settings",
    "that differ.",
    "With --json: {runs[], summary{}}.",
    "",
    ...flagHelp(flags),
    "",
    "  dyno runs compare latest~1 latest",
  ],

  async run(argv: string[], { terminal }: CommandContext): Promise<number> {
    const { values, positional } = parseFlags(flags, argv);
    if (positional.length < 2) {
      throw new InputError(`dyno runs compare takes two runs or more, ${positional.length} given`);
    }
    const prices = await pricesOf(values.prices);
    return await withRuns(values.runs, terminal, async (index) => {
      const sides: GateSide[] = [];
      for (const given of positional) {
        const side = await readGateSide(index, given, prices);
        side.warnings.forEach((line) => terminal.warn(line));
        sides.push(side);
      }
      const runs = sides.map(({ run }) => run);
      const loads = sides.flatMap(({ load }) => load ?? []);
      if (areLoads(runs)) compareLoadRuns(runs, loads, values.json ?? false, terminal);
      else compareSuiteRuns(runs, values.json ?? false, terminal);
      return EXIT.good;
    });
  },
};

function compareSuiteRuns(runs: readonly ComparedRun[], json: boolean, terminal: Terminal): void {
  const comparisons = compareRuns(runs);
  if (json) return printJson(runs, comparisons, shortSummary(comparisons), terminal);
  for (const comparison of comparisons) {
    suiteLines(comparison, comparisons.length > 1, terminal.outPaint)
      .forEach((line) => terminal.out(line));
    comparison.notes.forEach((note) => terminal.warn(note));
  }
}

function compareLoadRuns(
  runs: readonly ComparedRun[],
  loads: readonly LoadSample[],
  json: boolean,
  terminal: Terminal,
): void {
  const comparisons = compareLoads(loads);
  if (json) return printJson(runs, comparisons, {}, terminal);
  for (const comparison of comparisons) {
    loadLines(comparison, terminal.outPaint).forEach((line) => terminal.out(line));
  }
  const notes = new Set(comparisons.flatMap(({ notes }) => notes));
  notes.forEach((note) => terminal.say(terminal.paint.dim(note)));
}

function printJson(
  runs: readonly ComparedRun[],
  comparisons: readonly (RunComparison | LoadComparison)[],
  short: object,
  terminal: Terminal,
): void {
  const summary = { baseline: runs[0].summary.run_id, ...short, comparisons };
  terminal.json({ runs: runs.map((run) => run.summary), summary });
}

/** For two runs: the difference in percentage points, in total and by problem. */
function shortSummary(comparisons: readonly RunComparison[]): object {
  if (comparisons.length !== 1) return {};
  const [{ metrics }] = comparisons;
  const of = (name: string) =>
    metrics.find(({ metric }) => metric === name)?.difference?.value ?? null;
  const rate = of("pass_rate") ?? of("answer_rate");
  return {
    success_rate_improvement: rate === null ? null : rate * 100,
    cost_difference: of("cost_usd"),
  };
}

const COLUMNS: Column[] = [
  { title: "metric", align: "left" },
  { title: "problems", align: "right" },
  { title: "first", align: "right" },
  { title: "second", align: "right" },
  { title: "difference", align: "right" },
  { title: "95 % interval", align: "left" },
];

function suiteLines(comparison: RunComparison, several: boolean, paint: Palette): string[] {
  const { flips, items_in_common, only_in_baseline, only_in_candidate } = comparison;
  const columns: Column[] = [
    ...COLUMNS,
    { title: "p", align: "right" },
    ...(several ? [{ title: "p (Holm)", align: "right" as const }] : []),
  ];
  const rows = comparison.metrics.map((metric) => [
    ...cells(metric, paint, metric.p_holm < 0.05),
    shownP(metric.p),
    ...(several ? [shownP(metric.p_holm)] : []),
  ]);
  const only = only_in_baseline + only_in_candidate;
  const told = comparison.metrics[0];
  return [
    paint.bold(`${comparison.baseline} → ${comparison.candidate}`),
    `${grouped(items_in_common)} problems in common` + nestedText(told) +
    (only
      ? `, ${grouped(only_in_baseline)} only in the first, ${
        grouped(only_in_candidate)
      } only in the second`
      : ""),
    ...(rows.length ? tableLines(columns, rows, paint) : []),
    ...(told === undefined || told.p_holm < 0.05 ? [] : [powerText(told)]),
    ...flipLines("gained", flips.gained, paint.good),
    ...flipLines("lost", flips.lost, paint.bad),
    "",
  ];
}

/** The number of answers, if problems have more than one. */
function nestedText(told: MetricComparison | undefined): string {
  if (told === undefined || told.answers.every((count) => count === told.items)) return "";
  const [first, second] = told.answers.map((count) => grouped(count));
  return `, with ${first} answers in the first and ${second} in the second`;
}

function powerText({ metric, items, detectable }: MetricComparison): string {
  return detectable === null
    ? chanceText(metric, items)
    : `${grouped(items)} problems would have shown a change of ${metric} from ${
      describeDelta(metric, detectable)
    } on (power 80 %)`;
}

function flipLines(title: string, ids: readonly string[], paint: (text: string) => string) {
  if (ids.length === 0) return [];
  const more = ids.length > SHOWN_FLIPS ? `, … ${grouped(ids.length - SHOWN_FLIPS)} more` : "";
  return [
    `${paint(`${title} (${grouped(ids.length)})`)}: ${ids.slice(0, SHOWN_FLIPS).join(", ")}${more}`,
  ];
}

function loadLines(comparison: LoadComparison, paint: Palette) {
  const { baseline, candidate, metrics } = comparison;
  const rows = metrics.map((metric) =>
    cells({ ...metric, items: null }, paint, metric.differs === true).filter((_, i) => i !== 1)
  );
  return [
    paint.bold(`${baseline} → ${candidate}`),
    ...wrapped("", basisText(comparison)),
    ...tableLines(COLUMNS.filter((_, i) => i !== 1), rows, paint),
    "",
  ];
}

type Compared =
  & Pick<MetricComparison | LoadMetricComparison, "metric" | "first" | "second" | "difference">
  & { items: number | null };

function cells(
  { metric, items, first, second, difference }: Compared,
  paint: Palette,
  sure: boolean,
) {
  const delta = describeDelta(metric, second - first, true);
  return [
    metric,
    items === null ? "" : String(items),
    describeValue(metric, first),
    describeValue(metric, second),
    sure ? paint.bold(delta) : delta,
    difference
      ? `${describeDelta(metric, difference.low, true)} to ${
        describeDelta(metric, difference.high, true)
      }`
      : items === null
      ? "too few"
      : `too few (n = ${items}, ${FEWEST_PAIRS} needed)`,
  ];
}

function shownP(p: number): string {
  return p < 0.001 ? "<0.001" : p.toFixed(3);
}
