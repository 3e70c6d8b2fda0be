/** Records of a load's requests, and readings of its client and server while it runs. */
import {
  areTexts,
  fields,
  isBoolean,
  isNumber,
  isObject,
  isText,
  orMissing,
  orNull,
} from "./forms.ts";
import type { TokenSource } from "../endpoint/answer.ts";
import type { FailureClass } from "../endpoint/errors.ts";
import type { Media } from "../endpoint/said.ts";
import type { UsageDetails } from "../endpoint/usage.ts";

/**
 * The record of one request: the journal's `request_finished`. Times are CLOCK_MONOTONIC
 * nanoseconds; null where the event never happened.
 */
export interface RequestRecord {
  /** Its number in the plan, from 0. */
  request: number;
  /** Its x-request-id header. Earlier versions of dyno recorded none. */
  request_id?: string | undefined;
  /** The name of its session; left out for none. */
  session?: string | undefined;
  /**
   * The endpoint that it went to; left out where there is only one, and for requests that were not
   * sent.
   */
  endpoint?: string | undefined;
  /** The model that it named; left out where there is only one. */
  model?: string | undefined;
  /** The process that sent it, from 0, where several sent the load together. */
  shard?: number | undefined;
  /** Number of the measured stage, from 0: the index in `stages` of the results. */
  stage: number;
  /** Whether it was sent before the measured part, and so is excluded from results. */
  warmup: boolean;
  /** The number of its conversation; null for a single question. */
  conversation: number | null;
  /** Its turn in the conversation, from 0. */
  turn: number;
  /** The sub-agent that sent it; left out for a session's main agent. */
  agent?: string | undefined;
  /** When the arrival process scheduled it; in a closed loop, when a place became free. */
  t_intended_ns: number;
  /**
   * When its time had come and the concurrency limit let it start: any delay from then to t_sent_ns
   * is the client's.
   */
  t_ready_ns: number;
  /** Null: it was never sent. */
  t_sent_ns: number | null;
  /** The first byte of the response, including its headers. */
  t_first_byte_ns: number | null;
  /** The first event with a choice, tokens or not. */
  t_first_choice_ns: number | null;
  /** The last event with a choice, tokens or not. Earlier versions of dyno recorded none. */
  t_last_choice_ns?: number | null | undefined;
  /** Events with a choice, tokens or not. Earlier versions of dyno recorded none. */
  choice_events?: number | undefined;
  /** The first event with an empty text and no role; missing where there is none. */
  t_first_blank_ns?: number | null | undefined;
  /** The last such event. */
  t_last_blank_ns?: number | null | undefined;
  /** The number of such events. */
  blank_events?: number | undefined;
  /** The first event that carried tokens. */
  t_first_token_ns: number | null;
  /** The last event that carried tokens. */
  t_last_token_ns: number | null;
  /** When the response was complete, or the exchange had failed. */
  t_end_ns: number;
  /** Time to connect, including TLS; null where a connection was reused (0 in earlier versions of dyno). */
  connect_ns: number | null;
  /** TLS handshake, a part of connect_ns; null without one. Earlier versions of dyno recorded none. */
  tls_ns?: number | null | undefined;
  /** Whether it was connected before its time. */
  connected_ahead?: boolean | undefined;
  /** HTTP status; 0 for none. */
  status: number;
  /**
   * Why the model stopped, in the server's words; null where it did not say. Earlier versions of
   * dyno recorded none.
   */
  finish_reason?: string | null | undefined;
  /**
   * Null: answered. "unfinished": cut off by the end of the run. "unsent": due by then, but not
   * sent, or this client could not open a connection. "cancelled": cancelled by the client on purpose.
   */
  failure: FailureClass | "unfinished" | "unsent" | "cancelled" | null;
  /** The failure in one line. */
  message: string | null;
  /** From the server's usage, or else counted; null where unknown. */
  prompt_tokens: number | null;
  /** From the server's usage, or else counted; null where unknown. */
  completion_tokens: number | null;
  /** The source of `completion_tokens`; null where they are unknown. */
  token_source: TokenSource | null;
  /** Further values of the server's usage; null for none. */
  usage_details: UsageDetails | null;
  /** Audio and images of the answer, or audio that was transcribed; left out where there are none. */
  media?: Media | undefined;
  /** US dollars; null where the server reported no usage or the price is unknown. */
  cost_usd: number | null;
  /** Events that carried tokens. */
  token_events: number;
  /** The longest time between the kernel's receipt of data and its reading. */
  lag_max_ns: number | null;
  /** Index of its first gap in tokens.bin, counted in float32 values. */
  gaps_at: number;
  /** The number of its gaps, in ms, in that file. */
  gaps: number;
}

