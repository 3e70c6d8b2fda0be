/**
 * Live figures of a running load. They are updated as answers come, in memory of constant size: a
 * look costs the same after an hour as after a second. The results are never computed from them.
 */
import { latencies } from "../endpoint/latency.ts";
import { nowNs } from "../native/clock.ts";
import { failureClass, isRefusedHere } from "../run/request_record.ts";
import { LogHistogram } from "../stats/histogram.ts";
import { citeCalibration, readCalibration } from "./calibration_file.ts";
import { judge, MOST_LATENESS_MS, type Verdict } from "./verdict.ts";
import type { PerformanceMetrics } from "../hardware/performance.ts";
import type { ClientReading, RequestRecord, ServerMetricsReading } from "../run/request_record.ts";
import type { LoadProgress } from "./time_left.ts";

/** Length of the history, seconds. */
export const MINUTE_S = 60;

/**
 * A latency so far: quantiles of all answers (to 0.1 %), and the mean of each second of the last
 * minute.
 */
export interface LiveLatency {
  /** Median. */
  p50_ms: number;
  /** 90th percentile. */
  p90_ms: number;
  /** 99th percentile. */
  p99_ms: number;
  /** The means of 60 seconds, oldest first; null for a second without answers. */
  by_second_ms: (number | null)[];
}

/** A load at one moment. */
export interface LiveFigures extends LoadProgress {
  /** Number of stages in the plan, including the warm-up. */
  stages: number;
  /** Seconds since the load began. */
  elapsed_s: number;
  /** Stream events received a second, over at least the last second; null before one has passed. */
  events_per_s: number | null;
  /**
   * Time to the first token of ended answers; those of the warm-up are shown until there are
   * others. Null without any.
   */
  ttft: LiveLatency | null;
  /** The same for the gaps between token events; above 20,000 a second, for a sample of them. */
  gap: LiveLatency | null;
  /** Requests without a good answer, by the class of the failure, most frequent first. */
  errors: [failure: string, count: number][];
  /** The server's latest metrics; null where it has none. */
  server: { name: string; reading: ServerMetricsReading } | null;
  /** The host's load over the last second; null where it is not sampled. */
  host: PerformanceMetrics | null;
  /** The verdict by what is known of the client so far. */
  verdict: Verdict;
}

/** Values that are read again at each look. */
export interface LiveReadings {
  progress: LoadProgress;
  client: ClientReading;
  server: LiveFigures["server"];
  host: PerformanceMetrics | null;
}

/** Above this many gaps in a second, every second gap is taken, then every third, and so on. */
const MOST_GAPS_A_SECOND = 20_000;
const US_PER_MS = 1000;
const NS_PER_S = 1e9;

/** Keeps the figures of one load. */
export class LiveLoad {
  readonly #stages: number;
  readonly #start_ns = nowNs();
  readonly #calibration = readCalibration();
  readonly #errors = new Map<string, number>();
  #refused = 0;
  #ttft = new Latency();
  #gap = new Latency();
  #lateness_us = new LogHistogram();
  #late = 0;
  #answered = 0;
  #warm = false;
  #second = 0;
  #gaps_in_second = 0;
  #mark = { t_ns: this.#start_ns, events: 0 };
  #events_per_s: number | null = null;

  /** @param stages how many stages the plan has. */
  constructor(stages: number) {
    this.#stages = stages;
  }

