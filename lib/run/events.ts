/**
 * Every event of every journal, by its name and its fields; of a batch they are in batch_events.ts. What is
 * written is of these types, and what is read is checked against them (event_forms.ts). Null is unknown, or
 * missing in an older journal or another program's.
 */
import type { ApiType } from "../endpoint/forms/forms.ts";
import type { FailureClass } from "../endpoint/errors.ts";
import type { LimitWait } from "../endpoint/rate_limit.ts";
import type { ClockAnchor } from "../native/clock.ts";
import type { Balance } from "../settings/endpoint.ts";
import type { LoadSettings } from "../settings/load.ts";
import type { Attempt } from "./attempt.ts";
import type { BatchEvent } from "./batch_events.ts";
import type { Spent } from "./budget.ts";
import type { LedgerEntry, PriceRow } from "./ledger_entry.ts";
import type { JsonObject } from "../json_fields.ts";
import type {
  ClientReading,
  DriveProgress,
  PageCount,
  RequestRecord,
  ServerMetricsReading,
  ShardFacts,
} from "./request_record.ts";
import type { TestResult } from "./test_result.ts";
import type { HealthAlert } from "../hardware/health.ts";

/** An event as a journal has it: with both clocks. */
export type Recorded<Event> = Event & {
  /** Seconds since 1970. */
  t: number;
  /** On CLOCK_MONOTONIC; null in other programs' journals. */
  mono_ns: number | null;
};

/** What each kind of journal tells. */
export interface JournalEvents {
  /** events.jsonl in a run directory. */
  run: RunEvent;
  /** events.jsonl in a batch's folder. */
  batch: BatchEvent;
  /** server/tasks.jsonl in a folder of runs. */
  tasks: ServerEvent;
  /** callbacks/log.jsonl in a folder of runs. */
  callbacks: CallbackEvent;
}

/** The kinds of journals. */
export type JournalKind = keyof JournalEvents;

/** Events of a run: of a suite or coding problems, or of a load. */
export type RunEvent = SuiteEvent | CodingEvent | LoadEvent | BookedEvent;

/** A request of a suite or of coding problems has ended, or a first one of a load: an entry of the ledger. */
export interface BookedEvent {
  event: "request_booked";
  entry: LedgerEntry;
}

/** How a suite's session ended; the fields are those of other programs' journals. */
interface SessionEnd {
  finished_at_unix_seconds: number | null;
  /** Tests that have a result. */
  samples: number | null;
  /** Tests without an answer. */
  errors: number | null;
  avg_hit_rate: number | null;
  /** Tests that have no result yet. */
  missing: number | null;
  /** CRC-32 of results.json as it was written before, eight hexadecimal digits; earlier versions left it out. */
  results_crc?: string;
}

/** Events of a suite. */
export type SuiteEvent =
  | {
    event: "run_started";
    schema_version: number | null;
    started_at_unix_seconds: number | null;
    agent: string | null;
    seed: number | null;
    clock_anchor: ClockAnchor | null;
    /** Tests of the plan. */
    planned: number | null;
  }
  | { event: "agent_effective_config"; config: JsonObject | null }
  | {
    event: "run_resumed";
    clock_anchor: ClockAnchor | null;
    finished: number | null;
    planned: number | null;
  }
  | {
    event: "checkpoint_resume_skip";
    package_id: string;
    item_id: string | null;
    reason: string | null;
  }
  | {
    event: "sampling_started";
    sampler: string | null;
    rate_hz: number | null;
    unavailable: string[] | null;
  }
  | {
    event: "package_started";
    /** The test's id in the suite. */
    package_id: string;
    /** Its place in the plan, from 0. */
    i: number | null;
    item_id: string | null;
    /** Requests that it may have in flight at a time, where that is more than one: judges vote together. */
    requests_at_once?: number | undefined;
  }
  | {
    /** An attempt at a request failed; another one may follow. */
    event: "llm_request_error";
    package_id: string | null;
    attempt: number | null;
    error_class: FailureClass | null;
    status: number | null;
    error: string | null;
    /** Null: it is not tried again. */
    retry_in_s: number | null;
  }
  | {
    /** A request waits for a limit on requests or tokens a minute. */
    event: "rate_limited";
    wait_s: number;
    by: LimitWait["by"];
    of: LimitWait["of"];
  }
  | {
    event: "package_finished";
    package_id: string;
    i: number | null;
    item_id: string | null;
    elapsed_seconds: number | null;
    error: string | null;
    timed_out: boolean | null;
    created_hits: number | null;
    targets: number | null;
    /** Null in another program's journal, whose other fields have to do. */
    result: TestResult | null;
  }
  | {
    /** The part of an evaluator's prompt that is the same for every answer. */
    event: "prompt_pinned";
    /** A hash of it. */
    prompt_id: string;
    evaluator: string;
    prompt: string;
  }
  | {
    /** An evaluator asked a model. */
    event: "evaluator_asked";
    package_id: string;
    item_id: string;
    evaluator: string;
    /** The pinned prompt; null for none. */
    prompt_id: string | null;
    endpoint: string;
    model: string;
    /** What it answered; null for no answer, and for vectors. */
    answer: string | null;
    /** Why there is no answer; null where there is one. */
    error: string | null;
    /** What it took, in journals that booked no requests of it; null in those that do. */
    spent: Spent | null;
  }
  | { event: "workers_changed"; workers: number; reason: string }
  /** Nobody answers at one of several endpoints: tests go on at the others. */
  | { event: "endpoint_lost"; endpoint: string; error: string }
  | { event: "endpoint_back"; endpoint: string }
  | HealthAlert & { event: "health_alert" }
  | { event: "listener_failed"; error: string | null }
  | SessionEnd & { event: "run_finished" }
  | SessionEnd & { event: "run_interrupted" };

