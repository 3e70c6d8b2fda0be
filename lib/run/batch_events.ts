/**
 * The events of a batch's journal, beside those of its runs (events.ts). Null is unknown.
 */
/** Whether a slot started on time; a missed one began, if at all, when the next one's time had come. */
export type Timeliness = "on_time" | "late" | "missed";

/** What a batch began with. */
export interface BatchStart {
  /** Milliseconds since 1970. */
  start_ms: number;
  /** A hash of what must not change while it goes on. */
  identity: string;
  /** Null for the batch itself, by the clock on the wall. */
  rehearsal: Rehearsal | null;
}

/** Where a rehearsal's time was tied to the wall's. */
export interface Rehearsal {
  /** This many times as fast. */
  speedup: number;
  /** The wall's time, milliseconds since 1970, at which the rehearsal's was `rehearsed_ms`. */
  wall_ms: number;
  /** The rehearsal's, milliseconds since 1970. */
  rehearsed_ms: number;
}

/** A run that was begun for a slot and has not ended. */
export interface PendingRun {
  /** From 1. */
  slot: number;
  /** As the batch file calls it. */
  provider: string;
  /** The model that is asked. */
  model: string;
  /** The run's id. */
  run_id: string;
  /** The tests it has; null for all. */
  tests: string[] | null;
  /** It belongs to `dyno batch retry`. */
  retry: boolean;
}

/** What one model did with one question. Null is unknown: of a failed request, most is. */
export interface BatchRecord {
  /** When the question was asked, ISO 8601 in UTC. */
  timestamp: string;
  /** The question's, in the batch file. */
  industry: string;
  /** As it was asked. */
  question: string;
  /** As the batch file calls it. */
  llm_provider: string;
  /** The model that was asked. */
  llm_model: string;
  /** From sending the request to the end of the answer, of the attempt that counts. */
  latency_sec: number | null;
  /** response_tokens / latency_sec. */
  throughput_tps: number | null;
  /** The endpoint gave an answer. */
  success: boolean;
  /** The share of key points in the answer, 0..1. */
  coverage_score: number | null;
  /** Tokens of the prompt. */
  prompt_tokens: number | null;
  /** Tokens of the answer. */
  response_tokens: number | null;
}

/** A slot was begun or left out. */
export interface SlotTimes {
  /** From 1. */
  slot: number;
  /** How it lay to its time. */
  timeliness: Timeliness | null;
  /** Seconds after its time. */
  late_s: number | null;
  /** ISO 8601; null where a skipped slot is done after all. */
  planned: string | null;
}

/** Events of a batch, in the batch's own folder. Each of its runs has its own journal. */
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
    /** With the id of each one's test. */
    records: [test_id: string, record: BatchRecord][];
    error: string | null;
  }
  | { event: "clock_jumped"; by_s: number }
  | { event: "run_uploaded"; run_id: string; to: string }
  | { event: "records_uploaded"; to: string }
  | { event: "upload_failed"; to: string; error: string };
