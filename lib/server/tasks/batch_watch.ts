/** Follows the journal of a batch: counts what was recorded since a task was submitted. */
import { type Fold, JournalFollower } from "../../run/fold.ts";
import type { TaskMetrics } from "../../run/events.ts";
import type { BatchFolder } from "../../schedule/folder.ts";
import type { TaskWatch } from "./task_watch.ts";

const ERRORS = 10;

/** Sums over a batch's slots and records. */
export interface BatchSums {
  /** A slot was started and has not ended. */
  open: boolean;
  slots: number;
  skipped: number;
  records: number;
  successful: number;
  /** Records with a coverage, and the sum of their coverages. */
  covered: number;
  coverage: number;
  /** The first errors, at most ten. */
  errors: string[];
}

/** Sums of a batch. */
export const batchSums: Fold<"batch", BatchSums> = {
  kind: "batch",
  begin: () => ({
    open: false,
    slots: 0,
    skipped: 0,
    records: 0,
    successful: 0,
    covered: 0,
    coverage: 0,
    errors: [],
  }),
  take(sums, event) {
    switch (event.event) {
      case "slot_started":
        sums.open = true;
        break;
      case "slot_skipped":
        sums.skipped++;
        break;
      case "slot_finished":
        sums.open = false;
        sums.slots++;
        break;
      case "run_finished": {
        const { provider, model, error, records } = event;
        if (error !== null && sums.errors.length < ERRORS) {
          sums.errors.push(`${provider} ${model}: ${error}`);
        }
        for (const [, { success, coverage_score }] of records) {
          sums.records++;
          if (success) sums.successful++;
          if (coverage_score === null) continue;
          sums.covered++;
          sums.coverage += coverage_score;
        }
      }
    }
  },
};

/** Counts the slots and records of a batch. */
export class BatchWatch implements TaskWatch {
  readonly #follow: JournalFollower<"batch">;
  readonly #since_s: number;
  readonly #sums = batchSums.begin();

  /** @param since_s older events belong to earlier tasks; Unix seconds. */
  constructor({ journal }: BatchFolder, since_s: number) {
    this.#follow = new JournalFollower(journal, "batch");
    this.#since_s = since_s;
  }

  refresh(): boolean {
    let some = false;
    for (const { event } of this.#follow.lines()) {
      if (event === null || event.t < this.#since_s) continue;
      some = true;
      batchSums.take(this.#sums, event);
    }
    return some;
  }

  metrics(): TaskMetrics {
    const { slots, skipped, records, successful, covered, coverage } = this.#sums;
    return {
      slots,
      skipped,
      records,
      successful,
      errors: records - successful,
      coverage_mean: covered ? coverage / covered : null,
    };
  }

  errors(): string[] {
    return this.#sums.errors;
  }

  complete(): boolean {
    return !this.#sums.open;
  }

  facts(): null {
    return null;
  }

  [Symbol.dispose](): void {
    this.#follow[Symbol.dispose]();
  }
}
