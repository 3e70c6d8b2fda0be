/** The progress of a run of a suite or of coding problems. */
import { type ProgressFacts, type ProgressLine, progressText } from "../ui/progress_line.ts";
import { grouped } from "../../text/grouped.ts";
import type { ExecutionProgress } from "../../suite/progress.ts";
import type { Terminal } from "../ui/terminal.ts";

/** Listeners for a run: they show its progress after `start` and its notices above it. */
export function suiteListeners(line: ProgressLine, terminal: Terminal) {
  return {
    onProgress: suiteProgressOn(line),
    onNotice: (notice: string) => terminal.say(terminal.paint.dim(notice)),
  };
}

/** The listener that shows a run's progress; `start` gives the beginning of each line. */
export function suiteProgressOn(line: ProgressLine, start: () => string = () => "") {
  return ({ completed_tests, total_tests }: ExecutionProgress, now: () => ExecutionProgress) =>
    line.show(
      (bar) => start() + progressText(testsProgress(now()), bar),
      completed_tests === total_tests,
    );
}

/** The progress line of a suite: its tests, their tokens, and the running test. */
function testsProgress(progress: ExecutionProgress): ProgressFacts {
  const { completed_tests, total_tests, current_test, current_category } = progress;
  return {
    noun: "tests",
    done: completed_tests,
    total: total_tests,
    failed: progress.failed_tests,
    rate_per_s: progress.estimated_remaining_time === null ? null : progress.tests_per_second,
    left_s: progress.estimated_remaining_time,
    in_flight: progress.running_tests,
    more: [
      progress.total_tokens_generated > 0
        ? `${grouped(Math.round(progress.average_tokens_per_second))} output tok/s of wall time`
        : "",
      current_test === null ? "" : `${current_category}: ${current_test}`,
    ],
  };
}