/** Outcomes of requests that are neither answers nor failures of the endpoint. */
const NO_FAILURE: ReadonlySet<RequestRecord["failure"]> = new Set([
  null,
  "unfinished",
  "unsent",
  "cancelled",
]);

/**
 * Returns the class of a request's failure; null for an answer, and for requests that were cut off
 * or never sent.
 */
export function failureClass({ failure }: Pick<RequestRecord, "failure">): FailureClass | null {
  return NO_FAILURE.has(failure) ? null : failure as FailureClass;
}

/** The message of a request that the end of its run cut off, or that was not sent by then. */
export const CUT_OFF_BY_END = "cut off by the end of the run";

/** Whether a request was not sent because this client could not open a connection for it. */
export function isRefusedHere(
  { failure, message }: Pick<RequestRecord, "failure" | "message">,
): boolean {
  return failure === "unsent" && message !== CUT_OFF_BY_END;
}

/** Returns the audio and images of a request, by the names of their measures. */
export function mediaValues({ media }: Pick<RequestRecord, "media">) {
  const { audio_s = null, images = null, bytes = null } = media ?? {};
  return { audio_s, images, media_bytes: bytes };
}

/** One of the processes that sent a load together. Its clock is compared with the coordinating dyno's. */
export interface ShardFacts {
  /** Its number, from 0. */
  shard: number;
  /** The host that it ran on; null where unknown. */
  host: string | null;
  /** Nanoseconds to add to its clock; 0 if both use the same clock. Null: never measured. */
  offset_ns: number | null;
  /** The offset is exact to ± this. */
  error_ns: number | null;
  /** Change of the offset by the end; null: not measured again. */
  drift_ns: number | null;
  drift_error_ns: number | null;
  /** How long after the common start it began; null: never. */
  late_ns: number | null;
  /** Why the records lack some or all of its requests; null: they have all. */
  lost: string | null;
  /**
   * Why it ended early; null: it did not. Earlier versions of dyno recorded neither this nor the
   * fields below.
   */
  stopped?: string | null;
  /** What is left of its part of the budget; null: no limit, or unknown. */
  budget_left?: { usd: number | null; tokens: number | null };
  /** If it was cut off: the most requests that may have been in flight. */
  requests_cut_off?: number | undefined;
  /** Whether its client could be trusted; null: it did not finish. */
  verdict: { verdict: string; reasons: string[] } | null;
}

/** The progress of a load. */
export interface DriveProgress {
  /** The current stage, from 0, counting warm-up stages. */
  stage: number;
  /** Requests sent so far. */
  sent: number;
  /** Requests sent and not answered yet. */
  in_flight: number;
  /** Requests that have ended, with any outcome. */
  ended: number;
  /** Of these, the ones without a good answer. */
  failed: number;
  /** Stream events received. */
  events: number;
}

/**
 * The metrics of a server at one moment; null where it does not report a value. Over several
 * models, engines or replicas on one page, counts are added up; cache use is the largest, and a
 * stated hit rate the mean.
 *
 * Counters are the server's own: vLLM counts tokens as they are generated; SGLang, llama.cpp and
 * TGI count them when a request has ended. Prompt tokens are those received; with llama.cpp, those
 * that were not cached.
 */
