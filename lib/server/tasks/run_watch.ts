/** Following the run directory of a task. */
import { readFileSync } from "node:fs";
import { LineFollower } from "../../run/follow.ts";
import { asObject, textAt } from "../../run/json_fields.ts";
import { loadProgress, suiteProgress } from "./progress.ts";
import type { RunDirectory } from "../../run/directory.ts";
import type { JsonObject } from "../../run/json_fields.ts";
import type { RunProgress } from "./progress.ts";
import type { RunFacts, TaskWatch } from "./runner.ts";
import type { TaskMetrics } from "./task.ts";

/** Events that end a run that nothing interrupted. */
const LAST = new Set(["run_finished", "load_finished"]);

/** Reads a run's journal as it grows. */
export class RunWatch implements TaskWatch {
  readonly #directory: RunDirectory;
  readonly #follow: LineFollower;
  readonly #progress: RunProgress;
  readonly #onEvent: (event: JsonObject) => void;
  #complete = false;
  #facts: RunFacts | null = null;

  constructor(kind: string, directory: RunDirectory, onEvent: (event: JsonObject) => void) {
    this.#directory = directory;
    this.#follow = new LineFollower(directory.journal);
    this.#progress = kind === "load" ? loadProgress() : suiteProgress();
    this.#onEvent = onEvent;
  }

  refresh(): boolean {
    let some = false;
    for (const line of this.#follow.lines()) {
      const event = eventOf(line);
      if (event === null) continue;
      some = true;
      this.#complete = LAST.has(String(event.event));
      this.#progress.add(event);
      this.#onEvent(event);
    }
    return some;
  }

  metrics(): TaskMetrics {
    return this.#progress.metrics();
  }

  errors(): string[] {
    return this.#progress.errors();
  }

  complete(): boolean {
    return this.#complete;
  }

  facts(): RunFacts | null {
    return this.#facts ??= factsOf(this.#directory);
  }

  [Symbol.dispose](): void {
    this.#follow[Symbol.dispose]();
  }
}

/** An event of a journal; null for a damaged line. */
export function eventOf(line: string): JsonObject | null {
  try {
    return asObject(JSON.parse(line));
  } catch {
    return null;
  }
}

function factsOf({ metadata }: RunDirectory): RunFacts | null {
  try {
    const facts = asObject(JSON.parse(readFileSync(metadata, "utf8")));
    return { agent: textAt(facts, "agent"), model: textAt(facts, "model") };
  } catch {
    return null; // it is not written yet
  }
}
