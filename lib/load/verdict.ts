/** Whether the measuring client itself can be trusted. */
import { cacheText, type CacheUse, isInflated } from "./cache_use.ts";
import { shareEstimate } from "../stats/interval.ts";
import { LEAST_UNITS } from "../stats/ratio.ts";
import { percentText } from "../text/percent.ts";
import type { ClientReading } from "../run/request_record.ts";

/** What the client did to its own figures. Null is unknown. */
export interface ClientCost extends ClientReading {
  /** From a request's turn to its sending, connecting left out, ms. */
  lateness_p99_ms: number | null;
  /** The latest request, ms. */
  lateness_max_ms: number | null;
  /** Requests that were sent, and how many of them more than 5 ms late. Earlier versions of dyno recorded none. */
  sends?: { count: number; late: number };
}

/** The newest calibration of this host, as far as it speaks of this load. */
export interface CalibrationCited {
  /** When it was measured, ISO 8601. */
  measured_at: string;
  /** The nearest stream count that was measured at or above this load's. */
  streams: number;
  /** 99th percentile of what gaps were off by, ms. */
  gap_error_p99_ms: number;
  /** 99th percentile of what ttft was off by, ms. */
  ttft_error_p99_ms: number;
  /** Above this many events a second this host's client was no longer to be trusted. */
  ceiling_events_per_s: number;
}

/** Whether figures are the server's own or partly the client's. */
export interface Verdict {
  /**
   * "client_limited": this client shaped the figures. "cached": the server's prefix cache did, unasked:
   * they are not the model's. "unknown": not enough to tell.
   */
  verdict: "trusted" | "client_limited" | "cached" | "unknown";
  /** What limited it, or why it is not known; with figures, one sentence each. */
  reasons: string[];
  /** What the client did to its own figures. */
  client: ClientCost;
  /** The host's calibration; null where there is none for this client. */
  calibration: CalibrationCited | null;
  /** Answered requests that it rests on. Earlier versions of dyno recorded none. */
  requests?: number;
  /** What to do about it; null where nothing needs to be done. Earlier versions of dyno recorded none. */
  advice?: string | null;
  /** Nobody knows who answered: the server's certificate was not checked. Left out where it was. */
  insecure?: true;
}

/** What was measured, against which the client's own share is held. */
export interface Measured {
  ttft_p50_ms: number | null;
  gap_p50_ms: number | null;
  answered: number;
  /** The number of requests that a closed loop was to keep in flight, and kept; null when open. */
  concurrency: { wanted: number; mean: number } | null;
  /** Sends that were wanted, and those that were sent, when open and not capped. */
  sent: { wanted: number; count: number } | null;
  /** How much the server's prefix cache did; null is unknown. */
  cache: CacheUse | null;
  /** The certificate of an https endpoint was not checked. */
  insecure: boolean;
}

/** A client may add this share to what it measures. */
const MOST_SHARE = 0.05;
/** And never needs to be better than this. */
const LEAST_MS = 1;
export const MOST_LATENESS_MS = 5;
/** Fewer late sends are an accident, of however few requests. */
const LEAST_LATE = 3;
/** And no more of them than this share may be late. */
const MOST_LATE_SHARE = 0.01;
/** Longer than this, no host that is only busy keeps a process waiting. */
const MOST_STALL_MS = 500;
const MOST_CPU_SHARE = 0.9;
const LEAST_CONCURRENCY_SHARE = 0.95;

/**
 * Judges whose figures these are: the model's, this client's, or a cache's. What depends on how many
 * requests there were limits the client only where it is not an accident of few: shares by Wilson's 95 %
 * interval, a mean from 8 answers on.
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

/** An endpoint whose tokens come sooner than this leaves a client no time to ask again. */
const LEAST_WAIT_MS = 1;

function adviceOn({ ttft_p50_ms, gap_p50_ms, concurrency }: Measured): string {
  const less = concurrency === null ? "a lower --rate" : "a lower --concurrency";
  return ttft_p50_ms !== null && Math.max(ttft_p50_ms, gap_p50_ms ?? 0) < LEAST_WAIT_MS
    ? `${less}, or a mock with --delay and --tokens-per-second: this endpoint answers at once, as no ` +
      "model does"
    : `${less}, a separate core for the client (taskset), or less beside it on this host; ` +
      "dyno calibrate shows what this host can measure";
}

function limitsOf(
  client: ClientCost,
  { ttft_p50_ms, gap_p50_ms, answered, concurrency, sent }: Measured,
  calibration: CalibrationCited | null,
): string[] {
  const limits: string[] = [];
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
    limits.push(`the ring was full for ${ms(client.blocked_ms)}: reading stood still`);
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
      `only ${percentText(sentShare.value)} of the requests were sent in their time`,
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
