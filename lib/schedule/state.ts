/** The state that a batch's journal describes: each slot's status, and every record. */
import type { Batch, BatchModel } from "../settings/batch.ts";
import type { Fold } from "../run/fold.ts";
import type {
  BatchEvent,
  BatchRecord,
  BatchStart,
  PendingRun,
  Timeliness,
} from "../run/batch_events.ts";
import { testIdOf } from "./suite_of_batch.ts";

/** The state of a slot. */
export interface SlotState {
  /** partial: ended, but not every question was asked of every model. */
  status: "waiting" | "running" | "done" | "partial" | "skipped";
  /** Null while it waits. */
  timeliness: Timeliness | null;
  /** Seconds from its time to its start or skip; null while it waits. */
  late_s: number | null;
}

const WAITING: SlotState = { status: "waiting", timeliness: null, late_s: null };

/** The state after a sequence of events. */
export class BatchState {
  /** What it started with; null before. */
  start: BatchStart | null = null;
  readonly #slots = new Map<number, SlotState>();
  readonly #pending = new Map<string, PendingRun>();
  /** Slots and models whose run has ended, retries excluded. */
  readonly #finished = new Set<string>();
  /** Ended runs that were not uploaded. */
  readonly #toUpload = new Set<string>();
  #recordsUploaded = true;
  readonly #records = new Map<string, BatchRecord>();

  /** Applies an event of the journal. */
  apply(event: BatchEvent): void {
    switch (event.event) {
      case "batch_started":
        this.start = event;
        return;
      case "slot_started":
      case "slot_skipped": {
        const { slot, timeliness, late_s } = event;
        const status = event.event === "slot_started" ? "running" : "skipped";
        this.#slots.set(slot, { status, timeliness, late_s });
        return;
      }
      case "slot_finished":
        this.#slots.set(event.slot, {
          ...this.slot(event.slot),
          status: event.partial ? "partial" : "done",
        });
        return;
      case "run_started":
        this.#pending.set(event.run_id, event);
        return;
      case "run_uploaded":
        this.#toUpload.delete(event.run_id);
        return;
      case "records_uploaded":
        this.#recordsUploaded = true;
        return;
      case "run_finished": {
        const { slot, run_id, records } = event;
        this.#toUpload.add(run_id);
        this.#recordsUploaded = false;
        this.#runFinished(slot, run_id);
        for (const [test_id, record] of records) {
          this.#records.set(keyOf(slot, record.llm_provider, record.llm_model, test_id), record);
        }
      }
    }
  }

  /** The state of a slot. */
  slot(slot: number): SlotState {
    return this.#slots.get(slot) ?? WAITING;
  }

  /** Whether nothing remains to be done for a slot. */
  isOver(slot: number): boolean {
    return !["waiting", "running"].includes(this.slot(slot).status);
  }

  /** Whether a slot's own run of a model has ended, retries excluded. */
  hasRun(slot: number, { provider, model }: BatchModel): boolean {
    return this.#finished.has(keyOf(slot, provider, model, ""));
  }

  /** The run of a model that was started for a slot and has not ended. */
  pendingRun(slot: number, { provider, model }: BatchModel, retry: boolean): PendingRun | null {
    return [...this.#pending.values()].find((run) =>
      run.slot === slot && run.provider === provider && run.model === model && run.retry === retry
    ) ?? null;
  }

  #runFinished(slot: number, run_id: string): void {
    const run = this.#pending.get(run_id);
    if (run && !run.retry) this.#finished.add(keyOf(slot, run.provider, run.model, ""));
    this.#pending.delete(run_id);
  }

  /** Ended runs that were not uploaded, oldest first. */
  runsToUpload(): string[] {
    return [...this.#toUpload];
  }

  /** Whether anything has ended that was not uploaded. */
  get uploadPending(): boolean {
    return this.#toUpload.size > 0 || !this.#recordsUploaded;
  }

  /** The record of a test; null if there is none yet. */
  record(slot: number, { provider, model }: BatchModel, test_id: string): BatchRecord | null {
    return this.#records.get(keyOf(slot, provider, model, test_id)) ?? null;
  }

  /** Every record, ordered by slot, then by model and question as in the batch file. */
  records(batch: Batch, slots: number): BatchRecord[] {
    const all: BatchRecord[] = [];
    for (let slot = 1; slot <= slots; slot++) all.push(...this.recordsOf(batch, slot));
    return all;
  }

  /** The records of one slot. */
  recordsOf(batch: Batch, slot: number): BatchRecord[] {
    return batch.models.flatMap((model) =>
      batch.questions.flatMap((question) => this.record(slot, model, testIdOf(question)) ?? [])
    );
  }
}

/** Builds a batch's state from its journal. */
export const batchState: Fold<"batch", BatchState> = {
  kind: "batch",
  begin: () => new BatchState(),
  take: (state, event) => state.apply(event),
};

function keyOf(slot: number, provider: string, model: string, test_id: string): string {
  return JSON.stringify([slot, provider, model, test_id]);
}
