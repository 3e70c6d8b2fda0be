/** Values of a run that a gate may set limits on. */
import { mean, quantile, sortedCopy } from "../stats/quantile.ts";
import { priceRun } from "./cost.ts";
import { valuesOf } from "./compare.ts";
import { LOAD_METRICS, loadValue } from "./compare_load.ts";
import type { PriceTable } from "../run/prices.ts";
import type { ComparedRun } from "./compare.ts";
import type { LoadMetric } from "./compare_load.ts";
import type { LoadSample } from "./load_sample.ts";

const SUITE_LIMITS = [
  "pass_rate",
  "answer_rate",
  "score",
  "latency_p50_ms",
  "latency_p99_ms",
  "ttft_p50_ms",
  "ttft_p99_ms",
  "total_cost_usd",
  "duration_s",
];

/** Every name that a limit may be on. */
export const limitMetrics: readonly string[] = [...new Set([...SUITE_LIMITS, ...LOAD_METRICS])];

/** A run's own value; null where it is unknown, or the run is of another kind. */
export function limitValue(
  run: ComparedRun,
  load: LoadSample | null,
  metric: string,
  prices: PriceTable,
): number | null {
  if (metric === "total_cost_usd") return priceRun(run.summary, prices).cost.total_cost_usd;
  if (metric === "duration_s") return run.summary.duration_s;
  if (load !== null) {
    const name = LOAD_METRICS.find((known) => known === metric);
    return name === undefined ? null : loadValue(load, name as LoadMetric);
  }
  if (metric === "pass_rate" || metric === "answer_rate" || metric === "score") {
    if (metric === "pass_rate" && run.items.every(({ passed }) => passed === null)) return null;
    const values = [...valuesOf(run, metric).values()];
    return values.length ? mean(values) : null;
  }
  const rank = /^(latency|ttft)_p(50|99)_ms$/.exec(metric);
  if (rank === null) return null;
  const values = valuesOf(run, rank[1] === "ttft" ? "ttft_ms" : "latency_ms");
  return values.size ? quantile(sortedCopy(values.values()), Number(rank[2]) / 100) : null;
}