export interface ServerMetricsReading {
  /** CLOCK_MONOTONIC nanoseconds: halfway from the request to the first byte of the answer. */
  t_ns: number;
  /** Requests in the batch. */
  running: number | null;
  /** Requests in the queue. */
  waiting: number | null;
  /** Share of the KV cache in use, 0 to 1. */
  kv_cache_usage: number | null;
  /** Prompt tokens found in the prefix cache. */
  prefix_cache_hits_total: number | null;
  /** Prompt tokens looked up in the prefix cache. */
  prefix_cache_queries_total: number | null;
  /** The hit rate that the server states, 0 to 1, over a span of its choice. */
  prefix_cache_hit_rate: number | null;
  /** Total time in the queue of all requests. */
  queue_time_sum_s: number | null;
  /** Requests that left the queue. */
  queue_time_count: number | null;
  /** Requests removed from the batch because the cache was full. */
  preemptions_total: number | null;
  /** Prompt tokens processed since the server started. */
  prompt_tokens_total: number | null;
  /** Tokens generated since the server started. */
  generation_tokens_total: number | null;
  /** Tokens proposed by a draft model. Missing in journals of an earlier dyno. */
  draft_tokens_total?: number | null;
  /** Of these, the ones that the model accepted. */
  accepted_tokens_total?: number | null;
  /** How often tokens were drafted. */
  drafts_total?: number | null;
  /** Share of drafted tokens that were accepted, 0 to 1, as stated by the server (SGLang). */
  draft_acceptance?: number | null;
  /** Tokens per step, including drafted ones, as stated by the server (SGLang). */
  accepted_length?: number | null;
}

/** How a Prometheus page was read during a load. */
export interface PageCount {
  /** The page's URL. */
  url: string;
  /** Readings that were kept. */
  readings: number;
  /** Readings that failed. */
  failures: number;
  /** The error of the last failed reading; null for none. */
  last_failure: string | null;
}

/**
 * What a load has cost its client so far; how late requests were sent is in their records. Null
 * means unknown.
 */
export interface ClientReading {
  /** The transport in use. */
  transport: string;
  /** 99th percentile of the time from the kernel's receipt of an event to its stamp, ms. */
  read_lag_p99_ms: number | null;
  /** The longest time from the kernel's receipt of an event to its stamp, ms. */
  read_lag_max_ms: number | null;
  /** CPU used by this process, including the transport's thread, in cores. */
  cpu_cores: number;
  /** CPU used by the transport's thread, in cores; null where it has none. */
  thread_cpu_cores: number | null;
  /** Cores that this process may use. */
  cores: number;
  /** The largest share of the ring that was filled with unread events. */
  ring_use: number | null;
  /** How long reading was blocked because the ring was full, ms. */
  blocked_ms: number | null;
  /** The longest time for which this process did not run: stopped (Ctrl-Z), or without CPU, ms. */
  stalled_ms: number;
  /** Stream events received per second. */
  events_per_s: number;
  /** Scheduling policy of the transport's thread; null where it has none. */
  scheduling: string | null;
}

