/** What of the journal of tasks is still needed. */
import type { JournalLine } from "../../run/event_forms.ts";

/** A journal without what nobody asks for any more. */
export interface Compacted {
  lines: JournalLine<"tasks">[];
  /** Tasks that have ended and left out. */
  forgotten: string[];
}

/**
 * Keeps every task that is not over, and of the others those that ended last. The changes of a kept
 * task stay as they are, since followers count them; the processes of one that has ended go.
 *
 * @param kept how many that have ended.
 */
export function compacted(lines: readonly JournalLine<"tasks">[], kept: number): Compacted {
  const over = new Set(
    lines.flatMap(({ event }) => event?.event === "task_ended" ? event.task_id : []),
  );
  const forgotten = new Set([...over].slice(0, Math.max(0, over.size - kept)));
  const isNeeded = ({ event }: JournalLine<"tasks">) =>
    event === null || !forgotten.has(event.task_id) &&
      !(event.event === "task_process" && over.has(event.task_id));
  return { lines: lines.filter(isNeeded), forgotten: [...forgotten] };
}
