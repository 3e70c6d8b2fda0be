/**
 * Defines every event of every journal, by name and fields; those of batches are in
 * batch_events.ts. All writers use these types, and all readers check against them
 * (event_forms.ts). Null means unknown, or missing in an older journal or one of another program.
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

/** An event with both clocks, as a journal has it. */
export type Recorded<Event> = Event & {
  /** Seconds since 1970. */
  t: number;
  /** On CLOCK_MONOTONIC; null in journals of other programs. */
  mono_ns: number | null;
};

/** The events of each kind of journal. */
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

/**
 * An entry of the ledger: a request of a suite or of coding problems has ended, or one of the first
 * requests of a load.
 */
export interface BookedEvent {
  event: "request_booked";
  entry: LedgerEntry;
}

/** The end of a suite's session; the fields are those of other programs' journals. */
interface SessionEnd {
  finished_at_unix_seconds: number | null;
  /** Tests that have a result. */
  samples: number | null;
  /** Tests that failed without an answer. */
  errors: number | null;
  avg_hit_rate: number | null;
  /** Tests that have no result yet. */
  missing: number | null;
  /**
   * CRC-32 of results.json, which was written before this event, in eight hexadecimal digits.
   * Earlier versions of dyno recorded none.
   */
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
    /** Number of tests in the plan. */
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
    /** The most requests that it may have in flight, where more than one: judges vote at the same time. */
    requests_at_once?: number | undefined;
  }
  | {
    /** A test is about to have more requests in flight than its start said, mostly an evaluator's of the user. */
    event: "package_asks";
    item_id: string;
    requests_at_once: number;
  }
  | {
    /** An attempt at a request failed; another may follow. */
    event: "llm_request_error";
    package_id: string | null;
    attempt: number | null;
    error_class: FailureClass | null;
    status: number | null;
    error: string | null;
    /** Null: there is no other attempt. */
    retry_in_s: number | null;
  }
  | {
    /** A request waits for a limit of requests or tokens per minute. */
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
    /** Null in journals of other programs, for which the other fields are used. */
    result: TestResult | null;
  }
  | {
    /** The part of an evaluator's prompt that is the same for all answers. */
    event: "prompt_pinned";
    /** A hash of that part. */
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
    /** The model's answer; null where there is none, and for vectors. */
    answer: string | null;
    /** Why there is no answer; null where there is one. */
    error: string | null;
    /** What the request spent, in journals without entries of the ledger; null in those with entries. */
    spent: Spent | null;
  }
  | { event: "workers_changed"; workers: number; reason: string }
  /** One of several endpoints no longer answers; tests continue with the others. */
  | { event: "endpoint_lost"; endpoint: string; error: string }
  | { event: "endpoint_back"; endpoint: string }
  | HealthAlert & { event: "health_alert" }
  | { event: "listener_failed"; error: string | null }
  | SessionEnd & { event: "run_finished" }
  | SessionEnd & { event: "run_interrupted" };

/** Events of coding problems, in addition to those of a suite. */
export type CodingEvent =
  | { event: "attempt_finished"; attempt: Attempt }
  | {
    event: "review_finished";
    experiment_id: string;
    /** The reviewer's advice. */
    advice: string;
    /** What the request spent, in journals without entries of the ledger; null in those with entries. */
    spent: Spent | null;
  };

/** Several endpoints that serve the same model, and how requests are divided between them. */
export interface Several {
  endpoints: string[];
  balance: Balance;
}

/** The start of a load. */
export interface LoadStarted {
  /** 2: the journal contains all that the results need. */
  schema_version: number;
  name: string;
  settings: LoadSettings;
  /** The transport that was used; null in journals of version 1. */
  transport: string | null;
  /** The endpoint or endpoints; null in journals of version 1. */
  api: {
    endpoint: string;
    model: string;
    api_type: ApiType;
    several?: Several | undefined;
    models?: string[] | undefined;
  } | null;
  /** The price of its tokens; null where unknown. Missing in older journals. */
  price?: PriceRow | null | undefined;
  /** Prices of the other models that requests name. */
  prices?: Record<string, PriceRow | null> | undefined;
  /**
   * Tokens that the server adds to each prompt, by which made-up prompts are shorter; missing where
   * unknown.
   */
  template_tokens?: number | undefined;
  /**
   * For a load that several processes send together: their number, and the index of this one; null
   * for all of them.
   */
  shards?: { count: number; index: number | null } | undefined;
}

