/** Follows the folder of a sweep: a run has ended when its meta.json exists. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { parseJson } from "../../settings/json_file.ts";
import { sweepConfigOf } from "../../sweep/config.ts";
import { readMeta, type RunMeta } from "../../sweep/meta.ts";
import { plannedCount } from "../../sweep/plan.ts";
import { runPathsOf, type SweepTree, sweepTreeAt } from "../../sweep/tree.ts";
import type { TaskWatch } from "./task_watch.ts";
import type { TaskMetrics } from "../../run/events.ts";

/** A folder with very many runs is not listed on every refresh. */
const LIST_MS = 1000;
const ERRORS = 10;

/** Counts a sweep's finished runs. */
export class SweepWatch implements TaskWatch {
  readonly #tree: SweepTree;
  readonly #finished = new Set<string>();
  readonly #errors: string[] = [];
  #failed = 0;
  #seconds = 0;
  #planned: number | null = null;
  #listed_ms = -Infinity;

  constructor(exp_dir: string) {
    this.#tree = sweepTreeAt(exp_dir);
  }

  refresh(last: boolean): boolean {
    const now_ms = performance.now();
    if (!last && now_ms - this.#listed_ms < LIST_MS) return false;
    this.#listed_ms = now_ms;
    this.#planned ??= plannedRunsOf(this.#tree);
    const before = this.#finished.size;
    for (const meta of finishedRuns(this.#tree, this.#finished)) {
      this.#finished.add(meta.run_id);
      this.#seconds += meta.wall_time_s;
      if (meta.exit_code === 0) continue;
      this.#failed++;
      if (this.#errors.length < ERRORS) {
        this.#errors.push(`${meta.run_id}: ${meta.error ?? `exit code ${meta.exit_code}`}`);
      }
    }
    return this.#finished.size > before;
  }

  metrics(): TaskMetrics {
    return {
      planned: this.#planned,
      finished: this.#finished.size,
      successful: this.#finished.size - this.#failed,
      errors: this.#failed,
      avg_elapsed_seconds: this.#finished.size ? this.#seconds / this.#finished.size : null,
    };
  }

  errors(): string[] {
    return this.#errors;
  }

  complete(): boolean {
    return this.#finished.size === this.#planned;
  }

  facts(): null {
    return null;
  }

  [Symbol.dispose](): void {}
}

/** The ended runs of a sweep, except those already known. */
export function* finishedRuns(tree: SweepTree, known: ReadonlySet<string>): Generator<RunMeta> {
  if (!existsSync(tree.runs)) return;
  for (const run_id of readdirSync(tree.runs)) {
    if (known.has(run_id)) continue;
    const meta = readMeta(runPathsOf(tree, run_id).meta);
    if (meta !== null) yield meta;
  }
}

function plannedRunsOf(tree: SweepTree): number | null {
  try {
    const text = readFileSync(tree.experiment, "utf8");
    return plannedCount(sweepConfigOf(parseJson(tree.experiment, text)));
  } catch {
    return null; // it has not been written yet
  }
}
