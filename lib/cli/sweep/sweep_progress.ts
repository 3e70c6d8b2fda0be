/** A sweep's live progress: one line drawn again on a terminal, one a minute elsewhere. */
import { durationText } from "../../text/duration.ts";
import { ProgressLine } from "../ui/progress_line.ts";
import type { RunOutcome } from "../../sweep/run_one.ts";
import type { SweepProgress as Progress } from "../../sweep/run_sweep.ts";
import type { Terminal } from "../ui/terminal.ts";

/** Failed runs that are told one by one. */
const MOST_TOLD = 10;
const COMPLAINT_LETTERS = 160;

/** Shows progress and failed runs until disposed. */
export class SweepProgressLine implements Disposable {
  readonly #line: ProgressLine;
  readonly #started_ms = performance.now();
  #queue = "";

  constructor(terminal: Terminal) {
    this.#line = new ProgressLine(terminal);
  }

  /** A run has ended. */
  show(outcome: RunOutcome, progress: Progress): void {
    if (outcome.exit_code !== 0 && progress.failed <= MOST_TOLD) {
      this.above(failureLine(outcome));
      if (progress.failed === MOST_TOLD) this.above("further failed runs are only counted");
    }
    this.#update(progress);
  }

  /** What a cluster's queue holds has changed, or not. */
  queue(queue: string, progress: Progress): void {
    this.#queue = queue;
    this.#update(progress);
  }

  #update(progress: Progress): void {
    this.#line.show(() => {
      const elapsed_s = (performance.now() - this.#started_ms) / 1000;
      return [progressText(progress, elapsed_s), this.#queue].filter(Boolean).join(" · ");
    }, false);
  }

  /** Prints a line above the progress. */
  above(line: string): void {
    this.#line.above(line);
  }

  [Symbol.dispose](): void {
    this.#line[Symbol.dispose]();
  }
}

/** `12/96 runs · 1 failed · 4.1 runs/s · ETA 21 s`. */
function progressText({ ended, failed, to_do }: Progress, elapsed_s: number): string {
  const rate = ended / Math.max(elapsed_s, 1e-3);
  return [
    `${ended}/${to_do} runs`,
    failed > 0 ? `${failed} failed` : "",
    `${rate.toFixed(1)} runs/s`,
    ended > 0 ? `ETA ${durationText((to_do - ended) / rate)}` : "",
  ].filter(Boolean).join(" · ");
}

function failureLine({ run_id, exit_code, timed_out, wall_time_s, complaint }: RunOutcome): string {
  const how = timed_out
    ? `timed out after ${wall_time_s.toFixed(1)} s`
    : exit_code < 0
    ? `ended by signal ${-exit_code}`
    : `exit code ${exit_code}`;
  // deno-lint-ignore no-control-regex
  const said = complaint?.replace(/[\u0000-\u001f\u007f]/g, " ").slice(0, COMPLAINT_LETTERS);
  return `failed: ${run_id}: ${how}${said ? `: ${said}` : ""}`;
}
