/** The results of a load: the form of results.json. */
import type { Books } from "../run/ledger_totals.ts";
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

/**
 * A distribution, with 95 % intervals (block bootstrap over time) for the values that are usually
 * compared.
 */
export interface Metric extends Distribution {
  /** Null where too few values are known. */
  intervals: { p50: Estimate | null; p99: Estimate | null; mean: Estimate | null };
}

/** Audio and images of requests; null where no request reports any. */
export interface MediaFigures {
  /** Seconds of audio, generated or transcribed, per second, by the rule of `requests_per_s`. */
  audio_s_per_s: number | null;
  /** Mean seconds of audio of a request. */
  audio_s_mean: number | null;
  /** Images per second, by the same rule. */
  images_per_s: number | null;
  /** Mean images of a request. */
  images_mean: number | null;
  /** Mean bytes of the audio or images of an answer. */
  bytes_mean: number | null;
}

/** The figures of one stage, or of all measured stages together. */
export interface StageResults {
  /** e.g. "8 in flight", "4 requests/s, poisson"; "total" for all together. */
  name: string;
  /** The measured window on CLOCK_MONOTONIC, and how it was chosen. */
  window: Window & { duration_s: number };
  /** Null in a closed loop. */
  requested_rate_per_s: number | null;
  /** Requests sent per second, by the rule of `requests_per_s`. */
  achieved_rate_per_s: number;
  /**
   * Requests in flight. `mean`: the requests' time over the stage's, by the rule of
   * `requests_per_s`; `max`: the most at one time.
   */
  concurrency: { mean: number; max: number };
  /** Requests that count in the window, by outcome. */
  requests: {
    sent: number;
    successful: number;
    failed: number;
    /** Cut off at the end of the grace period. */
    unfinished: number;
    /** Due but never sent: no place was free, or the client fell behind. */
    unsent: number;
    /** Cancelled by this client on purpose: neither answered nor failed; left out for none. */
    cancelled?: number;
    /** Open loop: requests whose intended time was after the end; excluded from all figures. */
    outside: number;
    warmup: number;
  };
  /** Failed requests by class. */
  errors: Partial<Record<FailureClass, number>>;
  /** Failed / (successful + failed); null where both are 0. */
  error_rate: number | null;
  /**
   * Answered requests per second. Closed loop: every request of the stage in full, over the time that it
   * held a place (lib/load/rates.ts); open loop: over the stage's time. Null where nothing was sent.
   */
  requests_per_s: number | null;
  /** Output tokens of these requests, per second by the same rule; null where unknown. */
  output_tokens_per_s: number | null;
  /** Prompt tokens of these requests, per second by the same rule; null where unknown. */
  prompt_tokens_per_s: number | null;
  /** The 95 % intervals of these rates; null below 8 requests. Earlier versions of dyno recorded none. */
  intervals?: {
    requests_per_s: Estimate | null;
    output_tokens_per_s: Estimate | null;
    prompt_tokens_per_s: Estimate | null;
  };
  /** Audio and images of answered requests; left out where there are none. */
  media?: MediaFigures;
  /** Mean prompt tokens of answered requests; null where unknown. */
  prompt_tokens_mean: number | null;
  /** Mean output tokens of answered requests; null where unknown. */
  completion_tokens_mean: number | null;
  /** The number of answers by what counted their tokens. */
  token_sources: Partial<Record<TokenSource, number>>;
  /** Null without SLOs. */
  goodput: {
    requests_per_s: Estimate | null;
    output_tokens_per_s: number | null;
    /** Requests that met every SLO / all requests that were due and not cancelled. */
    share: Estimate | null;
    /** The number of answers that missed each SLO, by the SLO's text. */
    missed: Record<string, number>;
    /** The number of answers whose value for an SLO is unknown. Earlier versions of dyno recorded none. */
    unknown?: Record<string, number>;
    /** Answers that missed no SLO, but for which at least one is unknown. */
    undecided?: number;
  } | null;
  /** Of the requests that count; null where it is known for none of them. */
  metrics: {
    ttft_ms: Metric | null;
    ttft_intended_ms: Metric | null;
    tpot_ms: Metric | null;
    /** Pooled over requests: what other tools call ITL. */
    gap_ms: Metric | null;
    e2e_ms: Metric | null;
    e2e_intended_ms: Metric | null;
    normalized_latency_ms: Metric | null;
    lateness_ms: Metric | null;
    connect_ms: Metric | null;
    /** TLS handshake, a part of connect_ms. Earlier versions of dyno recorded none. */
    tls_ms?: Metric | null;
    /** 1 / tpot. */
    tokens_per_s_per_user: Metric | null;
  };
}

