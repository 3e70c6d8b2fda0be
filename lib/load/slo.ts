/** Service-level objectives of one request, such as ttft:500 or gap_p99:50. */
import { InputError } from "../errors.ts";
import { didYouMean } from "../text/nearest.ts";

/** What an objective may be on; all in milliseconds. */
export type SloMetric = "ttft" | "ttft_intended" | "tpot" | "e2e" | "e2e_intended" | "gap_p99";

/** Their names. */
const SLO_METRICS: readonly SloMetric[] = [
  "ttft",
  "ttft_intended",
  "tpot",
  "e2e",
  "e2e_intended",
  "gap_p99",
];

/** A service level objective: what one request must keep to. */
export interface Slo {
  /** Which of a request's times; gap_p99 is the 99th percentile of its gaps. */
  metric: SloMetric;
  /** The most that a good request takes, ms. */
  limit_ms: number;
}

/** A request's values, ms; null is unknown, and meets no objective but tpot and gap_p99. */
export type SloValues = Record<Slo["metric"], number | null>;

/**
 * Reads `METRIC:MILLISECONDS`.
 *
 * @throws {InputError} an unknown metric, or no positive number.
 */
export function parseSlo(text: string): Slo {
  const [name, limit, ...rest] = text.split(":");
  const metric = SLO_METRICS.find((known) => known === name);
  if (metric === undefined) {
    throw new InputError(
      `--slo: "${text}": "${name}" is none of ${SLO_METRICS.join(", ")}${
        didYouMean(name, SLO_METRICS)
      }`,
    );
  }
  const limit_ms = Number(limit);
  if (!(limit_ms > 0 && limit_ms < Infinity) || rest.length > 0) {
    throw new InputError(`--slo: "${text}": expected ${metric}:MILLISECONDS, e.g. ${metric}:500`);
  }
  return { metric, limit_ms };
}

/** An objective as people write it. */
export function sloText({ metric, limit_ms }: Slo): string {
  return `${metric} ≤ ${limit_ms} ms`;
}

/** An answer of one token has no tpot and no gap: it misses neither. */
const MAY_LACK: ReadonlySet<Slo["metric"]> = new Set(["tpot", "gap_p99"]);

/** The objectives that a request misses. */
export function missedSlos(slos: readonly Slo[], values: SloValues): Slo[] {
  return slos.filter(({ metric, limit_ms }) => {
    const value = values[metric];
    return value === null ? !MAY_LACK.has(metric) : value > limit_ms;
  });
}
