/** Service-level objectives of one request, such as ttft:500 or gap_p99:50. */
import { InputError } from "../errors.ts";
import { parseDuration } from "../text/duration.ts";
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

/** A request's values, ms; null is unknown, and meets no objective. */
export type SloValues = Record<Slo["metric"], number | null>;

/**
 * Reads `METRIC:TIME`, in ms where no unit is given; `=`, `<` and `<=` count as the colon.
 *
 * @throws {InputError} an unknown metric, or no time above 0.
 */
export function parseSlo(text: string): Slo {
  const [, name, limit] = /^\s*([^:=<≤]*?)\s*(?:(?::|<=?|≤|=)(.*))?$/s.exec(text)!;
  const metric = SLO_METRICS.find((known) => known === name);
  if (metric === undefined) {
    throw new InputError(
      `--slo: "${text}": "${name}" is none of ${SLO_METRICS.join(", ")}${
        didYouMean(name, SLO_METRICS)
      }`,
    );
  }
  const limit_ms = parseDuration(limit ?? "", "ms");
  if (limit_ms === null || !(limit_ms > 0)) {
    throw new InputError(
      `--slo: "${text}": expected ${metric}:TIME, e.g. ${metric}:500 (ms) or ${metric}:2s`,
    );
  }
  return { metric, limit_ms };
}

/** An objective as people write it. */
export function sloText({ metric, limit_ms }: Slo): string {
  return `${metric} ≤ ${limit_ms} ms`;
}

/** The outcome of a request's objectives; it met those that are in neither list. */
export interface Judged {
  /** Its value was above the limit. */
  missed: Slo[];
  /** Its value is not known: no one can say whether it was met. */
  unknown: Slo[];
}

/** Holds a request's values against its objectives. */
export function judgeSlos(slos: readonly Slo[], values: SloValues): Judged {
  const missed: Slo[] = [], unknown: Slo[] = [];
  for (const slo of slos) {
    const value = values[slo.metric];
    if (value === null) unknown.push(slo);
    else if (value > slo.limit_ms) missed.push(slo);
  }
  return { missed, unknown };
}
