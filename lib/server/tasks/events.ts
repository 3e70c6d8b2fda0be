/** A task's events, as a stream that can be resumed where it was interrupted. */
import { join } from "node:path";
import { runDirectoryAt } from "../../run/directory.ts";
import { JournalFollower } from "../../run/fold.ts";
import { isOver, type Task } from "./task.ts";
import type { TaskMetrics } from "../../run/events.ts";

/** One event: a change of the task, an event of its run's journal, or its metrics. */
export interface TaskEvent {
  /** Where the stream continues after it; null for metrics, which are sent again. */
  id: string | null;
  event: "task" | "run" | "metrics" | "idle";
  /** JSON. */
  text: string;
}

/**
 * A position in a task's stream: the number of its changes, and the byte in the journal of one of
 * its runs.
 */
export interface EventPlace {
  change: number;
  run: number;
  offset: number;
}

export interface EventStreamOptions {
  /** The folder of runs. */
  runs: string;
  from: EventPlace;
  metrics(): TaskMetrics | null;
  /** Resolves at the task's next change, or after a while; the result says whether it changed. */
  changed(): Promise<boolean>;
  signal: AbortSignal;
}

/** The position that an id names; the start if it names none. */
export function eventPlaceOf(id: string | undefined): EventPlace {
  const parts = /^(\d{1,9})\.(\d{1,9})\.(\d{1,15})$/.exec(id ?? "");
  if (parts === null) return { change: 0, run: 0, offset: 0 };
  return { change: Number(parts[1]), run: Number(parts[2]), offset: Number(parts[3]) };
}

/**
 * A task's events from a position, until the task has ended. Events that happened before a change
 * of the task are sent before that change.
 */
export async function* taskEvents(
  task: Task,
  options: EventStreamOptions,
): AsyncGenerator<TaskEvent> {
  const { runs, from, signal } = options;
  const place = { ...from };
  const tail: { follow: JournalFollower<"run"> | null } = { follow: null };
  let told = "";
  const id = () => `${place.change}.${place.run}.${place.offset}`;
  const runLines = function* (): Generator<TaskEvent> {
    const run_id = task.runs[place.run];
    if (run_id === undefined) return;
    const follow = tail.follow ??= new JournalFollower(
      runDirectoryAt(join(runs, run_id)).journal,
      "run",
      place.offset,
    );
    for (const { text } of follow.lines()) {
      place.offset = follow.offset;
      yield { id: id(), event: "run", text };
    }
  };
  try {
    for (;;) {
      const changes = task.changes.length;
      const over = isOver(task);
      while (place.change < changes) {
        const change = task.changes[place.change];
        const run = change.run_id === null ? place.run : task.runs.indexOf(change.run_id);
        if (change.status !== "running" || run > place.run) yield* runLines();
        if (run > place.run) {
          tail.follow?.[Symbol.dispose]();
          tail.follow = null;
          place.run = run;
          place.offset = 0;
        }
        place.change++;
        yield {
          id: id(),
          event: "task",
          text: JSON.stringify({ task_id: task.task_id, ...change }),
        };
      }
      yield* runLines();
      const metrics = JSON.stringify(options.metrics() ?? task.metrics);
      if (metrics !== told && metrics !== "null") {
        told = metrics;
        yield { id: null, event: "metrics", text: metrics };
      }
      if (over || signal.aborted) return;
      if (task.changes.length > changes) continue;
      if (!await options.changed()) yield { id: null, event: "idle", text: "" };
    }
  } finally {
    tail.follow?.[Symbol.dispose]();
  }
}