/** The form of a {@linkcode RequestRecord} in JSON. */
export const requestRecordForm = fields<RequestRecord>({
  request: isNumber,
  request_id: orMissing(isText),
  session: orMissing(isText),
  endpoint: orMissing(isText),
  model: orMissing(isText),
  shard: orMissing(isNumber),
  stage: isNumber,
  warmup: isBoolean,
  conversation: orNull(isNumber),
  turn: isNumber,
  agent: orMissing(isText),
  t_intended_ns: isNumber,
  t_ready_ns: isNumber,
  t_sent_ns: orNull(isNumber),
  t_first_byte_ns: orNull(isNumber),
  t_first_choice_ns: orNull(isNumber),
  t_last_choice_ns: orMissing(orNull(isNumber)),
  choice_events: orMissing(isNumber),
  t_first_blank_ns: orMissing(orNull(isNumber)),
  t_last_blank_ns: orMissing(orNull(isNumber)),
  blank_events: orMissing(isNumber),
  t_first_token_ns: orNull(isNumber),
  t_last_token_ns: orNull(isNumber),
  t_end_ns: isNumber,
  connect_ns: orNull(isNumber),
  tls_ns: orMissing(orNull(isNumber)),
  connected_ahead: orMissing(isBoolean),
  status: isNumber,
  finish_reason: orMissing(orNull(isText)),
  failure: orNull(isText<NonNullable<RequestRecord["failure"]>>),
  message: orNull(isText),
  prompt_tokens: orNull(isNumber),
  completion_tokens: orNull(isNumber),
  token_source: orNull(isText<TokenSource>),
  usage_details: orNull(isObject<UsageDetails>),
  media: orMissing(
    fields<Media>({
      audio_s: orMissing(isNumber),
      images: orMissing(isNumber),
      bytes: orMissing(isNumber),
    }),
  ),
  cost_usd: orNull(isNumber),
  token_events: isNumber,
  lag_max_ns: orNull(isNumber),
  gaps_at: isNumber,
  gaps: isNumber,
});

/** The form of {@linkcode ShardFacts} in JSON. */
export const shardFactsForm = fields<ShardFacts>({
  shard: isNumber,
  host: orNull(isText),
  offset_ns: orNull(isNumber),
  error_ns: orNull(isNumber),
  drift_ns: orNull(isNumber),
  drift_error_ns: orNull(isNumber),
  late_ns: orNull(isNumber),
  lost: orNull(isText),
  stopped: orMissing(orNull(isText)),
  budget_left: orMissing(
    fields<NonNullable<ShardFacts["budget_left"]>>({
      usd: orNull(isNumber),
      tokens: orNull(isNumber),
    }),
  ),
  requests_cut_off: orMissing(isNumber),
  verdict: orNull(
    fields<NonNullable<ShardFacts["verdict"]>>({ verdict: isText, reasons: areTexts }),
  ),
});

/** The form of a {@linkcode ClientReading} in JSON. */
export const clientReadingForm = fields<ClientReading>({
  transport: isText,
  read_lag_p99_ms: orNull(isNumber),
  read_lag_max_ms: orNull(isNumber),
  cpu_cores: isNumber,
  thread_cpu_cores: orNull(isNumber),
  cores: isNumber,
  ring_use: orNull(isNumber),
  blocked_ms: orNull(isNumber),
  stalled_ms: isNumber,
  events_per_s: isNumber,
  scheduling: orNull(isText),
});

/** The form of a {@linkcode PageCount} in JSON. */
export const pageCountForm = fields<PageCount>({
  url: isText,
  readings: isNumber,
  failures: isNumber,
  last_failure: orNull(isText),
});

/** The form of a {@linkcode ServerMetricsReading} in JSON. */
export const serverReadingForm = fields<ServerMetricsReading>({
  t_ns: isNumber,
  running: orNull(isNumber),
  waiting: orNull(isNumber),
  kv_cache_usage: orNull(isNumber),
  prefix_cache_hits_total: orNull(isNumber),
  prefix_cache_queries_total: orNull(isNumber),
  prefix_cache_hit_rate: orNull(isNumber),
  queue_time_sum_s: orNull(isNumber),
  queue_time_count: orNull(isNumber),
  preemptions_total: orNull(isNumber),
  prompt_tokens_total: orNull(isNumber),
  generation_tokens_total: orNull(isNumber),
  draft_tokens_total: orMissing(orNull(isNumber)),
  accepted_tokens_total: orMissing(orNull(isNumber)),
  drafts_total: orMissing(orNull(isNumber)),
  draft_acceptance: orMissing(orNull(isNumber)),
  accepted_length: orMissing(orNull(isNumber)),
});
