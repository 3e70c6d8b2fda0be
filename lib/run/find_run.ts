/** Finds the run that a user means, or explains why there is none. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { InputError } from "../errors.ts";
import { didYouMean } from "../text/nearest.ts";
import { noSuchFile } from "../text/no_such_file.ts";
import { findRun, type RunDirectory, runDirectoryAt } from "./directory.ts";
import { type RunIndex, withRunIndex } from "./index.ts";
import { looksLikeRun } from "./read_run.ts";
import { isRunId } from "./run_id.ts";
import type { RunFilter } from "./index_filter.ts";

/** How many entries of a folder without runs are examined. */
const MOST_ENTRIES = 1000;

/**
 * Finds a run by its id, by the beginning of its id if unambiguous (with or without `bench_`), by
 * `latest`, by `latest~1` for the one before, or by the path of its folder.
 *
 * @returns the path of the run's folder.
 * @throws {InputError} no such run, or more than one.
 */
export async function resolveRun(
  index: RunIndex,
  given: string,
  filter: RunFilter = {},
): Promise<string> {
  const back = /^latest(?:~(\d+))?$/.exec(given);
  if (back !== null) {
    const steps = Number(back[1] ?? 0);
    const runs = await index.list({ ...filter, limit: steps + 1 });
    if (runs.length > steps) return runs[steps].path;
    const there = runs.length === 0
      ? noRuns(index, filter)
      : `there ${runs.length === 1 ? "is only one run" : `are only ${runs.length} runs`}`;
    throw new InputError(`"${given}": ${there}`);
  }
  if (given.includes("/") || (existsSync(given) && statSync(given).isDirectory())) {
    const path = resolve(given);
    if (looksLikeRun(path)) return path;
    if (!existsSync(path)) throw new InputError(noSuchFile(given, "run directory"));
    throw new InputError(
      `${given}: no run directory; it has neither events.jsonl nor results.json`,
    );
  }
  const ids = index.idsWithPrefix(given);
  const exact = ids.find((id) => id === given);
  if (exact !== undefined || ids.length === 1) return resolve(index.root, exact ?? ids[0]);
  if (ids.length > 1) {
    throw new InputError(
      `"${given}" begins more than one run id: ${ids.slice(0, 4).join(", ")}${
        ids.length > 4 ? ", …" : ""
      }; give more of it`,
    );
  }
  if (index.count() === 0) throw new InputError(`no run "${given}": ${noRuns(index)}`);
  const known = (await index.list({ limit: 200 })).map(({ run_id }) => run_id);
  const hint = /^latest[-^_]?\d*$/.test(given)
    ? "; the runs before the latest are latest~1, latest~2, …"
    : didYouMean(given, known) || "; see dyno runs list";
  throw new InputError(`no run "${given}" in ${index.root}${hint}`);
}

/**
 * Finds the run to continue, like {@linkcode resolveRun}, under the folder `root`.
 *
 * @throws {InputError} no such run, more than one, or a folder without a journal.
 */
export async function runToResume(given: string, root: string): Promise<RunDirectory> {
  const named = isRunId(given) || given.includes("/") || existsSync(resolve(given));
  if (named || !existsSync(root)) return findRun(given, root);
  const path = await withRunIndex(root, (index) => resolveRun(index, given));
  return findRun(runDirectoryAt(path).path, root);
}

/** Explains why there are no runs, and what to check. */
export function noRuns(index: RunIndex, filter: RunFilter = {}): string {
  if (!existsSync(index.root)) {
    return `no runs found: the folder ${index.root} does not exist; ` +
      `make a run with dyno run or dyno load, take in other programs' results with ` +
      `dyno runs import PATH, or give the folder with --runs DIR`;
  }
  const all = index.count();
  if (all === 0) {
    return `no runs found in ${index.root}: ${whatElse(index.root)}`;
  }
  const given = Object.entries(filter)
    .filter(([name, value]) => value !== undefined && !/^(limit|offset)$/.test(name))
    .map(([name]) => name.replace(/_s$/, "").replace("tags", "tag"));
  return `no runs found: none of the ${all} in ${index.root} fits ${
    given.map((name) => `--${name}`).join(", ") || "the filter"
  }; widen it, or see dyno runs list`;
}

/** Describes the contents of a folder without runs, and what to do. */
function whatElse(root: string): string {
  if (looksLikeRun(root)) return `it is a run itself; give the folder above it with --runs DIR`;
  const entries = readdirSync(root, { withFileTypes: true }).slice(0, MOST_ENTRIES);
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const above = folders.find((name) => holdsRuns(join(root, name)));
  if (above !== undefined) return `${join(root, above)} holds some; give it with --runs DIR`;
  const foreign = folders.some((name) => /^(logs|results|bench_runs|runs)$/.test(name)) ||
    entries.some(({ name }) => /\.(jsonl?|csv)$/.test(name));
  return foreign
    ? `it may hold other programs' results: dyno runs import ${root} --runs DIR takes them in`
    : "check that it holds run directories (each with events.jsonl and run_metadata.json), or give " +
      "another with --runs DIR";
}

function holdsRuns(folder: string): boolean {
  try {
    const names = readdirSync(folder).slice(0, MOST_ENTRIES);
    return names.some((name) => isRunId(name) && looksLikeRun(join(folder, name)));
  } catch {
    return false;
  }
}