/** What one of several processes sent of a load. */
export interface ShardResults extends StageResults {
  /** The host that it ran on; null where unknown. */
  host: string | null;
  /**
   * Its clock against that of the coordinating dyno: its own time plus the offset is the run's
   * time. Null: never measured.
   */
  clock: {
    offset_ms: number;
    /** The offset is exact to ± this, as proven by the messages that measured it. */
    error_ms: number;
    /** Change of the offset by the end; null: not measured again. */
    drift_ms: number | null;
    /** The drift is exact to ± this. */
    drift_error_ms: number | null;
  } | null;
  /** How long after the common start it began; null: never. */
  late_ms: number | null;
  /** Why the total lacks some or all of its requests; null: it has all. */
  lost: string | null;
  /** Whether its client could be trusted; null: it did not finish. */
  trust: { verdict: string; reasons: string[] } | null;
}

/** The content of a load's results.json. */
export interface LoadResults {
  /** The version of the form of results.json. */
  schema_version: 2;
  /** Distinguishes it from a suite's results. */
  kind: "load";
  /** The run's id and the name of its folder. */
  run_id: string;
  /** The load's name. */
  benchmark: string;
  /** The model that was asked; several are joined by " + ". */
  model: string;
  /** URL that requests were posted to; the first where there are several. */
  endpoint: string;
  /** The API of requests and answers. */
  api_type: ApiType;
  /** The transport: "wire" is the native one, "portable" the runtime's. */
  transport: string;
  /** False when an interruption cut the plan short; the figures are of what was measured until then. */
  complete: boolean;
  /** Why it ended early: "error rate …", "saturated: …"; null when it did not. */
  stopped_because: string | null;
  /** One for each measured stage, then their total. */
  stages: StageResults[];
  /** All measured stages together. */
  total: StageResults;
  /** The warm-up, which no other figures include; left out where there was none. */
  warmup?: StageResults;
  /**
   * US dollars of all requests whose cost is known, including warm-up, first questions and requests
   * outside the windows; null where no cost is known.
   */
  total_cost_usd: number | null;
  /** Requests whose cost is unknown. */
  requests_of_unknown_cost: number;
  /** Sums of all requests' tokens and dollars, by the purpose of the requests. */
  ledger: Books;
  /** Figures of the probes; left out where there were none. */
  probes?: ProbeFigures;
  /** The figures of each model over all measured stages; left out for a single model. */
  models?: StageResults[];
  /** How requests were spread over several endpoints; left out for a single one. */
  balance?: Balance;
  /** The figures of each endpoint, named by URL, over all measured stages; left out for a single one. */
  endpoints?: StageResults[];
  /** The figures of each process that sent the load; left out for a single one. */
  shards?: ShardResults[];
  /** First turns compared with later ones; left out where there are no later turns. */
  turns?: TurnFigures[];
  /** Objectives of each request; empty for none. */
  slos: Slo[];
  /** Objectives of the whole run, and whether they were met; left out for none. */
  statements?: JudgedStatement[];
  /** Whether these figures can be trusted. */
  verdict: Verdict;
  /**
   * Energy of the measured window, where a sensor reports it. For several processes it is the
   * energy of their hosts, each counted once; `unknown` names hosts that it lacks.
   */
  energy: {
    energy_j: number;
    error_j: number;
    source: string;
    per_token_j: number | null;
    unknown?: string[];
  } | null;
  /** The server's own metrics; null where it has none. */
  server: {
    name: string;
    summary: ServerMetricsSummary;
    readings: ServerMetricsReading[];
  } | null;
  /** Figures of recorded Prometheus pages about GPUs and hosts; left out where none were recorded. */
  telemetry?: RecordedPages;
  /** What a reader must know besides the figures, one line each. */
  notes: string[];
}

/** The names of the measures whose distributions a stage's results hold. */
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

/** Whether a stage's results hold the distribution of this measure. */
export function isDistribution(name: string): name is keyof StageResults["metrics"] {
  return Object.hasOwn(DISTRIBUTIONS, name);
}
