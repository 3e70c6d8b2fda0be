/** Repeats what failed. */
import { InputError } from "../errors.ts";
import { finishSlot, type ModelTask, runTasks, type SlotParts } from "./run_slot.ts";
import { testIdOf } from "./suite_of_batch.ts";
import type { BatchSession } from "./session.ts";

/**
 * Returns the work to repeat.
 *
 * @param chosen slots to repeat completely, including skipped ones. Null: the records that are
 * missing or have no answer, in slots that were started.
 * @throws {InputError} a chosen slot does not exist, is not due yet, or is running.
 */
export function retryTasks(session: BatchSession, chosen: readonly number[] | null): ModelTask[] {
  const { batch, state, slots } = session;
  if (chosen) return chosen.flatMap((slot) => wholeSlot(session, slot));
  return slots.filter(({ slot }) => ["done", "partial"].includes(state.slot(slot).status))
    .flatMap(({ slot }) =>
      batch.models.flatMap((model, model_index) => {
        const tests = batch.questions.map(testIdOf)
          .filter((test_id) => !state.record(slot, model, test_id)?.success);
        return tests.length ? { slot, model_index, tests, retry: true } : [];
      })
    );
}

function wholeSlot({ batch, state, slots }: BatchSession, slot: number): ModelTask[] {
  const refuse = (why: string) => new InputError(`--slots: ${slot}: ${why}`);
  if (!slots[slot - 1]) throw refuse(`no such slot; the batch has 1 to ${slots.length}`);
  const { status } = state.slot(slot);
  if (status === "waiting") throw refuse("its time has not come; dyno batch run runs it");
  if (status === "running") throw refuse("it has not ended; dyno batch run continues it");
  const retry = status !== "skipped"; // a skipped slot has its first run now
  return batch.models.map((_, model_index) => ({ slot, model_index, tests: null, retry }));
}

/**
 * Carries out what {@linkcode retryTasks} returned; new records replace the old ones.
 *
 * @throws {CancelledError} the signal is aborted; finished work is in the journal.
 */
export async function runRetry(
  tasks: readonly ModelTask[],
  parts: SlotParts,
  signal: AbortSignal,
): Promise<void> {
  const { session } = parts;
  const { state } = session;
  for (const slot of new Set(tasks.map((task) => task.slot))) {
    const { status, late_s } = state.slot(slot);
    if (status === "skipped") {
      session.append({ event: "slot_started", slot, timeliness: "missed", late_s, planned: null });
    }
    await runTasks(tasks.filter((task) => task.slot === slot), parts, signal);
    finishSlot(slot, session);
  }
}
