/** What is known of a load's requests, of its client and of its server while it runs. */
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
 * One request as it was measured: the journal's `request_finished`. Times are CLOCK_MONOTONIC
 * nanoseconds; null for what never came.
 */
export interface RequestRecord {
  /** From 0, in the order in which they were planned. */
  request: number;
  /** The header x-request-id that it was sent with. An earlier dyno sent none. */
  request_id?: string | undefined;
  /** The session that it was told to belong to; left out for none. */
  session?: string | undefined;
  /** Of several endpoints the one that it went to; left out for one alone, and for what was not sent. */
  endpoint?: string | undefined;
  /** Of several models the one that it named; left out for one alone. */
  model?: string | undefined;
  /** Of a load that several processes sent together the one that sent it, from 0. */
  shard?: number | undefined;
  /** Number of the measured stage, from 0: its place in `stages` of the results. */
  stage: number;
  /** Sent before the measured part; excluded from results. */
  warmup: boolean;
  /** The conversation it belongs to, and its turn from 0; null outside of conversations. */
  conversation: number | null;
  /** Its place in the conversation, from 0. */
  turn: number;
  /** The sub-agent that asked; left out for a session's main agent. */
  agent?: string | undefined;
  /** When the arrival process wanted it sent; in a closed loop, when a place became free. */
  t_intended_ns: number;
  /** Its time had come and the limit of concurrency let it: the rest until t_sent_ns is ours. */
  t_ready_ns: number;
  /** Null: never sent. */
  t_sent_ns: number | null;
  /** The first byte of the response, its head included. */
  t_first_byte_ns: number | null;
  /** The first event with a choice, tokens or not. */
  t_first_choice_ns: number | null;
  /** The last event with a choice, tokens or not. Earlier versions of dyno recorded none. */
  t_last_choice_ns?: number | null | undefined;
  /** Events with a choice, tokens or not. Earlier versions of dyno recorded none. */
  choice_events?: number | undefined;
  /** The first event whose text is there but empty, without a role; missing where there is none. */
  t_first_blank_ns?: number | null | undefined;
  /** The last of them. */
  t_last_blank_ns?: number | null | undefined;
  /** How many of them there are. */
  blank_events?: number | undefined;
  /** The first event that carried tokens. */
  t_first_token_ns: number | null;
  /** The last event that carried tokens. */
  t_last_token_ns: number | null;
  /** The response was whole, or the exchange had failed. */
  t_end_ns: number;
  /** How long its connection took, TLS included; null where one was kept alive (0 by an earlier dyno). */
  connect_ns: number | null;
  /** Of connect_ns, TLS's handshake; null without one. Earlier versions of dyno recorded none. */
  tls_ns?: number | null | undefined;
  /** Connecting was over before it was the request's turn. */
  connected_ahead?: boolean | undefined;
  /** HTTP status; 0 for none. */
  status: number;
  /** Why the model ended, in the server's word; null where it gave none. Earlier versions of dyno recorded none. */
  finish_reason?: string | null | undefined;
  /**
   * Null: answered. "unfinished": cut off by the end of the run. "unsent": due by then. "cancelled": cut
   * off by its client on purpose.
   */
  failure: FailureClass | "unfinished" | "unsent" | "cancelled" | null;
  /** The failure in one line. */
  message: string | null;
  /** From the server's usage, else counted; null where unknown. */
  prompt_tokens: number | null;
  /** From the server's usage, else counted; null where unknown. */
  completion_tokens: number | null;
  /** What told `completion_tokens`; null where nobody did. */
  token_source: TokenSource | null;
  /** What the server's usage tells beyond; null for nothing. */
  usage_details: UsageDetails | null;
  /** Sound and images of an answer, or heard for it; left out where there is nothing of them. */
  media?: Media | undefined;
  /** US dollars; null where the server told no usage or the price is unknown. */
  cost_usd: number | null;
  /** Events that carried tokens. */
  token_events: number;
  /** The largest lag of a read after the kernel's receipt. */
  lag_max_ns: number | null;
  /** Its gaps in tokens.bin: the place of the first one, counted in float32 values; ms. */
  gaps_at: number;
  /** How many gaps it has there. */
  gaps: number;
}

/** What became of a request that is neither an answer nor a failure of the endpoint's. */
const NO_FAILURE: ReadonlySet<RequestRecord["failure"]> = new Set([
  null,
  "unfinished",
  "unsent",
  "cancelled",
]);

/** The class of a request's failure; null for an answer, and for what was cut off or never sent. */
export function failureClass({ failure }: Pick<RequestRecord, "failure">): FailureClass | null {
  return NO_FAILURE.has(failure) ? null : failure as FailureClass;
}

/** Sound and images of a request, by the names of their measures. */
export function mediaValues({ media }: Pick<RequestRecord, "media">) {
  const { audio_s = null, images = null, bytes = null } = media ?? {};
  return { audio_s, images, media_bytes: bytes };
}

