/** Judges whether the measuring client itself can be trusted. */
import { cacheText, type CacheUse, isInflated } from "./cache_use.ts";
import { counted } from "../text/grouped.ts";
import { shareEstimate } from "../stats/interval.ts";
import { LEAST_UNITS } from "../stats/ratio.ts";
import { percentText } from "../text/percent.ts";
import type { ClientReading } from "../run/request_record.ts";

/** The client's own effect on the figures. Null where unknown. */
export interface ClientCost extends ClientReading {
  /** From a request's intended time to its sending, without connecting, ms. */
  lateness_p99_ms: number | null;
  /** The largest lateness of a request, ms. */
  lateness_max_ms: number | null;
  /**
   * How many requests were sent, and how many of them more than 5 ms late. Earlier versions of dyno
   * recorded none.
   */
  sends?: { count: number; late: number };
}

/** The newest calibration of this host, at the level nearest to this load. */
export interface CalibrationCited {
  /** When it was measured, ISO 8601. */
  measured_at: string;
  /** The smallest calibrated number of streams that is at least this load's. */
  streams: number;
  /** 99th percentile of the error of gaps, ms. */
  gap_error_p99_ms: number;
  /** 99th percentile of the error of ttft, ms. */
  ttft_error_p99_ms: number;
  /** Above this many events a second, this host's client could no longer be trusted. */
  ceiling_events_per_s: number;
}

/** Whether the figures are the server's own or partly the client's. */
export interface Verdict {
  /**
   * "client_limited": this client affected the figures. "cached": the server's prefix cache did
   * although the load did not ask for it, so they are not the model's. "unknown": not enough is
   * known to decide.
   */
  verdict: "trusted" | "client_limited" | "cached" | "unknown";
  /** Why the verdict is what it is, one sentence each, with figures. */
  reasons: string[];
  /** The client's own effect on the figures. */
  client: ClientCost;
  /** The host's calibration; null where there is none for this client. */
  calibration: CalibrationCited | null;
  /** The number of answered requests that it is based on. Earlier versions of dyno recorded none. */
  requests?: number;
  /** What to do about it; null where nothing needs doing. Earlier versions of dyno recorded none. */
  advice?: string | null;
  /** Set where the server's certificate was not checked, so that its identity is unproven. */
  insecure?: true;
}

/** What was measured, for comparison with the client's effect on it. */
export interface Measured {
  ttft_p50_ms: number | null;
  gap_p50_ms: number | null;
  answered: number;
  /** A closed loop's number of requests in flight, wanted and reached; null for an open loop. */
  concurrency: { wanted: number; mean: number } | null;
  /** Requests wanted and sent, for an open loop without a limit in flight; null otherwise. */
  sent: { wanted: number; count: number } | null;
  /** Requests for which this client could not open a connection. */
  refused: number;
  /** The use of the server's prefix cache; null where unknown. */
  cache: CacheUse | null;
  /** Whether the certificate of an https endpoint was not checked. */
  insecure: boolean;
}

/** The largest share of a measured time that the client may add to it. */
const MOST_SHARE = 0.05;
/** An error below this is always accepted, ms. */
const LEAST_MS = 1;
export const MOST_LATENESS_MS = 5;
/** Fewer late sends than this are ignored, however few requests there were. */
const LEAST_LATE = 3;
/** The largest share of requests that may be late. */
const MOST_LATE_SHARE = 0.01;
/** A process that stalls for longer than this was not just on a busy host. */
const MOST_STALL_MS = 500;
const MOST_CPU_SHARE = 0.9;
const LEAST_CONCURRENCY_SHARE = 0.95;

/**
 * Judges whose figures these are: the model's, this client's, or a cache's. Criteria that depend on
 * the number of requests count only if they cannot be due to chance: shares by Wilson's 95 %
 * interval, a mean only from 8 answers on.
 */
export function judge(
  client: ClientCost,
  measured: Measured,
  calibration: CalibrationCited | null,
): Verdict {
  const limits = limitsOf(client, measured, calibration);
  const cached = measured.cache !== null && isInflated(measured.cache)
    ? [`${cacheText(measured.cache)}: --reset-cache begins with an empty one`]
    : [];
  const rest = {
    client,
    calibration,
    requests: measured.answered,
    ...(measured.insecure ? { insecure: true as const } : {}),
  };
  if (limits.length) {
    return {
      verdict: "client_limited",
      reasons: [...limits, ...cached],
      ...rest,
      advice: adviceOn(measured),
    };
  }
  if (cached.length) return { verdict: "cached", reasons: cached, ...rest };
  const unknown = measured.answered === 0
    ? ["no request was answered"]
    : unknowns(client, calibration);
  if (unknown.length) return { verdict: "unknown", reasons: unknown, ...rest };
  return { verdict: "trusted", reasons: [whatWasKept(client)], ...rest };
}

