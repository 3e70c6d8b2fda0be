/** What of the journal of tasks is still needed. */
import type { JournalEvent } from "../../run/journal.ts";

/** A journal without what nobody asks for any more. */
export interface Compacted {
  events: JournalEvent[];
  /** Tasks that are over and left out. */
  forgotten: string[];
}

/**
 * Keeps every task that is not over, and of the others those that ended last. The changes of a kept
 * task stay as they are, since followers count them; the processes of one that is over go.
 *
 * @param kept so many that are over.
 */
export function compacted(events: readonly JournalEvent[], kept: number): Compacted {
  const over = new Set(
    events.filter(({ event }) => event === "task_ended").map(({ task_id }) => String(task_id)),
  );
  const forgotten = new Set([...over].slice(0, Math.max(0, over.size - kept)));
  const isNeeded = ({ event, task_id }: JournalEvent) =>
    !forgotten.has(String(task_id)) &&
    !(event === "task_process" && over.has(String(task_id)));
  return { events: events.filter(isNeeded), forgotten: [...forgotten] };
}