/** A stage's span on CLOCK_MONOTONIC, nanoseconds. */
export interface StageSpan {
  start_ns: number;
  end_ns: number;
}

/** The state of a load when nothing more was to be sent. */
export interface LoadMeasured {
  /** False when an interruption cut the plan short. */
  complete: boolean;
  /** Why it ended before its plan was done; null when it did not. */
  stopped_because: string | null;
  /** Whether a request was due and no prompt was left for it. */
  out_of_prompts: boolean;
  client: ClientReading;
}

/** Events of a load. */
export type LoadEvent =
  | LoadStarted & { event: "load_started"; anchor: ClockAnchor | null }
  | { event: "stage_started"; stage: number; start_ns: number; end_ns: null }
  | { event: "stage_finished"; stage: number; start_ns: number; end_ns: number | null }
  | { event: "request_finished"; result: RequestRecord }
  /** A probe has ended. Probes count only towards a load's costs. */
  | { event: "probe_finished"; result: RequestRecord }
  /**
   * How many requests (or probes) may begin before the next event of this kind, including those
   * that have ended. After a kill, the journal says nothing else about what was in flight. Earlier
   * versions of dyno recorded none.
   */
  | { event: "requests_begun"; most: number; probes?: boolean | undefined }
  | { event: "server_reading"; server: string; reading: ServerMetricsReading }
  | { event: "telemetry_read"; pages: PageCount[]; series: number; left_out: number }
  | DriveProgress & { event: "load_progress"; client: ClientReading }
  /** The part of one of several processes is in this journal, to the extent that it arrived. */
  | { event: "shard_gathered"; shard: ShardFacts }
  | LoadMeasured & { event: "load_measured" }
  | {
    event: "load_finished";
    complete: boolean;
    verdict: { verdict: string };
    requests: Record<string, number>;
    goodput_requests_per_s: number | null;
    /**
     * CRC-32 of results.json, which was written before this event, in eight hexadecimal digits.
     * Earlier versions of dyno recorded none.
     */
    results_crc?: string;
  };

/** The status of a server's task. */
export type TaskStatus = "queued" | "running" | "completed" | "failed" | "cancelled";

/** Named figures of a task, while it runs or after it has ended. Null means unknown. */
export type TaskMetrics = Record<string, number | string | boolean | null>;

/** The process of a task. */
export interface TaskProcess {
  pid: number;
  /** Its start in clock ticks since boot, as a pid may be reused. */
  start_ticks: string | null;
}

/** The request for a task as the server received it. It is checked again when the task runs. */
export type TaskAsked = JsonObject & { kind: "suite" | "load" | "sweep" | "batch" };

/** The end of a task. */
export interface TaskEnd {
  exit_code: number | null;
  error: string | null;
  /** At most ten errors. */
  error_summary: string[];
  metrics: TaskMetrics | null;
  /** The agent, and whether the model was a mock; known once the task runs. */
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
      /** The client's key against duplicate submission, and a digest of its request. */
      idempotency: { key: string; digest: string } | null;
    }
    | { event: "task_started"; run_id: string | null }
    | TaskProcess & { event: "task_process" }
    | { event: "task_requeued"; reason: string }
    | { event: "task_cancelling" }
    | Partial<TaskEnd> & { event: "task_ended"; status: TaskStatus }
  );

/** Events of callbacks: every attempt at each of them. */
export type CallbackEvent =
  & { id: string; url: string }
  & (
    | { event: "callback_queued" }
    | { event: "callback_delivered"; attempt: number; status: number }
    | { event: "callback_attempt"; attempt: number; error: string; next_attempt_unix_s: number }
    | { event: "callback_failed"; attempt: number; error: string }
  );
