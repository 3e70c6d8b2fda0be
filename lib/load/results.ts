/** What a load run gives: results.json, and the request records of the journal. */
import type { Books } from "../run/ledger.ts";
import type { TokenSource } from "../endpoint/answer.ts";
import type { ApiType } from "../endpoint/forms/forms.ts";
import type { Balance } from "../settings/endpoint.ts";
import type { FailureClass } from "../endpoint/errors.ts";
import type { Estimate } from "../stats/interval.ts";
import type { Distribution } from "../stats/quantile.ts";
import type { Slo } from "./slo.ts";
import type { TurnFigures } from "./by_turn.ts";
import type { JudgedStatement } from "./statement.ts";
import type { ProbeFigures } from "./probes.ts";
import type { Verdict } from "./verdict.ts";
import type { Window } from "./window.ts";
import type { RecordedPages } from "./telemetry/telemetry.ts";
import type { ServerMetricsSummary } from "./server/server_metrics.ts";
import type { ServerMetricsReading } from "../run/request_record.ts";

/** A distribution with 95 % intervals (block bootstrap over time) on what is usually compared. */
export interface Metric extends Distribution {
  /** Null where too few values are known to tell. */
  intervals: { p50: Estimate | null; p99: Estimate | null; mean: Estimate | null };
}

/** Sound and images of requests; each null where nobody told it of any. */
export interface MediaFigures {
  /** Seconds of sound, made or transcribed, per second by the rule of `requests_per_s`. */
  audio_s_per_s: number | null;
  /** Mean seconds of sound of a request. */
  audio_s_mean: number | null;
  /** Images per second by the same rule. */
  images_per_s: number | null;
  /** Mean images of a request. */
  images_mean: number | null;
  /** Mean bytes of the sound or images of an answer. */
  bytes_mean: number | null;
}

/** The figures of a stage, or of all measured ones together. */
export interface StageResults {
  /** e.g. "8 in flight", "4 requests/s, poisson"; "total" for all together. */
  name: string;
  /** The measured window on CLOCK_MONOTONIC, and how it was chosen. */
  window: Window & { duration_s: number };
  /** Null in a closed loop. */
  requested_rate_per_s: number | null;
  /** Requests sent per second, by the rule of `requests_per_s`. */
  achieved_rate_per_s: number;
  /** In flight: the requests' time over the stage's, by the rule of `requests_per_s`; the most at once. */
  concurrency: { mean: number; max: number };
  /** Requests that count in the window, by their outcome. */
  requests: {
    sent: number;
    successful: number;
    failed: number;
    /** Cut off at the end of the grace period. */
    unfinished: number;
    /** Due, but not sent until the end: without a place in flight, or the client fell behind. */
    unsent: number;
    /** Cut off by this client on purpose: neither answered nor failed; left out for none. */
    cancelled?: number;
    /** Of an open loop, those whose turn came after its end: excluded. */
    outside: number;
    warmup: number;
  };
  /** Failed requests by class. */
  errors: Partial<Record<FailureClass, number>>;
  /** Failed / (successful + failed); null for none. */
  error_rate: number | null;
  /**
   * Answered requests per second. Closed loop: every request of the stage in full, over the time that it
   * held a place (lib/load/rates.ts); open loop: over the stage's time. Null where nothing was sent.
   */
  requests_per_s: number | null;
  /** Their output tokens, per second by the same rule; null where nobody counted them. */
  output_tokens_per_s: number | null;
  /** Their prompts' tokens, per second by the same rule; null where nobody counted them. */
  prompt_tokens_per_s: number | null;
  /** The 95 % intervals of these rates; null below 8 requests. Earlier versions of dyno recorded none. */
  intervals?: {
    requests_per_s: Estimate | null;
    output_tokens_per_s: Estimate | null;
    prompt_tokens_per_s: Estimate | null;
  };
  /** Sound and images of answered requests; left out where there are none. */
  media?: MediaFigures;
  /** Means of answered requests. */
  prompt_tokens_mean: number | null;
  /** Mean output tokens of answered requests; null where unknown. */
  completion_tokens_mean: number | null;
  /** How many answers had their tokens counted by what. */
  token_sources: Partial<Record<TokenSource, number>>;
  /** Null without SLOs. */
  goodput: {
    requests_per_s: Estimate | null;
    output_tokens_per_s: number | null;
    /** Requests that met every SLO / all whose turn had come, except those that were cancelled. */
    share: Estimate | null;
    /** How many answers missed each SLO, by its text. */
    missed: Record<string, number>;
    /** Of how many answers it is not known, which met it for none; older results do not say. */
    unknown?: Record<string, number>;
    /** Answers that missed no SLO, of which it is not known whether they met one. */
    undecided?: number;
  } | null;
  /** Of the requests that count; each null where none of them knows it. */
  metrics: {
    ttft_ms: Metric | null;
    ttft_intended_ms: Metric | null;
    tpot_ms: Metric | null;
    /** Pooled over requests: the field's ITL. */
    gap_ms: Metric | null;
    e2e_ms: Metric | null;
    e2e_intended_ms: Metric | null;
    normalized_latency_ms: Metric | null;
    lateness_ms: Metric | null;
    connect_ms: Metric | null;
    /** TLS's handshake, of connect_ms. Earlier versions of dyno recorded none. */
    tls_ms?: Metric | null;
    /** 1 / tpot. */
    tokens_per_s_per_user: Metric | null;
  };
}

