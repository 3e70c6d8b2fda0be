/** A batch in use by this process: its state, its journal and its lock. */
import { existsSync } from "node:fs";
import { InputError } from "../errors.ts";
import { itemId } from "../settings/item_id.ts";
import { foldJournal, leftOut } from "../run/fold.ts";
import { Journal, mendJournal } from "../run/journal.ts";
import { takeLock } from "../run/lock.ts";
import { Redactor } from "../run/redact.ts";
import type { BatchFolder } from "./folder.ts";
import { REHEARSAL_LEAD_MS } from "./clock.ts";
import { localOf, momentOf } from "./local_time.ts";
import { writeRecords } from "./records.ts";
import { type Slot, slotsOf } from "./slots.ts";
import { type BatchState, batchState } from "./state.ts";
import { makeFolder } from "../write.ts";
import type { Batch } from "../settings/batch.ts";
import type { BatchEvent } from "../run/batch_events.ts";

/**
 * Reads a batch's journal. Without a journal it returns the state of a batch that has not started.
 *
 * @param warn called for each line that cannot be read.
 */
export async function readState(
  folder: BatchFolder,
  warn: (line: string) => void,
  { mend = false } = {},
): Promise<BatchState> {
  if (!existsSync(folder.journal)) return batchState.begin();
  const { state, ...reading } = await foldJournal(folder.journal, batchState);
  if (mend) mendJournal(folder.journal, reading, warn);
  else leftOut(folder.journal, reading).forEach(warn);
  return state;
}

/** When a batch starts: the time in its file, or now. Milliseconds since 1970, whole seconds. */
export function startOf({ schedule }: Batch, now_ms: number): number {
  if (schedule.start === undefined) return Math.ceil(now_ms / 1000) * 1000;
  return momentOf(localOf(schedule.start), schedule.timezone);
}

/** A hash of what defines a batch: its times, models and questions. */
function identityOf({ name, schedule, models, questions, system, parameters }: Batch): string {
  const { evaluations, period_h, windows_per_day, days, start, timezone, jitter_s, seed } =
    schedule;
  return itemId({
    name,
    schedule: { evaluations, period_h, windows_per_day, days, start, timezone, jitter_s, seed },
    models: models.map(({ provider, model }) => [provider, model]),
    questions,
    system: system ?? null,
    parameters: parameters ?? null,
  });
}

/** Checks that a batch file is still the one that its batch started with. @throws {InputError} */
export function checkSame(batch: Batch, state: BatchState, folder: BatchFolder): void {
  if (state.start === null || state.start.identity === identityOf(batch)) return;
  throw new InputError(
    `${batch.path}: the times, models or questions are no longer those that "${batch.name}" began ` +
      `with; restore them, or give the changed batch another name (its state is in ${folder.path})`,
  );
}

/** Held open while this process may change the batch. */
export class BatchSession implements Disposable {
  /** The batch file, as it was read. */
  readonly batch: Batch;
  /** The folder of its state. */
  readonly folder: BatchFolder;
  /** The state that its journal describes. */
  readonly state: BatchState;
  /** All slots, in time order. */
  readonly slots: Slot[];
  /** Keeps secrets that it has seen out of the journal. */
  readonly redactor = new Redactor();
  readonly #journal: Journal<"batch">;
  readonly #unlock: () => void;

  /**
   * Takes the batch's lock, reads its journal, and rewrites its files of records. A batch that has
   * not started starts now.
   *
   * @param speedup of a rehearsal; null for the wall clock.
   * @throws {InputError} another process is using it, or the batch file has changed.
   */
  static async open(
    batch: Batch,
    folder: BatchFolder,
    { now_ms, speedup, warn }: {
      now_ms: number;
      speedup: number | null;
      warn: (line: string) => void;
    },
  ): Promise<BatchSession> {
    makeFolder(folder.path);
    const unlock = takeLock(folder.lock);
    try {
      const state = await readState(folder, warn, { mend: true });
      checkSame(batch, state, folder);
      checkSpeed(state, speedup, folder);
      return new BatchSession(batch, folder, state, unlock, { now_ms, speedup });
    } catch (error) {
      unlock();
      throw error;
    }
  }

  private constructor(
    batch: Batch,
    folder: BatchFolder,
    state: BatchState,
    unlock: () => void,
    { now_ms, speedup }: { now_ms: number; speedup: number | null },
  ) {
    this.batch = batch;
    this.folder = folder;
    this.state = state;
    this.#unlock = unlock;
    if (state.start === null && speedup === null) refusePast(batch, now_ms);
    this.#journal = new Journal(folder.journal, this.redactor);
    if (state.start === null) {
      const start_ms = startOf(batch, now_ms);
      const rehearsal = speedup === null
        ? null
        : { speedup, wall_ms: now_ms + REHEARSAL_LEAD_MS, rehearsed_ms: start_ms };
      const identity = identityOf(batch);
      this.append({ event: "batch_started", batch: batch.name, start_ms, identity, rehearsal });
      this.flush();
    }
    this.slots = slotsOf(batch.schedule, state.start!.start_ms);
    this.writeRecords();
  }

  /** Appends an event to the journal and updates the state. @throws {InputError} a full disk. */
  append(event: BatchEvent): void {
    this.#journal.append(event);
    this.state.apply(event);
  }

  /** Waits until what was appended would survive a power cut. */
  flush(): void {
    this.#journal.flush();
  }

  /** Writes the files of records from the state. */
  writeRecords(): void {
    writeRecords(this.folder, this.state.records(this.batch, this.slots.length));
  }

  /** Closes the journal and releases the batch's lock. */
  [Symbol.dispose](): void {
    this.#journal[Symbol.dispose]();
    this.#unlock();
  }
}

/** Refuses a batch that would start after its end: its start time is probably out of date. */
function refusePast(batch: Batch, now_ms: number): void {
  const last = slotsOf(batch.schedule, startOf(batch, now_ms)).at(-1)!;
  if (now_ms < last.until_ms) return;
  throw new InputError(
    `${batch.path}: schedule.start: "${batch.schedule.start}" is so long ago that every slot is ` +
      "missed already; give a later start, or leave it out to start now",
  );
}

function checkSpeed({ start }: BatchState, speedup: number | null, { path }: BatchFolder): void {
  const began = start && (start.rehearsal?.speedup ?? null);
  if (start === null || began === speedup) return;
  throw new InputError(
    `--speedup ${speedup}: the rehearsal in ${path} continues with --speedup ${began}; give that, ` +
      "or remove the folder to rehearse again",
  );
}
