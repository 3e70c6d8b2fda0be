/** Values of a run for which a gate can set limits. */
import { mean, quantile, sortedCopy } from "../stats/quantile.ts";
import { priceRun } from "./cost.ts";
import { type ComparedRun, valuesOf } from "./compare.ts";
import { isLoadMetric, LOAD_METRIC_NAMES, loadValue } from "./compare_load.ts";
import { InputError } from "../errors.ts";
import { measureNamed } from "../measures/measures.ts";
import type { PriceTable } from "../run/prices.ts";
import type { LoadSample } from "./load_sample.ts";

const SUITE_SHARES = ["pass_rate", "answer_rate", "score"] as const;
const OF_RUNS = ["total_cost_usd", "duration_s"];
/** The latencies that a suite's items have. */
const SUITE_LATENCIES = ["latency_ms", "ttft_ms"] as const;
const OF_SUITES = `${[...SUITE_SHARES, ...OF_RUNS].join(", ")}; latency and ttft ` +
  "as in latency_p99_ms, with any quantile";

/** A description of the metrics that can have a limit. */
export const LIMIT_NAMES =
  `${[...SUITE_SHARES, ...OF_RUNS].join(", ")}; of suites latency and ttft ` +
  `as in latency_p99_ms, with any quantile; of loads ${LOAD_METRIC_NAMES}`;

/** Whether a metric can have a limit, for some kind of run. */
export function isLimitMetric(name: string): boolean {
  return [...SUITE_SHARES, ...OF_RUNS].includes(name) || isLoadMetric(name) ||
    suiteLatencyOf(name) !== null;
}

/**
 * Checks that runs of this kind have the metric.
 *
 * @param flag that named it.
 * @throws {InputError} only the other kind has it; the nearest of this kind are named.
 */
export function checkKind(flag: string, metric: string, is_load: boolean): void {
  const isOfRuns = OF_RUNS.includes(metric);
  if (is_load) {
    if (isOfRuns || isLoadMetric(metric)) return;
    const near = metric.replace(/^latency_p/, "e2e_p");
    throw new InputError(
      `--${flag}: "${metric}" is not measured in a load; its metrics: ${LOAD_METRIC_NAMES}, ` +
        OF_RUNS.join(", ") + (near === metric ? "" : `; did you mean "${near}"?`),
    );
  }
  if (isOfRuns || SUITE_SHARES.some((name) => name === metric) || suiteLatencyOf(metric)) return;
  const near = metric.replace(/^(e2e|e2e_intended)_p/, "latency_p");
  throw new InputError(
    `--${flag}: "${metric}" is not measured in a suite; its metrics: ${OF_SUITES}` +
      (near === metric ? "" : `; did you mean "${near}"?`),
  );
}

function suiteLatencyOf(metric: string) {
  const found = measureNamed(metric);
  const name = SUITE_LATENCIES.find((known) => known === found?.measure.name);
  return name === undefined || found!.quantile === null ? null : { name, q: found!.quantile };
}

/** A run's own value; null when it is unknown. */
export function limitValue(
  run: ComparedRun,
  load: LoadSample | null,
  metric: string,
  prices: PriceTable,
): number | null {
  if (metric === "total_cost_usd") {
    const { total_cost_usd, requests_of_unknown_cost } = priceRun(run.summary, prices).cost;
    return requests_of_unknown_cost ? null : total_cost_usd; // a part is not a total
  }
  if (metric === "duration_s") return run.summary.duration_s;
  if (load !== null) {
    return isLoadMetric(metric) ? loadValue(load, metric) : null;
  }
  if (metric === "pass_rate" || metric === "answer_rate" || metric === "score") {
    if (metric === "pass_rate" && run.items.every(({ passed }) => passed === null)) return null;
    const values = [...valuesOf(run, metric).values()];
    return values.length ? mean(values) : null;
  }
  const latency = suiteLatencyOf(metric);
  if (latency === null) return null;
  const values = valuesOf(run, latency.name);
  return values.size ? quantile(sortedCopy(values.values()), latency.q) : null;
}
