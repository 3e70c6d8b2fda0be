/**
 * The daemon of a batch: waits for each slot, runs it once, and reports slots that were late or
 * missed.
 */
import { resolve } from "node:path";
import { throwIfAborted } from "../execute/scope.ts";
import { runDirectoryAt } from "../run/directory.ts";
import { REHEARSAL_LEAD_MS } from "./clock.ts";
import { concludeSlotRun, finishSlot, runTasks } from "./run_slot.ts";
import { type BatchUpload, uploadRest } from "./upload.ts";
import type { BatchClock } from "./clock.ts";
import type { ModelTask, SlotParts } from "./run_slot.ts";
import type { Slot } from "./slots.ts";
import type { BatchSession } from "./session.ts";
import type { SlotState } from "./state.ts";
import type { Timeliness } from "../run/batch_events.ts";

/** The outcome of a slot. */
export interface SlotOutcome extends SlotState {
  /** The slot. */
  slot: Slot;
  /** Records that it has. */
  records: number;
  /** Records without an answer. */
  failed: number;
}

/** A batch to run, and its listeners. */
export interface BatchRunOptions extends SlotParts {
  /** The clock that it follows. */
  clock: BatchClock;
  /** Runs what is due now or within a minute, then stops: for cron and timers. */
  once?: boolean;
  /** Called while waiting for a slot; repeated every few seconds. */
  onWait?: (slot: Slot, wait_ms: number) => void;
  /** A slot starts. */
  onSlotStarted?: (slot: Slot, state: SlotState) => void;
  /** A slot has ended, run or skipped; the returned promise is awaited. */
  onSlotFinished?: (outcome: SlotOutcome) => Promise<void> | void;
  /** An upload to the batch file's destination succeeded or failed. */
  onUpload?: (upload: BatchUpload) => void;
}

/** How far ahead `once` looks, milliseconds: a minute, cron's resolution. */
const ONCE_MS = 60_000;
/**
 * If the clock differs from a steady one by more than this, it was set or the machine slept;
 * milliseconds.
 */
const JUMP_MS = 2000;

/**
 * Compares a slot's time with now; null if the slot is not due yet.
 *
 * @param now_ms milliseconds since 1970.
 */
export function timelinessOf(slot: Slot, now_ms: number, late_after_s: number): Timeliness | null {
  if (now_ms < slot.due_ms) return null;
  if (now_ms >= slot.until_ms) return "missed";
  return now_ms - slot.due_ms > late_after_s * 1000 ? "late" : "on_time";
}

/**
 * Runs the open slots of a batch, each at its time and once, even across several processes: a slot
 * that was started is continued, not started again. The next slot follows from the journal and the
 * wall clock, which is read after every wait, so setting the clock neither loses nor repeats a
 * slot.
 *
 * @throws {CancelledError} the signal is aborted; the next call continues the batch.
 * @throws {InputError} the journal cannot be written.
 */
export async function runBatch(options: BatchRunOptions, signal: AbortSignal): Promise<void> {
  const { session, clock, onNotice = () => {} } = options;
  const jumps = new JumpWatch(clock, (by_s) => {
    session.append({ event: "clock_jumped", by_s });
    const way = by_s > 0 ? "forward" : "back";
    onNotice(`the clock went ${way} by ${Math.abs(by_s).toFixed(0)} s: set, or the machine slept`);
  });
  for (const slot of session.slots) {
    while (!session.state.isOver(slot.slot)) {
      throwIfAborted(signal);
      jumps.look();
      if (await step(slot, options, signal) === "later") return;
    }
  }
}

/** Checks a slot once: waits a while, or settles it. */
async function step(
  slot: Slot,
  options: BatchRunOptions,
  signal: AbortSignal,
): Promise<"later" | void> {
  const { session, clock, once } = options;
  const { late_after_s, on_late, on_missed } = session.batch.schedule;
  const now_ms = clock.now_ms();
  const timeliness = timelinessOf(slot, now_ms, late_after_s);
  const begun = session.state.slot(slot.slot).status === "running";
  if (!begun && timeliness === null) {
    const wait_ms = slot.due_ms - now_ms;
    if (once && wait_ms > Math.max(ONCE_MS, REHEARSAL_LEAD_MS * clock.speed)) return "later";
    options.onWait?.(slot, wait_ms);
    return await clock.wait(wait_ms, signal);
  }
  const skip = timeliness === "missed" && on_missed === "skip" ||
    timeliness === "late" && on_late === "skip" && !begun;
  if (begun) await (skip ? leave(slot, options) : carryOut(slot, options, signal));
  else {
    session.append({
      event: skip ? "slot_skipped" : "slot_started",
      slot: slot.slot,
      timeliness,
      late_s: (now_ms - slot.due_ms) / 1000,
      planned: new Date(slot.due_ms).toISOString(),
    });
    session.flush();
    if (!skip) await carryOut(slot, options, signal);
  }
  await options.onSlotFinished?.(outcomeOf(slot, session));
  const free_ms = (slot.until_ms - clock.now_ms()) / clock.speed;
  const upload = await uploadRest(session, options.out, free_ms, signal);
  if (upload !== null) options.onUpload?.(upload);
}

async function carryOut(slot: Slot, options: BatchRunOptions, signal: AbortSignal): Promise<void> {
  const { session } = options;
  options.onSlotStarted?.(slot, session.state.slot(slot.slot));
  await runTasks(openTasks(slot, session), options, signal);
  finishSlot(slot.slot, session);
}

/** Ends a slot that was started too long ago, with the records that it has. */
async function leave(slot: Slot, { session, out }: BatchRunOptions): Promise<void> {
  for (const task of openTasks(slot, session)) {
    const model = session.batch.models[task.model_index];
    const run = session.state.pendingRun(slot.slot, model, false);
    if (run) {
      await concludeSlotRun(task, runDirectoryAt(resolve(out, run.run_id)), session, undefined);
    }
  }
  finishSlot(slot.slot, session);
}

/** The models of a slot whose runs have not ended. */
function openTasks({ slot }: Slot, { batch, state }: BatchSession): ModelTask[] {
  return batch.models.flatMap((model, model_index) =>
    state.hasRun(slot, model) ? [] : { slot, model_index, tests: null, retry: false }
  );
}

/** The outcome of a slot so far. */
function outcomeOf(slot: Slot, { batch, state }: BatchSession): SlotOutcome {
  const records = state.recordsOf(batch, slot.slot);
  return {
    slot,
    ...state.slot(slot.slot),
    records: records.length,
    failed: records.filter((record) => !record.success).length,
  };
}

/** Notices that the wall clock was set, by comparing it with a clock that cannot be set. */
class JumpWatch {
  readonly #clock: BatchClock;
  readonly #onJump: (by_s: number) => void;
  #ahead_ms: number;

  constructor(clock: BatchClock, onJump: (by_s: number) => void) {
    this.#clock = clock;
    this.#onJump = onJump;
    this.#ahead_ms = this.#ahead();
  }

  look(): void {
    const by_ms = this.#ahead() - this.#ahead_ms;
    this.#ahead_ms += by_ms;
    if (Math.abs(by_ms) > JUMP_MS * this.#clock.speed) this.#onJump(by_ms / 1000);
  }

  #ahead(): number {
    return this.#clock.now_ms() - this.#clock.elapsed_ms();
  }
}
