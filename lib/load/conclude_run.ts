/** Computes results.json from the journal of a load. */
import { existsSync } from "node:fs";
import { crc32 } from "node:zlib";
import { writeFileAtomic } from "../write.ts";
import { checksumText } from "../seal.ts";
import { conclude } from "./conclude.ts";
import { planLoad } from "./plan_load.ts";
import type { Journal } from "../run/journal.ts";
import type { RunDirectory } from "../run/directory.ts";
import type { EnergyOver } from "./load_energy.ts";
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
 * Computes the results of a load from its journal, and writes them.
 *
 * @throws {InputError} a file cannot be read or written.
 */
export function concludeRun(
  directory: RunDirectory,
  load: JournaledLoad,
  plan: LoadPlan,
  energy: EnergyOver | null,
): LoadRun {
  const results = conclude({ directory, plan, load, energy });
  writeFileAtomic(directory.results, textOf(results));
  return { run_id: directory.run_id, directory, results, records: load.records };
}

function textOf(results: LoadResults): string {
  return JSON.stringify(results, null, 2) + "\n";
}

/** Appends the outcome of a load to its journal, as in results.json. */
export function journalEnd(journal: Journal, { results }: LoadRun): void {
  const { complete, verdict, total } = results;
  journal.append({
    event: "load_finished",
    complete,
    verdict,
    requests: total.requests,
    goodput_requests_per_s: total.goodput?.requests_per_s?.value ?? null,
    results_crc: checksumText(crc32(textOf(results))),
  });
}

/**
 * Plans a journaled load again, by the run's own copy of a request template; a shard's covers its own
 * part.
 *
 * @throws {InputError} as {@linkcode planLoad}.
 */
export function planOfLoad(
  { request_template }: RunDirectory,
  { started: { settings, shards } }: JournaledLoad,
): Promise<LoadPlan> {
  const { index = null, count = 1 } = shards ?? {};
  const own = existsSync(request_template) ? { ...settings, request_template } : settings;
  return planLoad(own, undefined, index === null ? undefined : { index, count });
}
