/** Service-level objectives (SLOs) of a single request, such as ttft:500 or gap_p99:50. */
import { InputError } from "../errors.ts";
import { parseDuration } from "../text/duration.ts";
import { didYouMean } from "../text/nearest.ts";

/** The times that an objective can limit, all in milliseconds. */
export type SloMetric = "ttft" | "ttft_intended" | "tpot" | "e2e" | "e2e_intended" | "gap_p99";

/** The names of these times. */
const SLO_METRICS: readonly SloMetric[] = [
  "ttft",
  "ttft_intended",
  "tpot",
  "e2e",
  "e2e_intended",
  "gap_p99",
];

/** A service-level objective: a limit on a time of each request. */
export interface Slo {
  /** The time that is limited; gap_p99 is the 99th percentile of the request's gaps. */
  metric: SloMetric;
  /** The highest value that meets it, ms. */
  limit_ms: number;
}

/** A request's values, ms; null: unknown, so that no objective on it is met. */
export type SloValues = Record<Slo["metric"], number | null>;

/**
 * Reads `METRIC:TIME`, in ms if no unit is given; `=`, `<` and `<=` may stand for the colon.
 *
 * @throws {InputError} an unknown metric, or a time that is not above 0.
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

/** Formats an objective for people. */
export function sloText({ metric, limit_ms }: Slo): string {
  return `${metric} ≤ ${limit_ms} ms`;
}

/** The outcome of a request's objectives; those in neither list were met. */
export interface Judged {
  /** Objectives whose value was above the limit. */
  missed: Slo[];
  /** Objectives whose value is unknown. */
  unknown: Slo[];
}

/** Judges a request's values by its objectives. */
export function judgeSlos(slos: readonly Slo[], values: SloValues): Judged {
  const missed: Slo[] = [], unknown: Slo[] = [];
  for (const slo of slos) {
    const value = values[slo.metric];
    if (value === null) unknown.push(slo);
    else if (value > slo.limit_ms) missed.push(slo);
  }
  return { missed, unknown };
}
