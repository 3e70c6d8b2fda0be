/** The index of runs for many questions in a row: the folder is looked through now and then. */
import { withRunIndex } from "../run/index.ts";
import type { RunIndex } from "../run/index.ts";

/** Of 100,000 runs a look takes most of a second: it is not to take more than a tenth of the time. */
const REST = 9;

/** Gives the index to `work`, brought up to date first where that is due. */
export type WithRuns = <T>(work: (index: RunIndex) => T | Promise<T>) => Promise<T>;

/** @param onNotice called when the index is rebuilt. */
export function freshIndex(root: string, onNotice: (line: string) => void): WithRuns {
  let looking: Promise<void> | null = null;
  let due_ms = -Infinity;
  const look = async () => {
    const started_ms = performance.now();
    try {
      await withRunIndex(root, () => {}, onNotice);
    } finally {
      const now_ms = performance.now();
      due_ms = now_ms + REST * (now_ms - started_ms);
      looking = null;
    }
  };
  return async (work) => {
    if (performance.now() >= due_ms) await (looking ??= look());
    return await withRunIndex(root, work, onNotice, { refresh: false });
  };
}
