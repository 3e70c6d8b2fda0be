/** The share of a load run's answers that arrived within a time, by stage if there are few. */
import { grouped } from "../../text/grouped.ts";
import { isInside } from "../../load/window.ts";
import { latencies } from "../../endpoint/latency.ts";
import { sortedCopy } from "../../stats/quantile.ts";
import { cumulativeDrawing, type Curve } from "../charts/cumulative_chart.ts";
import { escapeHtml } from "../html.ts";
import type { LoadResults, StageResults } from "../../load/results.ts";
import type { Plot } from "../charts/plot.ts";
import type { Legend } from "../charts/request_series.ts";
import type { RequestRecord } from "../../run/request_record.ts";

/** More curves than this would hide each other; the page's palette has this many colours. */
const MOST_STAGES = 6;

const CAPTION = "share of the answers that came within a time; solid: ttft, dashed: e2e";

/** The chart with its legend; null if there are fewer than two answers. */
export function loadLatencyPlot(
  { stages, total }: LoadResults,
  records: readonly RequestRecord[],
): Plot | null {
  const answered = records.filter((record) => isAnswered(record, stages[record.stage] ?? total));
  const byStage = stages.length > 1 && stages.length <= MOST_STAGES;
  const groups = byStage
    ? stages.map((stage, i) => ({
      name: `${i + 1}: ${stage.name}`,
      colour: `var(--k${i + 1})`,
      records: answered.filter((record) => record.stage === i),
    }))
    : [{ name: "all", colour: "var(--c1)", records: answered }];
  const curves = groups.flatMap(({ colour, records }): Curve[] => [
    { colour, sorted: timesOf(records, "ttft_ms") },
    { colour: byStage ? colour : "var(--c2)", sorted: timesOf(records, "e2e_ms"), dashed: true },
  ]);
  const label = "Share of answers, in per cent, whose ttft and e2e were within a time";
  const draw = cumulativeDrawing(curves);
  if (draw === null) return null;
  const legend: Legend[] = byStage
    ? groups
    : [{ name: "ttft", colour: "var(--c1)" }, { name: "e2e", colour: "var(--c2)" }];
  const note = `Share of the ${grouped(answered.length)} answers of the measured ` +
    `windows that came within a time. Solid: ttft; dashed: e2e.`;
  return {
    draw,
    label: byStage ? `${label}, by stage` : label,
    legend,
    note: escapeHtml(note),
    caption: CAPTION,
  };
}

/** Whether an answer counts in the figures. */
function isAnswered(record: RequestRecord, { window }: StageResults): boolean {
  return !record.warmup && record.failure === null && record.t_sent_ns !== null &&
    isInside(record, window);
}

/** The known times of one kind, ms, in ascending order. */
function timesOf(records: readonly RequestRecord[], name: "ttft_ms" | "e2e_ms"): Float64Array {
  return sortedCopy(records.flatMap((record) => latencies(record)[name] ?? []));
}
