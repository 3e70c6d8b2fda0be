/** Summarises a server's readings over a window of time. */
import type { ServerMetricsReading } from "../../run/request_record.ts";

/** What a server reported for a window of time. Null where its readings do not say. */
export interface ServerMetricsSummary {
  /** Number of readings in the window, from which maxima and means are computed. */
  readings: number;
  /** Share of the KV cache in use, 0 to 1. */
  kv_cache_usage_max: number | null;
  /** Mean share of the KV cache in use. */
  kv_cache_usage_mean: number | null;
  /** Requests in the batch. */
  running_mean: number | null;
  /** The most requests in the batch. */
  running_max: number | null;
  /** Requests in the queue. */
  waiting_mean: number | null;
  /** The most requests in the queue. */
  waiting_max: number | null;
  /** 0 to 1; see `prefix_cache_hit_rate_from`. */
  prefix_cache_hit_rate: number | null;
  /**
   * "counters": tokens found divided by tokens looked up. "gauge": the mean of the rates that the
   * server reported, which ignores how many tokens each is based on; used only where counters are
   * missing.
   */
  prefix_cache_hit_rate_from: "counters" | "gauge" | null;
  /** Mean time in the queue of the requests that left it. */
  queue_time_mean_ms: number | null;
  /** Requests removed from the batch because the cache was full. */
  preemptions: number | null;
  /** Prompt tokens that the server processed. */
  prompt_tokens: number | null;
  /** Tokens that the server generated. */
  generation_tokens: number | null;
  /** Speculative decoding: share of drafted tokens that were accepted, 0 to 1; left out where unknown. */
  draft_acceptance?: number;
  /** Speculative decoding: tokens per step, including the model's own; 1 means that none was accepted. */
  accepted_length?: number;
  /**
   * The time of the first of the two readings between which counters were compared: the closest
   * ones that enclose the window, or the outermost ones available. CLOCK_MONOTONIC nanoseconds;
   * null with fewer than two.
   */
  counted_from_ns: number | null;
  /** The later of the two readings. */
  counted_to_ns: number | null;
  /** How often counters fell: the server restarted, or several servers answer in turn. */
  counter_resets: number;
}

const COUNTERS = [
  "prefix_cache_hits_total",
  "prefix_cache_queries_total",
  "queue_time_sum_s",
  "queue_time_count",
  "preemptions_total",
  "prompt_tokens_total",
  "generation_tokens_total",
  "draft_tokens_total",
  "accepted_tokens_total",
  "drafts_total",
] as const;

type Counter = typeof COUNTERS[number];
type Gauge =
  | "running"
  | "waiting"
  | "kv_cache_usage"
  | "prefix_cache_hit_rate"
  | "draft_acceptance"
  | "accepted_length";

/** Increases of counters over a span; null for a counter that no reading has. */
type Increases = Record<Counter, number | null>;

/**
 * Summarises the readings of a window, both ends included.
 *
 * If any counter falls, all are taken to have restarted: their counts until then are kept, and
 * their new values added. What was counted between the last reading and the restart is lost.
 *
 * @param readings sorted by time.
 */
export function summariseServer(
  readings: readonly ServerMetricsReading[],
  from_ns: number,
  to_ns: number,
): ServerMetricsSummary {
  const within = readings.filter(({ t_ns }) => from_ns <= t_ns && t_ns <= to_ns);
  const span = enclosing(readings, from_ns, to_ns);
  const { increases, resets } = increasesOver(span);
  const [kv_cache, running, waiting, stated_hit_rate, stated_acceptance, stated_length] = ([
    "kv_cache_usage",
    "running",
    "waiting",
    "prefix_cache_hit_rate",
    "draft_acceptance",
    "accepted_length",
  ] as const).map((gauge) => meanAndMax(within, gauge));
  const counted_hit_rate = ratio(
    increases.prefix_cache_hits_total,
    increases.prefix_cache_queries_total,
  );
  const draft_acceptance = ratio(increases.accepted_tokens_total, increases.draft_tokens_total) ??
    stated_acceptance.mean;
  const accepted_a_draft = ratio(increases.accepted_tokens_total, increases.drafts_total);
  const accepted_length = accepted_a_draft === null ? stated_length.mean : 1 + accepted_a_draft;
  const queue_time_mean_s = ratio(increases.queue_time_sum_s, increases.queue_time_count);
  return {
    readings: within.length,
    kv_cache_usage_max: kv_cache.max,
    kv_cache_usage_mean: kv_cache.mean,
    running_mean: running.mean,
    running_max: running.max,
    waiting_mean: waiting.mean,
    waiting_max: waiting.max,
    prefix_cache_hit_rate: counted_hit_rate ?? stated_hit_rate.mean,
    prefix_cache_hit_rate_from: counted_hit_rate !== null
      ? "counters"
      : stated_hit_rate.mean !== null
      ? "gauge"
      : null,
    queue_time_mean_ms: queue_time_mean_s === null ? null : queue_time_mean_s * 1000,
    preemptions: increases.preemptions_total,
    prompt_tokens: increases.prompt_tokens_total,
    generation_tokens: increases.generation_tokens_total,
    ...(draft_acceptance === null ? {} : { draft_acceptance }),
    ...(accepted_length === null ? {} : { accepted_length }),
    counted_from_ns: span.at(0)?.t_ns ?? null,
    counted_to_ns: span.at(-1)?.t_ns ?? null,
    counter_resets: resets,
  };
}

/** The readings from the last one before the window to the first one after it; empty for fewer than two. */
function enclosing(
  readings: readonly ServerMetricsReading[],
  from_ns: number,
  to_ns: number,
): readonly ServerMetricsReading[] {
  const first = Math.max(0, readings.findLastIndex(({ t_ns }) => t_ns <= from_ns));
  const behind = readings.findIndex(({ t_ns }) => t_ns >= to_ns);
  const span = readings.slice(first, behind < 0 ? undefined : behind + 1);
  return span.length < 2 ? [] : span;
}

/**
 * A counter that is missing from a reading but present in a later one counts as 0: many servers
 * show a counter only once it has counted something.
 */
function increasesOver(span: readonly ServerMetricsReading[]) {
  const increases = Object.fromEntries(
    COUNTERS.map((counter) => [
      counter,
      span.some((reading) => (reading[counter] ?? null) !== null) ? 0 : null,
    ]),
  ) as Increases;
  let resets = 0;
  for (let i = 1; i < span.length; i++) {
    const countOf = (reading: ServerMetricsReading, counter: Counter) => reading[counter] ?? 0;
    const reset = COUNTERS.some((counter) =>
      countOf(span[i], counter) < countOf(span[i - 1], counter)
    );
    if (reset) resets++;
    for (const counter of COUNTERS) {
      const before = reset ? 0 : countOf(span[i - 1], counter);
      const known = increases[counter];
      if (known !== null) increases[counter] = known + countOf(span[i], counter) - before;
    }
  }
  return { increases, resets };
}

function meanAndMax(readings: readonly ServerMetricsReading[], gauge: Gauge) {
  const values = readings.map((reading) => reading[gauge] ?? null)
    .filter((value) => value !== null);
  if (values.length === 0) return { mean: null, max: null };
  return {
    mean: values.reduce((a, b) => a + b) / values.length,
    max: values.reduce((a, b) => Math.max(a, b)),
  };
}

/** Null when either is unknown, or nothing was counted. */
function ratio(part: number | null, whole: number | null): number | null {
  return part === null || whole === null || whole === 0 ? null : part / whole;
}
