/**
 * Compares runs in numbers: each run's figures, the differences, and the problems whose outcome
 * changed.
 */
import { countFigure } from "../../text/figure.ts";
import { costText } from "../../text/dollars.ts";
import { basisText, type LoadComparison, loadRate, loadValue } from "../../compare/compare_load.ts";
import { describeDelta, describeValue, headingOf } from "../../measures/describe.ts";
import { grouped } from "../../text/grouped.ts";
import { type ModeFigures, modesOf, scoresByProblem } from "../../run/problems.ts";
import { FEWEST_PAIRS } from "../../stats/sign_flips.ts";
import { quantileEstimate, scoreEstimate, shareEstimate } from "../../stats/interval.ts";
import { mean, quantile } from "../../stats/quantile.ts";
import { answerRate, costOf, sortedLatencies } from "./compared_run.ts";
import { cutText, escapeHtml } from "../html.ts";
import { counted } from "../../text/grouped.ts";
import { percentText } from "../../text/percent.ts";
import { digitsFor, fixed } from "../load/load_figures.ts";
import { dataTable, type TableRow } from "../table.ts";
import type { RunComparison } from "../../compare/compare.ts";
import type { LoadSample } from "../../compare/load_sample.ts";
import type { Metric } from "../../load/results.ts";
import type { Estimate } from "../../stats/interval.ts";
import type { LatencyKind, ReportedRun } from "./compared_run.ts";

const MOST_FLIPS = 500;

type Bounds = Pick<Estimate, "low" | "high">;

/** A column's heading: the run's letter in its colour. */
export function letterHead({ letter, colour, summary }: ReportedRun): string {
  return `<i class="key" style="background:var(--${colour})"></i><abbr title="${
    escapeHtml(cutText(`${summary.run_id} ${summary.model}`, 120))
  }">${letter}</abbr>`;
}

/** The figures of each run, one column per run. */
export function headlineTable(runs: readonly ReportedRun[]): string {
  const loads = runs.every(({ load }) => load !== null);
  const rows = (loads ? LOAD_ROWS : SUITE_ROWS).flatMap(([head, cellOf]): TableRow[] => {
    const cells = runs.map(cellOf);
    return cells.some((cell) => cell !== "–") ? [{ head, cells }] : [];
  });
  return dataTable(
    "numbers of the runs",
    "",
    runs.map((run) => ({ html: letterHead(run) })),
    rows,
  ) +
    `<p class="note">Small: 95 % intervals.</p>`;
}

type NumberRow = [head: string, cellOf: (run: ReportedRun) => string];

const SUITE_ROWS: NumberRow[] = [
  ["tests", ({ summary }) => grouped(summary.items_total)],
  ["right", (run) => modesCell(run, ({ pass_rate }) => pass_rate)],
  ["answered", (run) => modesCell(run, ({ answer_rate }) => answer_rate)],
  ["mean score", ({ items }) => scoreCell(scoresByProblem(items))],
  ...latencyRows(),
  [
    "tokens/s of an answer, median",
    ({ items }) =>
      quantileCell(Float64Array.from(items.flatMap((item) => answerRate(item) ?? [])).sort(), 0.5),
  ],
  ["prompt tokens", ({ summary }) => countFigure(summary.prompt_tokens)],
  ["output tokens", ({ summary }) => countFigure(summary.completion_tokens)],
  ["cost", costCell],
  ["cost of a right answer", (run) => {
    const cost = costOf(run), right = run.items.filter(({ passed }) => passed).length;
    const { requests_of_unknown_cost: unknown } = run.summary;
    return costText(cost === null || right === 0 || unknown ? null : cost / right);
  }],
];

const LOAD_ROWS: NumberRow[] = [
  ["requests", ({ load }) => grouped(load!.sample.requests)],
  ["answers/s", ({ load }) => rateCell(load!.sample, "requests_per_s")],
  [headingOf("output_tokens_per_s"), ({ load }) => rateCell(load!.sample, "output_tokens_per_s")],
  ["failed", ({ load }) => shareCell(load!.sample.failed, load!.sample.requests)],
  ...latencyRows(),
  [headingOf("gap_ms", "p50"), ({ load }) => metricCell(load!.metrics?.gap_ms, "p50")],
  [headingOf("gap_ms", "p99"), ({ load }) => metricCell(load!.metrics?.gap_ms, "p99")],
  ["output tokens", ({ summary }) => countFigure(summary.completion_tokens)],
  ["cost", costCell],
];

function costCell(run: ReportedRun): string {
  const { requests_of_unknown_cost, requests_cut_off } = run.summary;
  return costText(costOf(run), requests_of_unknown_cost, requests_cut_off);
}

function latencyRows(): NumberRow[] {
  const kinds: LatencyKind[] = ["ttft_ms", "tpot_ms", "e2e_ms"];
  return kinds.flatMap((kind) =>
    (["p50", "p99"] as const).map((rank): NumberRow => [
      headingOf(kind, rank),
      (run) =>
        run.load?.metrics
          ? metricCell(run.load.metrics[kind], rank)
          : quantileCell(sortedLatencies(run, kind), rank === "p50" ? 0.5 : 0.99),
    ])
  );
}

/** A share of answers with its interval over problems; if there are several modes, one for each. */
function modesCell({ items }: ReportedRun, of: (figures: ModeFigures) => Estimate | null): string {
  const modes = modesOf(items);
  return modes.map((figures) => {
    const { mode } = figures, share = of(figures);
    const rate = share ? withInterval(percentText(share.value), share, percentText) : "–";
    return modes.length > 1 ? `${escapeHtml(mode ?? "–")} ${rate}` : rate;
  }).join("<br>");
}

