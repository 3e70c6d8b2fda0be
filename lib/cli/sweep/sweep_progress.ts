/** Shows a sweep's live progress, and its failed runs. */
import { ProgressLine, progressText } from "../ui/progress_line.ts";
import type { RunOutcome } from "../../sweep/run_one.ts";
import type { SweepProgress as Progress } from "../../sweep/run_sweep.ts";
import type { Terminal } from "../ui/terminal.ts";

/** Failed runs that are listed individually. */
const MOST_TOLD = 10;
const COMPLAINT_LETTERS = 160;

/** Shows progress and failed runs until disposed. */
export class SweepProgressLine implements Disposable {
  readonly #terminal: Terminal;
  readonly #line: ProgressLine;
  readonly #started_ms = performance.now();
  readonly #jobs: number | null;
  #queue = "";

  /** @param jobs runs at a time on this host; null if a cluster's queue reports them. */
  constructor(terminal: Terminal, jobs: number | null) {
    this.#terminal = terminal;
    this.#jobs = jobs;
    this.#line = new ProgressLine(terminal);
  }

  /** Called when the runs to execute are known. */
  begin(progress: Progress): void {
    this.#update(progress);
  }

  /** Called when a run has ended. */
  show(outcome: RunOutcome, progress: Progress): void {
    if (outcome.exit_code !== 0 && progress.failed <= MOST_TOLD) {
      this.#terminal.say(failureLine(outcome));
      if (progress.failed === MOST_TOLD) {
        this.#terminal.say("further failed runs are only counted");
      }
    }
    this.#update(progress);
  }

  /** Called with the contents of a cluster's queue, which may be unchanged. */
  queue(queue: string, progress: Progress): void {
    this.#queue = queue;
    this.#update(progress);
  }

  #update({ ended, failed, to_do }: Progress): void {
    if (to_do === 0) return;
    this.#line.show((bar) => {
      const elapsed_s = (performance.now() - this.#started_ms) / 1000;
      const rate_per_s = ended === 0 ? null : ended / Math.max(elapsed_s, 1e-3);
      return progressText({
        noun: "runs",
        done: ended,
        total: to_do,
        failed,
        rate_per_s,
        left_s: rate_per_s && (to_do - ended) / rate_per_s,
        in_flight: this.#jobs && Math.min(this.#jobs, to_do - ended),
        more: [this.#queue],
      }, bar);
    }, ended === to_do);
  }

  [Symbol.dispose](): void {
    this.#line[Symbol.dispose]();
  }
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
