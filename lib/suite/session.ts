/** A run's directory in use: what earlier sessions finished, and the journal for this one. */
import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { InputError } from "../errors.ts";
import { foldJournal, leftOut } from "../run/fold.ts";
import { dropTornEnd, Journal } from "../run/journal.ts";
import { takeLock } from "../run/lock.ts";
import { removeDrafts, writeFileAtomic } from "../write.ts";
import { resultItem } from "./results.ts";
import type { RunDirectory } from "../run/directory.ts";
import type { Fold } from "../run/fold.ts";
import type { RunMetadata } from "../run/metadata.ts";
import type { Redactor } from "../run/redact.ts";
import type { ItemFiles } from "./result_files.ts";
import type { ResultItem } from "./results.ts";
import type { TestResult } from "../run/test_result.ts";

/** Tests that are done, by item id; of one that ran twice, the later result counts. */
export const testResults: Fold<"run", Map<string, TestResult>> = {
  kind: "run",
  begin: () => new Map(),
  take(results, event) {
    if (event.event !== "package_finished" || event.result === null) return;
    results.set(event.result.item_id, event.result);
  },
};

/** The same without their texts. */
export const resultItems: Fold<"run", Map<string, ResultItem>> = {
  kind: "run",
  begin: () => new Map(),
  take(items, event) {
    if (event.event !== "package_finished" || event.result === null) return;
    items.set(event.result.item_id, resultItem(event.result));
  },
};

/** What a journal tells of items that are done. */
export interface Earlier {
  /** By item id. */
  items: Map<string, ResultItem>;
  /** What was wrong with the journal, one line each. */
  warnings: string[];
}

/**
 * Reads a run's journal: the items that are done. The texts of results are not kept; where a
 * result's files are missing, `files` writes them again.
 *
 * @param wanted item ids of the plan; others are left alone.
 */
export async function readEarlier(
  directory: RunDirectory,
  wanted: ReadonlySet<string>,
  files: ItemFiles,
): Promise<Earlier> {
  const warnings: string[] = [];
  const { state: items, ...reading } = await foldJournal(directory.journal, {
    ...resultItems,
    take(items, event) {
      if (event.event !== "package_finished" || event.result === null) return;
      if (!wanted.has(event.result.item_id)) return;
      resultItems.take(items, event);
      if (!files.exist(event.result.test_id)) files.write(event.result);
    },
  });
  if (reading.torn_bytes > 0) {
    dropTornEnd(directory.journal, statSync(directory.journal).size, reading);
    warnings.push(`${directory.journal}: dropped a last line that was cut off in writing`);
  }
  warnings.push(...leftOut(directory.journal, reading));
  return { items, warnings };
}

/**
 * The results of a run in the order in which they were finished, read from its journal.
 * `performance_metrics` are in the items' files, not here.
 *
 * @throws the system's error when there is no journal.
 */
export async function readResults(directory: RunDirectory): Promise<TestResult[]> {
  const { state } = await foldJournal(directory.journal, testResults);
  return [...state.values()];
}

/** The metadata of a run. @throws {InputError} missing or damaged. */
export async function readMetadata(directory: RunDirectory): Promise<RunMetadata> {
  try {
    return JSON.parse(await readFile(directory.metadata, "utf8"));
  } catch {
    throw new InputError(
      `${directory.metadata}: missing or damaged; the run cannot be resumed, start a new one`,
    );
  }
}

/** The journal and the lock of a run directory, given back together. */
export class Session implements Disposable {
  readonly journal: Journal;
  readonly #unlock: () => void;

  /**
   * @param describe writes what must lie on disk before the journal, whose presence makes it a run.
   * @throws {InputError} another process uses the directory, or it cannot be written.
   */
  constructor(directory: RunDirectory, redactor: Redactor, describe: () => void) {
    this.#unlock = takeLock(directory.lock);
    try {
      const { path, items, report } = directory;
      [path, items, dirname(report)].forEach(removeDrafts);
      describe();
      this.journal = new Journal(directory.journal, redactor);
    } catch (error) {
      this.#unlock();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.journal[Symbol.dispose]();
    this.#unlock();
  }
}

/** Writes what describes a new run. */
export function describeOnDisk(
  directory: RunDirectory,
  metadata: RunMetadata,
  suiteText: string,
): void {
  writeFileAtomic(directory.suite, suiteText);
  writeFileAtomic(directory.metadata, JSON.stringify(metadata, null, 2) + "\n");
}