function withInterval(value: string, bounds: Bounds | null, show: (value: number) => string) {
  const interval = bounds &&
    `<small class="interval">${show(bounds.low)} to ${show(bounds.high)}</small>`;
  return value + (interval ?? "");
}

function shareCell(successes: number, trials: number): string {
  return trials === 0
    ? "–"
    : withInterval(percentText(successes / trials), shareEstimate(successes, trials), percentText);
}

function scoreCell(scores: readonly number[]): string {
  return scores.length === 0
    ? "–"
    : withInterval(mean(scores).toFixed(3), scoreEstimate(scores), (value) => value.toFixed(3));
}

function quantileCell(sorted: Float64Array, q: number): string {
  if (sorted.length === 0) return "–";
  const value = quantile(sorted, q), digits = digitsFor(value);
  return withInterval(
    fixed(value, digits),
    quantileEstimate(sorted, q),
    (bound) => fixed(bound, digits),
  );
}

function metricCell(metric: Metric | null | undefined, rank: "p50" | "p99"): string {
  if (!metric) return "–";
  const digits = digitsFor(metric[rank]);
  return withInterval(
    fixed(metric[rank], digits),
    metric.intervals[rank],
    (bound) => fixed(bound, digits),
  );
}

function rateCell(sample: LoadSample, metric: "requests_per_s" | "output_tokens_per_s"): string {
  const value = loadValue(sample, metric);
  if (value === null) return "–";
  const digits = digitsFor(value);
  return withInterval(
    fixed(value, digits),
    loadRate(sample, metric),
    (bound) => fixed(bound, digits),
  );
}

const DIFFERENCE_HEADS = ["first", "second", "difference", "95 % interval", "p"];

/** A table for each run, compared with the first. */
export function differenceTables(
  comparisons: readonly (RunComparison | LoadComparison)[],
  runs: readonly ReportedRun[],
): string {
  const several = comparisons.length > 1;
  return comparisons.map((comparison, i) => {
    const first = runs[0].letter, second = runs[i + 1].letter;
    const paired = "flips" in comparison;
    const heads = DIFFERENCE_HEADS.slice(0, paired ? 5 : 4)
      .map((html) => ({ html: html === "first" ? first : html === "second" ? second : html }));
    const rows = comparison.metrics.map((metric): TableRow => {
      const show = (value: number) => describeDelta(metric.metric, value, true);
      const sure = "p_holm" in metric ? metric.p_holm < 0.05 : metric.differs === true;
      const delta = show(metric.second - metric.first);
      return {
        head: metric.metric,
        cells: [
          describeValue(metric.metric, metric.first),
          describeValue(metric.metric, metric.second),
          sure ? `<b>${delta}</b>` : delta,
          metric.difference
            ? `${show(metric.difference.low)} to ${show(metric.difference.high)}`
            : "items" in metric
            ? `too few (n = ${metric.items}, ${FEWEST_PAIRS} needed)`
            : "too few",
          ...("p_holm" in metric ? [pText(metric.p_holm)] : []),
        ],
      };
    });
    const basis = "flips" in comparison
      ? `${counted(comparison.items_in_common, "test")} in common.`
      : `${basisText(comparison)}.`;
    return `<h3>${first} → ${second}</h3><p class="note" dir="auto">${escapeHtml(basis)}</p>${
      rows.length ? dataTable(`differences from ${first} to ${second}`, "metric", heads, rows) : ""
    }${notes(comparison.notes)}`;
  }).join("\n") +
    `<p class="note">Bold: the difference is unlikely to be chance (${
      "flips" in comparisons[0]
        ? `p below 0.05${
          several ? ", adjusted for several comparisons after Holm" : ""
        }; ${PAIRED_NOTE}`
        : "its 95 % interval leaves out 0"
    }).</p>`;
}

const PAIRED_NOTE =
  "McNemar's exact test of right and wrong, a sign-flip test else, test by test; latencies and tokens are of tests that both answered";

function pText(p: number): string {
  return p < 0.001 ? "&lt;0.001" : p.toFixed(3);
}

function notes(lines: readonly string[]): string {
  return lines.map((line) => `<p class="note" dir="auto">${escapeHtml(cutText(line, 300))}</p>`)
    .join("");
}

/** The problems whose outcome changed, by run. */
export function flipLists(
  comparisons: readonly RunComparison[],
  runs: readonly ReportedRun[],
): string {
  const nameOf = (id: string) => runs.find(({ by_id }) => by_id.has(id))?.by_id.get(id)?.name ?? id;
  const list = (title: string, ids: readonly string[]) => {
    if (ids.length === 0) return `<p>${title}: none</p>`;
    const entries = ids.slice(0, MOST_FLIPS).map((id) =>
      `<li dir="auto">${escapeHtml(cutText(nameOf(id), 80))}</li>`
    );
    const left = ids.length - entries.length;
    if (left > 0) entries.push(`<li>${left} more</li>`);
    return `<details><summary>${title}: ${grouped(ids.length)}</summary><ul class="flips">${
      entries.join("")
    }</ul></details>`;
  };
  return comparisons.map(({ flips }, i) => {
    const first = runs[0].letter, second = runs[i + 1].letter;
    return `<h3>${first} → ${second}</h3>` +
      list(`only ${second} is right`, flips.gained) + list(`only ${first} is right`, flips.lost);
  }).join("\n");
}