/** What one of several processes sent of a load, and how it was there. */
export interface ShardResults extends StageResults {
  /** The host that it ran on; null where it never said so. */
  host: string | null;
  /**
   * Its clock against that of the dyno which began the shards: times of the run are its own with the offset
   * added. Null: never measured.
   */
  clock: {
    offset_ms: number;
    /** The offset is right to this, either way: proven by the messages that measured it. */
    error_ms: number;
    /** How much the offset had changed by the end; null: not measured again. */
    drift_ms: number | null;
    /** The drift is right to this, either way. */
    drift_error_ms: number | null;
  } | null;
  /** How long after the common start it began; null: it never did. */
  late_ms: number | null;
  /** Why nothing of it, or not all, is in the total; null: all is. */
  lost: string | null;
  /** Whether its own client could be trusted; null: it did not come to its end. */
  trust: { verdict: string; reasons: string[] } | null;
}

/** What results.json of a load run holds. */
export interface LoadResults {
  /** The form of results.json that this is. */
  schema_version: 2;
  /** Tells it from a suite's results. */
  kind: "load";
  /** The run's id and the name of its folder. */
  run_id: string;
  /** The load's name. */
  benchmark: string;
  /** The model that was asked; several with " + " between them. */
  model: string;
  /** URL that requests were posted to; of several the first. */
  endpoint: string;
  /** The form of requests and answers. */
  api_type: ApiType;
  /** Which transport ran: "wire" is the native one, "portable" the runtime's. */
  transport: string;
  /** False when an interruption kept it from what was planned; what was measured until then is here. */
  complete: boolean;
  /** Why it ended before its plan: "error rate …", "saturated: …"; null when it did not. */
  stopped_because: string | null;
  /** One for each measured stage, then their total, which is the same where there is one. */
  stages: StageResults[];
  /** All measured stages together. */
  total: StageResults;
  /** The warm-up, which is in none of the others; left out where there was none. */
  warmup?: StageResults;
  /**
   * US dollars of all requests whose cost is known, warm-up, first questions and those outside of the
   * windows too; null where none is.
   */
  total_cost_usd: number | null;
  /** Requests that are not in `total_cost_usd`. */
  requests_of_unknown_cost: number;
  /** Every request's tokens and dollars in sums, by who asked. */
  ledger: Books;
  /** What probes beside the load found; left out where none were asked for. */
  probes?: ProbeFigures;
  /** The figures of each of several models, of all measured stages together; left out for one alone. */
  models?: StageResults[];
  /** How requests were spread over several endpoints; left out for one alone. */
  balance?: Balance;
  /** The figures of each of several endpoints, by its URL, of all measured stages together. */
  endpoints?: StageResults[];
  /** The figures of each of several processes that sent the load together; left out for one alone. */
  shards?: ShardResults[];
  /** First turns beside later ones; left out where there are no later ones. */
  turns?: TurnFigures[];
  /** What a good request had to keep to; empty for none. */
  slos: Slo[];
  /** What was to hold for the run as a whole, and whether it did; none asked for: left out. */
  statements?: JudgedStatement[];
  /** Whether the client itself can be trusted with these figures. */
  verdict: Verdict;
  /**
   * Energy of the measured window, where a sensor was there. Of a load of several processes it is that of
   * their hosts, each once; `unknown` names hosts that are not in it.
   */
  energy: {
    energy_j: number;
    error_j: number;
    source: string;
    per_token_j: number | null;
    unknown?: string[];
  } | null;
  /** The server's own metrics; null where it exposes none. */
  server: {
    name: string;
    summary: ServerMetricsSummary;
    readings: ServerMetricsReading[];
  } | null;
  /** What recorded Prometheus pages say about GPUs and hosts; none recorded: left out. */
  telemetry?: RecordedPages;
  /** What a reader must know: one line each. */
  notes: string[];
}

/** The distributions that a stage's results hold; each is a measure's name. */
const DISTRIBUTIONS: Record<keyof StageResults["metrics"], true> = {
  ttft_ms: true,
  ttft_intended_ms: true,
  tpot_ms: true,
  gap_ms: true,
  e2e_ms: true,
  e2e_intended_ms: true,
  normalized_latency_ms: true,
  lateness_ms: true,
  connect_ms: true,
  tls_ms: true,
  tokens_per_s_per_user: true,
};

/** Whether a stage's results hold the distribution of a measure. */
export function isDistribution(name: string): name is keyof StageResults["metrics"] {
  return Object.hasOwn(DISTRIBUTIONS, name);
}
