/** A run's figures as names and values, for programs that store them, such as experiment trackers. */
import { latenciesOf } from "../measures/measures.ts";
import { isLoadMetric } from "./compare_load.ts";
import { limitValue } from "./gate_limits.ts";
import type { PriceTable } from "../run/prices.ts";
import type { ComparedRun } from "./compare.ts";
import type { LoadSample } from "./load_sample.ts";

const OF_SUITES = ["pass_rate", "score", "answer_rate"];
const OF_LOADS = [
  "requests_per_s",
  "output_tokens_per_s",
  "prompt_tokens_per_s",
  "goodput_requests_per_s",
  "error_rate",
];
const OF_RUNS = ["total_cost_usd", "duration_s"];
const QUANTILES = ["p50", "p90", "p99"];

/**
 * A run's figures, under the names that gates use: shares in [0, 1], `_ms`, `_usd`, `_s`. Unknown figures
 * are left out.
 */
export function figuresOf(
  run: ComparedRun,
  load: LoadSample | null,
  prices: PriceTable,
): Record<string, number> {
  const quantiles = (kind: "suite" | "load") =>
    latenciesOf(kind).flatMap(({ name }) =>
      QUANTILES.map((quantile) => name.replace(/_ms$/, `_${quantile}_ms`))
    );
  const names = load === null
    ? [...OF_SUITES, ...quantiles("suite")]
    : [...OF_LOADS.filter(isLoadMetric), ...quantiles("load")];
  const found = [...names, ...OF_RUNS].map((name): [string, number | null] => [
    name,
    limitValue(run, load, name, prices),
  ]);
  return Object.fromEntries(found.filter((entry): entry is [string, number] => entry[1] !== null));
}
