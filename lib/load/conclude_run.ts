/** From a load's journal to its results.json, at its end or after it was cut off. */
import { readSamples } from "../hardware/samples.ts";
import { seriesFrom } from "../hardware/series.ts";
import { takeRun } from "../run/session.ts";
import { writeFileAtomic } from "../write.ts";
import { conclude } from "./conclude.ts";
import { readLoadJournal } from "./load_journal.ts";
import { planLoad } from "./plan_load.ts";
import type { Series } from "../hardware/series.ts";
import type { RunDirectory } from "../run/directory.ts";
import type { JournaledLoad } from "./load_journal.ts";
import type { LoadPlan } from "./plan_load.ts";
import type { LoadResults } from "./results.ts";
import type { RequestRecord } from "../run/request_record.ts";

/** The outcome of a load. */
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
 * Sums up what a load's journal holds, and writes it.
 *
 * @throws {InputError} a file cannot be read or written.
 */
export function concludeRun(
  directory: RunDirectory,
  load: JournaledLoad,
  plan: LoadPlan,
  series: Series | null,
): LoadRun {
  const results = conclude({ directory, plan, load, series });
  writeFileAtomic(directory.results, JSON.stringify(results, null, 2) + "\n");
  return { run_id: directory.run_id, directory, results, records: load.records };
}

/**
 * Sums up a load that was cut off: killed, or its machine went down. Sends nothing. One that has its
 * results is summed up again.
 *
 * @throws {InputError} it still runs, it sent nothing, or an earlier dyno made it; a file that its
 * prompts or times came from is no longer there.
 */
export async function resumeLoad(directory: RunDirectory): Promise<LoadRun> {
  const unlock = takeRun(directory);
  try {
    const load = await readLoadJournal(directory);
    const plan = await planLoad(load.started.settings);
    const [session] = readSamples(directory.path);
    return concludeRun(directory, load, plan, session ? seriesFrom(session) : null);
  } finally {
    unlock();
  }
}