/** Events of coding problems, beside those of a suite. */
export type CodingEvent =
  | { event: "attempt_finished"; attempt: Attempt }
  | {
    event: "review_finished";
    experiment_id: string;
    /** What the reviewer said. */
    advice: string;
    /** What it took, in journals that booked no requests; null in those that do. */
    spent: Spent | null;
  };

/** Several endpoints that served the same, and how a request's was chosen. */
export interface Several {
  endpoints: string[];
  balance: Balance;
}

/** How a load began. */
export interface LoadStarted {
  /** 2: what is journaled is enough to sum it up. */
  schema_version: number;
  name: string;
  settings: LoadSettings;
  /** Which transport ran; null in journals of version 1. */
  transport: string | null;
  /** The endpoint that was asked, or several; null in journals of version 1. */
  api: {
    endpoint: string;
    model: string;
    api_type: ApiType;
    several?: Several | undefined;
    models?: string[] | undefined;
  } | null;
  /** What its tokens cost; null: unknown. Missing in older journals. */
  price?: PriceRow | null | undefined;
  /** The same of models that requests name beside the first. */
  prices?: Record<string, PriceRow | null> | undefined;
  /** Tokens that the server adds to each prompt, which made-up ones leave room for; missing: unknown. */
  template_tokens?: number | undefined;
  /** Of a load that several processes send together: how many, and which this is; null: all of them. */
  shards?: { count: number; index: number | null } | undefined;
}

/** A stage's span on CLOCK_MONOTONIC, nanoseconds. */
export interface StageSpan {
  start_ns: number;
  end_ns: number;
}

/** What was known when nothing more was sent. */
export interface LoadMeasured {
  /** False when an interruption kept it from what was planned. */
  complete: boolean;
  /** Why it ended before its plan; null when it did not. */
  stopped_because: string | null;
  /** No prompt was left for a request that was to be sent. */
  out_of_prompts: boolean;
  client: ClientReading;
}

/** Events of a load. */
export type LoadEvent =
  | LoadStarted & { event: "load_started"; anchor: ClockAnchor | null }
  | { event: "stage_started"; stage: number; start_ns: number; end_ns: null }
  | { event: "stage_finished"; stage: number; start_ns: number; end_ns: number | null }
  | { event: "request_finished"; result: RequestRecord }
  /** A probe beside the load has ended: it counts in the load's costs only. */
  | { event: "probe_finished"; result: RequestRecord }
  /**
   * Requests (probes) that may be begun before the next one of these, those that have ended included: of what
   * was in flight at a kill the journal says nothing else. An earlier dyno wrote none.
   */
  | { event: "requests_begun"; most: number; probes?: boolean | undefined }
  | { event: "server_reading"; server: string; reading: ServerMetricsReading }
  | { event: "telemetry_read"; pages: PageCount[]; series: number; left_out: number }
  | DriveProgress & { event: "load_progress"; client: ClientReading }
  /** What one of several processes sent is in this journal, as far as it arrived. */
  | { event: "shard_gathered"; shard: ShardFacts }
  | LoadMeasured & { event: "load_measured" }
  | {
    event: "load_finished";
    complete: boolean;
    verdict: { verdict: string };
    requests: Record<string, number>;
    goodput_requests_per_s: number | null;
    /** CRC-32 of results.json as it was written before, eight hexadecimal digits; earlier versions left it out. */
    results_crc?: string;
  };

/** How a server's task stands. */
export type TaskStatus = "queued" | "running" | "completed" | "failed" | "cancelled";

/** What a task came to, or comes to while it runs: named figures. Null is unknown. */
export type TaskMetrics = Record<string, number | string | boolean | null>;

/** A process that carries a task out. */
export interface TaskProcess {
  pid: number;
  /** Its start in clock ticks since boot: a pid may be used again. */
  start_ticks: string | null;
}

/** What was asked of a server, as it was when it was asked: checked again where it is carried out. */
export type TaskAsked = JsonObject & { kind: "suite" | "load" | "sweep" | "batch" };

/** How a task ended. */
export interface TaskEnd {
  exit_code: number | null;
  error: string | null;
  /** At most ten. */
  error_summary: string[];
  metrics: TaskMetrics | null;
  /** Who asked, and whether what was measured came from a mock; known once it runs. */
  agent: string | null;
  model: string | null;
}

/** Events of a server's tasks. */
export type ServerEvent =
  & { task_id: string }
  & (
    | {
      event: "task_queued";
      request: TaskAsked;
      /** The client's key against submitting twice, and the digest of what it asked for. */
      idempotency: { key: string; digest: string } | null;
    }
    | { event: "task_started"; run_id: string | null }
    | TaskProcess & { event: "task_process" }
    | { event: "task_requeued"; reason: string }
    | { event: "task_cancelling" }
    | Partial<TaskEnd> & { event: "task_ended"; status: TaskStatus }
  );

/** Events of callbacks: every attempt at each. */
export type CallbackEvent =
  & { id: string; url: string }
  & (
    | { event: "callback_queued" }
    | { event: "callback_delivered"; attempt: number; status: number }
    | { event: "callback_attempt"; attempt: number; error: string; next_attempt_unix_s: number }
    | { event: "callback_failed"; attempt: number; error: string }
  );
