/** Computes the results of a load that was cut off. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { readSamples } from "../hardware/samples.ts";
import { seriesFrom } from "../hardware/series.ts";
import { resultsCrc } from "../run/fold.ts";
import { Journal } from "../run/journal.ts";
import { Redactor } from "../run/redact.ts";
import { takeRun } from "../run/session.ts";
import { concludeRun, journalEnd, planOfLoad } from "./conclude_run.ts";
import { hostEnergy, shardEnergy } from "./load_energy.ts";
import { readLoadJournal } from "./load_journal.ts";
import { runDirectoryAt } from "../run/directory.ts";
import { gatherShards } from "./shards/gather.ts";
import { shardFolder, shardRunId } from "./shards/plan.ts";
import type { RunDirectory } from "../run/directory.ts";
import type { LoadRun } from "./conclude_run.ts";

/**
 * Computes the results of a load that was cut off: it was killed, or its machine went down. Sends
 * nothing. A load that has results gets them again.
 *
 * @throws {InputError} the load still runs, sent nothing, or was made by an earlier dyno; a file
 * with its prompts or times no longer exists.
 */
export async function resumeLoad(directory: RunDirectory): Promise<LoadRun> {
  const unlock = takeRun(directory);
  try {
    const load = await readLoadJournal(directory);
    if (load.measured === null && load.started.shards?.index === null) {
      const { count } = load.started.shards;
      for (let shard = 0; shard < count; shard++) checkOver(directory, shard);
      return await gatherShards(directory);
    }
    const plan = await planOfLoad(directory, load);
    const [session] = readSamples(directory.path);
    const energy = load.shards.length > 0
      ? shardEnergy(directory, load.shards)
      : session
      ? hostEnergy(seriesFrom(session))
      : null;
    const run = concludeRun(directory, load, plan, energy);
    if (resultsCrc(directory.journal) !== null) {
      using journal = new Journal(directory.journal, new Redactor());
      journalEnd(journal, run);
    }
    return run;
  } finally {
    unlock();
  }
}

/** @throws {InputError} a shard still runs, or this host cannot tell. */
function checkOver(run: RunDirectory, shard: number): void {
  const directory = runDirectoryAt(join(shardFolder(run), shardRunId(shard)));
  if (existsSync(directory.path)) takeRun(directory)();
}
