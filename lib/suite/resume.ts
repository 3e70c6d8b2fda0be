/** Reads from a suite's journal which tests are done, their results, and where to continue. */
import { type Fold, foldJournal } from "../run/fold.ts";
import { mendJournal } from "../run/journal.ts";
import { type ResultItem, resultItem } from "./results.ts";
import type { RunDirectory } from "../run/directory.ts";
import type { TestResult } from "../run/test_result.ts";
import type { ItemFiles } from "./result_files.ts";

/** Finished tests by item id; when one ran twice, the later result counts. */
export const testResults: Fold<"run", Map<string, TestResult>> = {
  kind: "run",
  begin: () => new Map(),
  take(results, event) {
    if (event.event !== "package_finished" || event.result === null) return;
    results.set(event.result.item_id, event.result);
  },
};

/**
 * The items that are done, according to the journal of a run that this process continues. The texts of
 * results are not kept; when a result's files are missing, `files` writes them again.
 *
 * @param wanted item ids of the plan; others are ignored.
 * @param again leaves out tests without an answer and those that could not be judged, so that they run
 * again.
 * @param notice called with each problem in the journal, as one line.
 */
export async function readEarlier(
  { journal }: RunDirectory,
  wanted: ReadonlySet<string>,
  files: ItemFiles,
  notice: (line: string) => void,
  again = false,
): Promise<Map<string, ResultItem>> {
  const { state, ...reading } = await foldJournal(journal, {
    kind: "run",
    begin: () => new Map<string, ResultItem>(),
    take(items, event) {
      if (event.event !== "package_finished" || event.result === null) return;
      const { result } = event;
      if (!wanted.has(result.item_id)) return;
      items.set(result.item_id, resultItem(result));
      if (!files.exist(result.test_id)) files.write(result);
    },
  });
  mendJournal(journal, reading, notice);
  for (const [item_id, { success, evaluation_error }] of state) {
    if (again && (!success || evaluation_error !== null)) state.delete(item_id);
  }
  return state;
}

/**
 * The results of a run in the order in which they finished, read from its journal. `performance_metrics`
 * are in the items' files, not here.
 *
 * @throws the system's error when there is no journal.
 */
export async function readResults(directory: RunDirectory): Promise<TestResult[]> {
  const { state } = await foldJournal(directory.journal, testResults);
  return [...state.values()];
}
