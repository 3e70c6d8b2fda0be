/**
 * The events of a batch's journal; those of its runs are in events.ts. Null means unknown.
 */
/**
 * Whether a slot started on time. A missed one was not started before the time of the next slot, if
 * at all.
 */
export type Timeliness = "on_time" | "late" | "missed";

/** The start of a batch. */
export interface BatchStart {
  /** Milliseconds since 1970. */
  start_ms: number;
  /** A hash of what must not change while the batch runs. */
  identity: string;
  /** Null for a batch in real time. */
  rehearsal: Rehearsal | null;
}

/** The point at which a rehearsal's time was tied to real time. */
export interface Rehearsal {
  /** How many times faster than real time it runs. */
  speedup: number;
  /** Real time, milliseconds since 1970, at which the rehearsal's time was `rehearsed_ms`. */
  wall_ms: number;
  /** The rehearsal's time, milliseconds since 1970. */
  rehearsed_ms: number;
}

/** A run that was started for a slot and has not ended. */
export interface PendingRun {
  /** The slot's number, from 1. */
  slot: number;
  /** The provider's name in the batch file. */
  provider: string;
  /** The model that it asks. */
  model: string;
  /** The run's id. */
  run_id: string;
  /** Its tests; null for all. */
  tests: string[] | null;
  /** Whether `dyno batch retry` started it. */
  retry: boolean;
}

/** The result of one question to one model. Null means unknown, as most values of a failed request are. */
export interface BatchRecord {
  /** When the question was asked, ISO 8601 in UTC. */
  timestamp: string;
  /** The question's industry in the batch file. */
  industry: string;
  /** The text of the question. */
  question: string;
  /** The provider's name in the batch file. */
  llm_provider: string;
  /** The model that was asked. */
  llm_model: string;
  /** Seconds from sending the request to the end of the answer, for the attempt that counts. */
  latency_sec: number | null;
  /** response_tokens / latency_sec. */
  throughput_tps: number | null;
  /** Whether the endpoint answered. */
  success: boolean;
  /** The share of key points in the answer, 0 to 1. */
  coverage_score: number | null;
  /** Tokens of the prompt. */
  prompt_tokens: number | null;
  /** Tokens of the answer. */
  response_tokens: number | null;
}

/** A slot that was started or skipped. */
export interface SlotTimes {
  /** The slot's number, from 1. */
  slot: number;
  /** Whether it started on time. */
  timeliness: Timeliness | null;
  /** How many seconds late it started. */
  late_s: number | null;
  /** Its planned time, ISO 8601; null where a skipped slot is made up for. */
  planned: string | null;
}

/** Events of a batch, in the batch's folder. Each of its runs has a separate journal. */
export type BatchEvent =
  | BatchStart & { event: "batch_started"; batch: string }
  | SlotTimes & { event: "slot_started" }
  | SlotTimes & { event: "slot_skipped" }
  | { event: "slot_finished"; slot: number; records: number; partial: boolean }
  | PendingRun & { event: "run_started" }
  | {
    event: "run_finished";
    slot: number;
    provider: string;
    model: string;
    run_id: string;
    /** Each with the id of its test. */
    records: [test_id: string, record: BatchRecord][];
    error: string | null;
  }
  | { event: "clock_jumped"; by_s: number }
  | { event: "run_uploaded"; run_id: string; to: string }
  | { event: "records_uploaded"; to: string }
  | { event: "upload_failed"; to: string; error: string };
