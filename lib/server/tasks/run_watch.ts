/** Follows the run directory of a task. */
import { readFileSync } from "node:fs";
import { JournalFollower } from "../../run/fold.ts";
import { asObject, textAt } from "../../json_fields.ts";
import { runState } from "../../run/run_state.ts";
import { loadProgress, type RunProgress, suiteProgress } from "./progress.ts";
import type { RunDirectory } from "../../run/directory.ts";
import type { TaskSubject, TaskWatch } from "./task_watch.ts";
import type { RunEvent, TaskMetrics } from "../../run/events.ts";

/** Reads a run's journal as it grows. */
export class RunWatch implements TaskWatch {
  readonly #directory: RunDirectory;
  readonly #follow: JournalFollower<"run">;
  readonly #state = runState.begin();
  readonly #progress: RunProgress;
  readonly #onEvent: (event: RunEvent) => void;
  #facts: TaskSubject | null = null;

  constructor(kind: string, directory: RunDirectory, onEvent: (event: RunEvent) => void) {
    this.#directory = directory;
    this.#follow = new JournalFollower(directory.journal, "run");
    this.#progress = kind === "load" ? loadProgress() : suiteProgress();
    this.#onEvent = onEvent;
  }

  refresh(last: boolean): boolean {
    let some = false;
    for (const { event } of this.#follow.lines()) {
      if (event === null) continue;
      some = true;
      runState.take(this.#state, event);
      this.#progress.add(event);
      this.#onEvent(event);
    }
    if (last) this.#progress.over();
    return some;
  }

  metrics(): TaskMetrics {
    return this.#progress.metrics();
  }

  errors(): string[] {
    return this.#progress.errors();
  }

  complete(): boolean {
    return this.#state.ended === "complete";
  }

  facts(): TaskSubject | null {
    return this.#facts ??= factsOf(this.#directory);
  }

  [Symbol.dispose](): void {
    this.#follow[Symbol.dispose]();
  }
}

function factsOf({ metadata }: RunDirectory): TaskSubject | null {
  try {
    const facts = asObject(JSON.parse(readFileSync(metadata, "utf8")));
    return { agent: textAt(facts, "agent"), model: textAt(facts, "model") };
  } catch {
    return null; // it has not been written yet
  }
}
