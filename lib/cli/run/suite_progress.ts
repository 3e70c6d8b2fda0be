/** What a run of a suite or of coding problems shows while it goes on. */
import { durationText } from "../../text/duration.ts";
import type { ExecutionProgress } from "../../suite/progress.ts";
import type { ProgressLine } from "../ui/progress_line.ts";
import type { Terminal } from "../ui/terminal.ts";

const BAR_WIDTH = 24;

/** Listeners of a run: its progress on the line, its notices above it. */
export function suiteListeners(line: ProgressLine, { paint }: Terminal) {
  return {
    onProgress: (progress: ExecutionProgress) =>
      line.show(
        (bar) => progressText(progress, bar),
        progress.completed_tests === progress.total_tests,
      ),
    onNotice: (notice: string) => line.above(paint.dim(notice)),
  };
}

/** One line: share done, rate, tokens, time left, what runs. */
function progressText(progress: ExecutionProgress, bar: boolean): string {
  const { completed_tests, total_tests, failed_tests, estimated_remaining_time } = progress;
  const filled = Math.round(BAR_WIDTH * completed_tests / Math.max(total_tests, 1));
  const parts = [
    `${completed_tests}/${total_tests}`,
    failed_tests > 0 ? `${failed_tests} failed` : "",
    `${progress.tests_per_second.toFixed(1)} tests/s`,
    `${Math.round(progress.average_tokens_per_second)} tok/s`,
    estimated_remaining_time === null ? "" : `ETA ${durationText(estimated_remaining_time)}`,
    progress.current_test === null ? "" : `${progress.current_category}: ${progress.current_test}`,
  ];
  const drawn = bar ? `${"█".repeat(filled)}${"░".repeat(BAR_WIDTH - filled)} ` : "";
  return drawn + parts.filter(Boolean).join(" · ");
}