/** An endpoint faster than this leaves the client no time to send its next request. */
const LEAST_WAIT_MS = 1;

function adviceOn({ ttft_p50_ms, gap_p50_ms, concurrency, refused }: Measured): string {
  if (refused > 0) return "a higher limit of open files: ulimit -n 4096, or more";
  const less = concurrency === null ? "a lower --rate" : "a lower --concurrency";
  return ttft_p50_ms !== null && Math.max(ttft_p50_ms, gap_p50_ms ?? 0) < LEAST_WAIT_MS
    ? `${less}, or a mock with --delay and --tokens-per-second: this endpoint answers instantly, which no ` +
      "model does"
    : `${less}, a separate core for the client (taskset), or fewer other programs on this host; ` +
      "dyno calibrate shows what this host can measure";
}

function limitsOf(
  client: ClientCost,
  { ttft_p50_ms, gap_p50_ms, answered, concurrency, sent, refused }: Measured,
  calibration: CalibrationCited | null,
): string[] {
  const limits: string[] = [];
  if (refused > 0) {
    limits.push(`${counted(refused, "request")} not sent: too many open files (ulimit -n)`);
  }
  const lag = client.read_lag_p99_ms;
  const shortest = Math.min(ttft_p50_ms ?? Infinity, gap_p50_ms ?? Infinity);
  const most = Math.max(LEAST_MS, shortest * MOST_SHARE);
  if (lag !== null && Number.isFinite(shortest) && lag > most) {
    limits.push(
      `reads lag: ${ms(lag)} after the kernel at p99, more than ${ms(most)} ` +
        `(${percentText(MOST_SHARE)} of the shortest median)`,
    );
  }
  const { count = 0, late = 0 } = client.sends ?? {};
  const lateShare = shareEstimate(late, count);
  if (late >= LEAST_LATE && lateShare !== null && lateShare.low > MOST_LATE_SHARE) {
    limits.push(
      `late sends: ${late} of ${count} by more than ${MOST_LATENESS_MS} ms` +
        (client.lateness_p99_ms === null ? "" : `, ${ms(client.lateness_p99_ms)} at p99`),
    );
  }
  if (client.blocked_ms !== null && client.blocked_ms > 0) {
    limits.push(`the buffer was full for ${ms(client.blocked_ms)}: nothing was read in that time`);
  }
  if (client.stalled_ms > MOST_STALL_MS) {
    limits.push(`this process stood still for ${ms(client.stalled_ms)}: stopped, or without CPU`);
  }
  if (client.cpu_cores > MOST_CPU_SHARE * client.cores) {
    limits.push(
      `CPU: this process used ${client.cpu_cores.toFixed(2)} of ${client.cores} cores`,
    );
  }
  if (client.thread_cpu_cores !== null && client.thread_cpu_cores > MOST_CPU_SHARE) {
    limits.push(`CPU: the reading thread used ${client.thread_cpu_cores.toFixed(2)} of its core`);
  }
  const enough = answered >= LEAST_UNITS;
  if (enough && concurrency && concurrency.mean < LEAST_CONCURRENCY_SHARE * concurrency.wanted) {
    limits.push(
      `${concurrency.mean.toFixed(1)} requests in flight on average, ` +
        `${concurrency.wanted} were asked for`,
    );
  }
  const sentShare = sent && shareEstimate(sent.count, sent.wanted);
  if (sentShare && sentShare.high < LEAST_CONCURRENCY_SHARE) {
    limits.push(
      `only ${percentText(sentShare.value)} of the requests were sent on time`,
    );
  }
  if (calibration && client.events_per_s > calibration.ceiling_events_per_s) {
    limits.push(
      `${Math.round(client.events_per_s)} events/s are above this host's ceiling of ` +
        `${Math.round(calibration.ceiling_events_per_s)} (dyno calibrate)`,
    );
  }
  return limits;
}

function whatWasKept({ read_lag_p99_ms, lateness_p99_ms }: ClientCost): string {
  const kept = [
    ...(read_lag_p99_ms === null
      ? []
      : [`events were stamped within ${ms(read_lag_p99_ms)} of their arrival (p99)`]),
    ...(lateness_p99_ms === null
      ? []
      : [`requests were sent within ${ms(lateness_p99_ms)} of their time (p99)`]),
  ];
  return kept.join(", ") || "nothing limited it";
}

function unknowns(client: ClientCost, calibration: CalibrationCited | null): string[] {
  if (client.read_lag_p99_ms !== null || client.events_per_s === 0) return [];
  if (calibration) return [];
  return [
    `the ${client.transport} transport cannot tell how late it reads, and there is no calibration ` +
    `of this host: run dyno calibrate`,
  ];
}

function ms(value: number): string {
  return value < 0.0995
    ? `${(value * 1000).toFixed(0)} µs`
    : `${value.toFixed(value < 10 ? 2 : 0)} ms`;
}
