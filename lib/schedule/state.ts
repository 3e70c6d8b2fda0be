/** What a batch's journal comes to: the state of each slot, and every record. */
import type { Batch, BatchModel } from "../settings/batch.ts";
import type { JournalEvent } from "../run/journal.ts";
import type { Rehearsal } from "./clock.ts";
import type { BatchRecord } from "./records.ts";
import { testIdOf } from "./suite_of_batch.ts";

/** How a slot's start lay to its time; a missed one has its next one's time behind it. */
export type Timeliness = "on_time" | "late" | "missed";

export interface SlotState {
  /** partial: over, but not every question was put to every model. */
  status: "waiting" | "running" | "done" | "partial" | "skipped";
  /** Null while it waits. */
  timeliness: Timeliness | null;
  /** Seconds behind its time when it was started or skipped; null while it waits. */
  late_s: number | null;
}

/** A run that was begun for a slot and has not ended. */
export interface PendingRun {
  slot: number;
  provider: string;
  model: string;
  run_id: string;
  /** The tests it has; null for all. */
  tests: string[] | null;
  /** It belongs to `dyno batch retry`. */
  retry: boolean;
}

/** What a batch began with. */
export interface BatchStart {
  start_ms: number;
  /** A hash of what must not change while it goes on. */
  identity: string;
  rehearsal: Rehearsal | null;
}

const WAITING: SlotState = { status: "waiting", timeliness: null, late_s: null };

/** Events, one after the other, as a state. */
export class BatchState {
  start: BatchStart | null = null;
  readonly #slots = new Map<number, SlotState>();
  readonly #pending = new Map<string, PendingRun>();
  /** Models of slots whose run is over, retries apart. */
  readonly #finished = new Set<string>();
  /** Runs that are over and were not uploaded. */
  readonly #toUpload = new Set<string>();
  #recordsUploaded = true;
  readonly #records = new Map<string, BatchRecord>();

  /** Takes in an event of the journal; others than a batch's are left alone. */
  apply(event: JournalEvent): void {
    const slot = event.slot as number;
    switch (event.event) {
      case "batch_started":
        this.start = event as unknown as BatchStart;
        return;
      case "slot_started":
      case "slot_skipped":
        this.#slots.set(slot, {
          status: event.event === "slot_started" ? "running" : "skipped",
          timeliness: event.timeliness as Timeliness,
          late_s: event.late_s as number,
        });
        return;
      case "slot_finished":
        this.#slots.set(slot, {
          ...this.slot(slot),
          status: event.partial ? "partial" : "done",
        });
        return;
      case "run_started":
        this.#pending.set(event.run_id as string, event as unknown as PendingRun);
        return;
      case "run_uploaded":
        this.#toUpload.delete(event.run_id as string);
        return;
      case "records_uploaded":
        this.#recordsUploaded = true;
        return;
      case "run_finished":
        this.#toUpload.add(event.run_id as string);
        this.#recordsUploaded = false;
        this.#runFinished(slot, event.run_id as string);
        for (const [test_id, record] of event.records as [string, BatchRecord][]) {
          this.#records.set(keyOf(slot, record.llm_provider, record.llm_model, test_id), record);
        }
    }
  }

  slot(slot: number): SlotState {
    return this.#slots.get(slot) ?? WAITING;
  }

  /** Whether nothing more is to be done for a slot. */
  isOver(slot: number): boolean {
    return !["waiting", "running"].includes(this.slot(slot).status);
  }

  /** Whether a slot's own run of a model is over. */
  hasRun(slot: number, { provider, model }: BatchModel): boolean {
    return this.#finished.has(keyOf(slot, provider, model, ""));
  }

  /** The run of a model that was begun for a slot and has not ended. */
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

  /** Runs that are over and were not uploaded, the oldest first. */
  runsToUpload(): string[] {
    return [...this.#toUpload];
  }

  /** Whether something is over that was not uploaded. */
  get uploadPending(): boolean {
    return this.#toUpload.size > 0 || !this.#recordsUploaded;
  }

  record(slot: number, { provider, model }: BatchModel, test_id: string): BatchRecord | null {
    return this.#records.get(keyOf(slot, provider, model, test_id)) ?? null;
  }

  /** Every record, by slot, then by model and question in the order of the batch file. */
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

function keyOf(slot: number, provider: string, model: string, test_id: string): string {
  return JSON.stringify([slot, provider, model, test_id]);
}
