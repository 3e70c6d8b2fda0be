/** Metrics of a running sweep. */
import type { Families } from "./families.ts";

/** Counts the runs of a sweep. */
export class SweepMetrics {
  readonly #families;

  constructor(families: Families) {
    this.#families = {
      planned: families.gauge("sweep_planned_runs", "Runs of the sweep, finished ones included."),
      runs: families.counter("sweep_runs_total", "Runs of the sweep that ended here, by result.", [
        "result",
      ]),
      seconds: families.counter("sweep_run_seconds_total", "Time that the sweep's runs took."),
    };
  }

  planned(runs: number, finished: number): void {
    this.#families.planned.of({}).set(runs);
    this.#families.runs.of({ result: "skipped" }).inc(finished);
    for (const result of ["success", "failed"]) this.#families.runs.of({ result });
  }

  ended(success: boolean, duration_s: number): void {
    this.#families.runs.of({ result: success ? "success" : "failed" }).inc();
    this.#families.seconds.of({}).inc(Math.max(0, duration_s));
  }
}