  /** Records a request that has ended. */
  took(record: RequestRecord, gaps_ms: Float32Array): void {
    if (this.#warm && !record.warmup) this.#begin();
    this.#warm = record.warmup;
    const { ttft_ms, lateness_ms } = latencies(record);
    const failure = failureClass(record);
    if (record.failure === null) this.#answered++;
    else if (isRefusedHere(record)) this.#refused++;
    else if (failure !== null) this.#errors.set(failure, (this.#errors.get(failure) ?? 0) + 1);
    const second = Math.floor(record.t_end_ns / NS_PER_S);
    if (ttft_ms !== null) this.#ttft.add(ttft_ms, second);
    if (second !== this.#second) this.#gaps_in_second = 0;
    this.#second = second;
    // a sample is enough at high rates: watching must stay cheap
    const step = 1 + Math.floor(this.#gaps_in_second / MOST_GAPS_A_SECOND);
    for (let i = 0; i < gaps_ms.length; i += step) this.#gap.add(gaps_ms[i], second);
    this.#gaps_in_second += gaps_ms.length;
    if (lateness_ms === null) return;
    this.#lateness_us.add(lateness_ms * US_PER_MS);
    if (lateness_ms > MOST_LATENESS_MS) this.#late++;
  }

  /** Returns the figures as of now. */
  figures({ progress, client, server, host }: LiveReadings): LiveFigures {
    const t_ns = nowNs();
    const since_s = (t_ns - this.#mark.t_ns) / NS_PER_S;
    if (since_s >= 1) {
      this.#events_per_s = (progress.events - this.#mark.events) / since_s;
      this.#mark = { t_ns, events: progress.events };
    }
    const second = Math.floor(t_ns / NS_PER_S);
    const ttft = this.#ttft.at(second), gap = this.#gap.at(second);
    return {
      ...progress,
      stages: this.#stages,
      elapsed_s: (t_ns - this.#start_ns) / NS_PER_S,
      events_per_s: this.#events_per_s,
      ttft,
      gap,
      errors: [...this.#errors].sort((a, b) => b[1] - a[1]),
      server,
      host,
      verdict: this.#verdict(client, progress, ttft, gap),
    };
  }

  #verdict(
    client: ClientReading,
    { in_flight }: LoadProgress,
    ttft: LiveLatency | null,
    gap: LiveLatency | null,
  ): Verdict {
    const late = this.#lateness_us;
    const cost = {
      ...client,
      lateness_p99_ms: late.n === 0 ? null : late.quantile(0.99)! / US_PER_MS,
      lateness_max_ms: late.n === 0 ? null : late.max / US_PER_MS,
      sends: { count: late.n, late: this.#late },
    };
    const measured = {
      ttft_p50_ms: ttft?.p50_ms ?? null,
      gap_p50_ms: gap?.p50_ms ?? null,
      answered: this.#answered,
      concurrency: null,
      sent: null,
      refused: this.#refused,
      cache: null,
      insecure: false,
    };
    const cited = citeCalibration(this.#calibration, in_flight, client.transport);
    return judge(cost, measured, cited);
  }

  /** Resets the figures when the warm-up has ended, as they must not include it. */
  #begin(): void {
    this.#ttft = new Latency();
    this.#gap = new Latency();
    this.#lateness_us = new LogHistogram();
    this.#late = this.#answered = 0;
    this.#errors.clear();
    this.#refused = 0;
  }
}

/** The distribution of one latency, and its last minute. */
class Latency {
  readonly #all_us = new LogHistogram();
  readonly #seconds = new Float64Array(MINUTE_S).fill(-1);
  readonly #sums = new Float64Array(MINUTE_S);
  readonly #counts = new Float64Array(MINUTE_S);

  add(value_ms: number, second: number): void {
    this.#all_us.add(value_ms * US_PER_MS);
    const at = second % MINUTE_S;
    if (this.#seconds[at] !== second) {
      if (this.#seconds[at] > second) return; // it came late: that second is no longer kept
      this.#seconds[at] = second;
      this.#sums[at] = this.#counts[at] = 0;
    }
    this.#sums[at] += value_ms;
    this.#counts[at]++;
  }

  at(second: number): LiveLatency | null {
    if (this.#all_us.n === 0) return null;
    const quantile_ms = (q: number) => this.#all_us.quantile(q)! / US_PER_MS;
    return {
      p50_ms: quantile_ms(0.5),
      p90_ms: quantile_ms(0.9),
      p99_ms: quantile_ms(0.99),
      by_second_ms: Array.from({ length: MINUTE_S }, (_, i) => {
        const wanted = second - MINUTE_S + 1 + i;
        const at = ((wanted % MINUTE_S) + MINUTE_S) % MINUTE_S;
        return this.#seconds[at] === wanted ? this.#sums[at] / this.#counts[at] : null;
      }),
    };
  }
}