/** One of the processes that sent a load together. Its clock is compared with that of the dyno that began them. */
export interface ShardFacts {
  /** From 0. */
  shard: number;
  /** The host that it ran on; null where it never said so. */
  host: string | null;
  /** Nanoseconds to add to its clock; 0 on a clock that both share. Null: never measured. */
  offset_ns: number | null;
  /** The offset is right to this, either way. */
  error_ns: number | null;
  /** How much the offset had changed by the end, and to what that is right; null: not measured again. */
  drift_ns: number | null;
  drift_error_ns: number | null;
  /** How long after the common start it began; null: it never did. */
  late_ns: number | null;
  /** Why nothing of it, or not all, is among the records; null: all is. */
  lost: string | null;
  /** Why it ended before its plan; null: it did not. Earlier versions of dyno told neither this nor what follows. */
  stopped?: string | null;
  /** What its part of the budget still had; null: no limit, or unknown. */
  budget_left?: { usd: number | null; tokens: number | null };
  /** Where it was cut off: requests that were in flight, at most. */
  requests_cut_off?: number | undefined;
  /** Whether its own client could be trusted; null: it did not come to its end. */
  verdict: { verdict: string; reasons: string[] } | null;
}

/** What is happening, for people to watch. */
export interface DriveProgress {
  /** The stage that runs now, warm-up stages counted, from 0. */
  stage: number;
  /** Requests sent so far. */
  sent: number;
  /** Requests sent and not answered yet. */
  in_flight: number;
  /** Requests that came to an end, whatever end. */
  ended: number;
  /** Of those that ended, the ones without a good answer. */
  failed: number;
  /** Stream events received. */
  events: number;
}

/**
 * What a server said of itself at one moment; null is what it does not say. Over several models,
 * engines or replicas behind one page, counts add, use of the cache is the largest, and a stated hit
 * rate the mean.
 *
 * Counters are the server's own: vLLM counts tokens as they are made, SGLang, llama.cpp and TGI when
 * a request has ended. Prompt tokens are those received, with llama.cpp those that were not cached.
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
  /** The hit rate as the server states it, 0 to 1, over a span that it chooses. */
  prefix_cache_hit_rate: number | null;
  /** Time in the queue, of all requests together. */
  queue_time_sum_s: number | null;
  /** Requests that left the queue. */
  queue_time_count: number | null;
  /** Requests thrown out of the batch for lack of cache. */
  preemptions_total: number | null;
  /** Prompt tokens processed since the server's start. */
  prompt_tokens_total: number | null;
  /** Tokens generated since the server's start. */
  generation_tokens_total: number | null;
  /** Tokens that a draft model guessed; an earlier dyno's journal has none. */
  draft_tokens_total?: number | null;
  /** Of those, the ones that the model accepted. */
  accepted_tokens_total?: number | null;
  /** Times that a draft was made. */
  drafts_total?: number | null;
  /** Of drafted tokens the share that was accepted, 0 to 1, as the server states it (SGLang). */
  draft_acceptance?: number | null;
  /** Tokens of a step, guessed ones included, as the server states it (SGLang). */
  accepted_length?: number | null;
}

/** How a Prometheus page beside a load was read. */
export interface PageCount {
  /** The page's address. */
  url: string;
  /** Readings that were kept. */
  readings: number;
  /** Readings that failed. */
  failures: number;
  /** Why the latest of them did; null for none. */
  last_failure: string | null;
}

/** What a load costs its own client, so far; how late it sent is in the records. Null is unknown. */
export interface ClientReading {
  /** Which transport ran. */
  transport: string;
  /** From the kernel's receipt of an event to its stamp, ms. */
  read_lag_p99_ms: number | null;
  /** The largest lag of a read after the kernel's receipt, ms. */
  read_lag_max_ms: number | null;
  /** CPU of this process, and of the transport's thread, as shares of one core. */
  cpu_cores: number;
  /** CPU of the transport's own thread; null where it has none. */
  thread_cpu_cores: number | null;
  /** Cores that this process may use. */
  cores: number;
  /** The most that waited to be taken from the ring, as a share of it. */
  ring_use: number | null;
  /** Time in which reading stood still because the ring was full, ms. */
  blocked_ms: number | null;
  /** The longest time for which this process stood still: stopped (Ctrl-Z), or without CPU, ms. */
  stalled_ms: number;
  /** Stream events received per second of the window. */
  events_per_s: number;
  /** How the transport's thread was scheduled; null where it has none. */
  scheduling: string | null;
}

/** What JSON must be like to be a {@linkcode RequestRecord}. */
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

/** What JSON must be like to be {@linkcode ShardFacts}. */
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

/** What JSON must be like to be a {@linkcode ClientReading}. */
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

/** What JSON must be like to be a {@linkcode ServerMetricsReading}. */
export const pageCountForm = fields<PageCount>({
  url: isText,
  readings: isNumber,
  failures: isNumber,
  last_failure: orNull(isText),
});

/** A line's server reading. */
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
