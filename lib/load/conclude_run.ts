/** From a load's journal to its results.json, at its end or after it was cut off. */
import { statSync } from "node:fs";
import { readSamples } from "../hardware/samples.ts";
import { seriesFrom } from "../hardware/series.ts";
import { dropTornEnd, Journal } from "../run/journal.ts";
import { takeLock } from "../run/lock.ts";
import { Redactor } from "../run/redact.ts";
import { removeDrafts, writeFileAtomic } from "../run/write.ts";
import { conclude } from "./conclude.ts";
import { readLoadJournal } from "./load_journal.ts";
import { planLoad } from "./plan_load.ts";
import type { Series } from "../hardware/series.ts";
import type { RunDirectory } from "../run/directory.ts";
import type { LoadPlan } from "./plan_load.ts";
import type { LoadResults, RequestRecord } from "./results.ts";

/** What came of a load. */
export interface LoadRun {
  /** The run's id and the name of its folder. */
  run_id: string;
  /** Where its files are. */
  directory: RunDirectory;
  /** What results.json holds. */
  results: LoadResults;
  /** Every request, in the order in which they ended. */
  records: RequestRecord[];
}

/**
 * Reads the journal of a load whose end is measured, and writes its results.
 *
 * @throws {InputError} a file cannot be read or written.
 */
export async function concludeRun(
  directory: RunDirectory,
  journal: Journal,
  plan: LoadPlan,
  series: Series | null,
): Promise<LoadRun> {
  const load = await readLoadJournal(directory);
  const results = conclude({ directory, plan, load, series });
  writeFileAtomic(directory.results, JSON.stringify(results, null, 2) + "\n");
  const { verdict, total, complete } = results;
  if (!load.finished) {
    journal.append("load_finished", {
      complete,
      verdict,
      requests: total.requests,
      goodput_requests_per_s: total.goodput?.requests_per_s?.value ?? null,
    });
  }
  return { run_id: directory.run_id, directory, results, records: load.records };
}

/**
 * Sums up a load that was cut off: killed, or its machine went down. Sends nothing. One that has its
 * results is summed up anew.
 *
 * @throws {InputError} it still runs, it sent nothing, or an earlier dyno made it; a file that its
 * prompts or times came from is no longer there.
 */
export async function resumeLoad(directory: RunDirectory): Promise<LoadRun> {
  const unlock = takeLock(directory.lock);
  try {
    removeDrafts(directory.path);
    const { started, reading } = await readLoadJournal(directory);
    const plan = await planLoad(started.settings);
    dropTornEnd(directory.journal, statSync(directory.journal).size, reading);
    using journal = new Journal(directory.journal, new Redactor());
    const [session] = readSamples(directory.path);
    return await concludeRun(directory, journal, plan, session ? seriesFrom(session) : null);
  } finally {
    unlock();
  }
}
