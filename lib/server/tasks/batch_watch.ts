/** Following the journal of a batch: what was recorded since a task was submitted. */
import { LineFollower } from "../../run/follow.ts";
import { asObject, numberAt, textAt } from "../../run/json_fields.ts";
import { eventOf } from "./run_watch.ts";
import type { BatchFolder } from "../../schedule/folder.ts";
import type { JsonObject } from "../../run/json_fields.ts";
import type { TaskWatch } from "./runner.ts";
import type { TaskMetrics } from "./task.ts";

const ERRORS = 10;

/** Counts the slots and records of a batch. */
export class BatchWatch implements TaskWatch {
  readonly #follow: LineFollower;
  readonly #since_s: number;
  readonly #errors: string[] = [];
  readonly #sum = { slots: 0, skipped: 0, records: 0, successful: 0, covered: 0, coverage: 0 };
  #open = false;

  /** @param since_s what is older belongs to earlier tasks; unix seconds. */
  constructor({ journal }: BatchFolder, since_s: number) {
    this.#follow = new LineFollower(journal);
    this.#since_s = since_s;
  }

  refresh(): boolean {
    let some = false;
    for (const line of this.#follow.lines()) {
      const event = eventOf(line);
      if (event === null || (numberAt(event, "t") ?? 0) < this.#since_s) continue;
      some = true;
      this.#take(event);
    }
    return some;
  }

  #take(event: JsonObject): void {
    const sum = this.#sum;
    if (event.event === "slot_started") this.#open = true;
    if (event.event === "slot_skipped") sum.skipped++;
    if (event.event === "slot_finished") {
      this.#open = false;
      sum.slots++;
    }
    if (event.event !== "run_finished") return;
    const error = textAt(event, "error");
    if (error !== null && this.#errors.length < ERRORS) {
      this.#errors.push(`${textAt(event, "provider")} ${textAt(event, "model")}: ${error}`);
    }
    for (const [, record] of event.records as [string, unknown][]) {
      const found = asObject(record);
      sum.records++;
      if (found?.success === true) sum.successful++;
      const score = numberAt(found, "coverage_score");
      if (score === null) continue;
      sum.covered++;
      sum.coverage += score;
    }
  }

  metrics(): TaskMetrics {
    const { slots, skipped, records, successful, covered, coverage } = this.#sum;
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
    return this.#errors;
  }

  complete(): boolean {
    return !this.#open;
  }

  facts(): null {
    return null;
  }

  [Symbol.dispose](): void {
    this.#follow[Symbol.dispose]();
  }
}
