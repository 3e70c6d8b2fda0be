/** Shared by the commands on runs: which runs, from which folder, in which form. */
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { InputError } from "../../errors.ts";
import { type IndexedRun, type RunIndex, withRunIndex } from "../../run/index.ts";
import { noRuns, resolveRun } from "../../run/find_run.ts";
import { readRunDirectory, type RunReading } from "../../run/read_run.ts";
import { choice, list, text, toggle, type Values } from "../ui/flags.ts";
import type { RunFilter } from "../../run/index_filter.ts";
import type { Terminal } from "../ui/terminal.ts";

/** The folder of runs. */
export const folderFlag = { "runs": text("DIR", "the folder of runs (runs)") };

/** Output for programs. */
export const jsonFlag = { "json": toggle("JSON on standard output") };

/** Flags that choose runs. */
export const filterFlags = {
  ...folderFlag,
  "model": text("NAME", "part of the model's name"),
  "suite": text("NAME", "part of the suite's or the load's name"),
  "mode": text("MODE", "zero-shot, iterative or comparative"),
  "since": text("TIME", "started then or later: 2027-01-31, 2027-01-31T12:00, today, 24h, 7d"),
  "until": text("TIME", "started before that; a date counts to its end"),
  "tag": list("TAG", "with this tag; several: with all of them"),
  "status": choice(["complete", "incomplete", "failed"], "only such runs"),
};

/** The filter that the flags describe. @throws {InputError} a time has an unknown form. */
export function filterOf(values: Values<typeof filterFlags>): RunFilter {
  return {
    model: values.model,
    suite: values.suite,
    mode: values.mode,
    tags: values.tag,
    status: values.status,
    since_s: values.since === undefined ? undefined : givenMoment("since", values.since),
    until_s: values.until === undefined ? undefined : givenMoment("until", values.until),
  };
}

const UNITS_S: Record<string, number> = { m: 60, h: 3600, d: 86_400, w: 604_800 };

/** A person's moment, in local time, as Unix seconds. */
export function givenMoment(flag: "since" | "until", given: string, now = new Date()): number {
  const ago = /^(\d+)([mhdw])$/.exec(given);
  if (ago) return now.getTime() / 1000 - Number(ago[1]) * UNITS_S[ago[2]];
  const day = /^(today|yesterday)$/.test(given)
    ? new Date(now.getFullYear(), now.getMonth(), now.getDate() - (given === "today" ? 0 : 1))
    : dayOf(given);
  if (day !== null) {
    if (flag === "until") day.setDate(day.getDate() + 1);
    return day.getTime() / 1000;
  }
  const time = /^\d{4}-\d\d-\d\dT/.test(given) ? Date.parse(given) : NaN;
  if (!Number.isNaN(time)) return time / 1000;
  throw new InputError(
    `--${flag}: "${given}" is not a time; expected 2027-01-31, 2027-01-31T12:00, today, yesterday, ` +
      "or an age such as 24h, 7d, 2w",
  );
}

function dayOf(text: string): Date | null {
  const parts = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text)?.slice(1).map(Number);
  if (parts === undefined) return null;
  const day = new Date(parts[0], parts[1] - 1, parts[2]);
  return day.getMonth() === parts[1] - 1 ? day : null; // rejects the 31st of June
}

/** Opens the index of the given folder. */
export function withRuns<T>(
  folder: string | undefined,
  terminal: Terminal,
  work: (index: RunIndex) => T | Promise<T>,
): Promise<T> {
  return withRunIndex(folder ?? "runs", work, (line) => terminal.warn(line));
}

/**
 * The runs that were named, or else those that match the filter.
 *
 * @throws {InputError} there are none; the message says what to check.
 */
export async function chosenRuns(
  index: RunIndex,
  names: readonly string[],
  filter: RunFilter,
): Promise<IndexedRun[]> {
  if (names.length > 0) {
    const run_ids: string[] = [];
    for (const name of names) {
      const path = await resolveRun(index, name, filter);
      if (!path.startsWith(index.root + "/")) {
        throw new InputError(`${name}: is outside ${index.root}; give its folder with --runs`);
      }
      run_ids.push(path.slice(index.root.length + 1));
    }
    const found = new Map(
      (await index.list({ run_ids })).map((run) => [run.run_id, run]),
    );
    return [...new Set(run_ids)].flatMap((id) => found.get(id) ?? []);
  }
  const runs = await index.list(filter);
  if (runs.length === 0) throw new InputError(noRuns(index, filter));
  return runs;
}

/** The folder that contains the first run, if the run is given as a folder. */
export function folderOf([first]: readonly string[]): string | undefined {
  return first?.includes("/") && existsSync(first) ? dirname(resolve(first)) : undefined;
}

/**
 * Reads one run, and reports what was wrong with it.
 *
 * @param asked see {@linkcode readRunDirectory}.
 */
export async function readOne(
  index: RunIndex,
  given: string,
  terminal: Terminal,
  asked?: { items: boolean },
): Promise<RunReading> {
  const run = await readRunDirectory(await resolveRun(index, given), asked);
  run.warnings.forEach((line) => terminal.warn(line));
  return run;
}

/** The one run that was named. @throws {InputError} none or several were named. */
export function onlyOne(
  command: string,
  positional: readonly string[],
  group = "dyno runs",
): string {
  if (positional.length === 1) return positional[0];
  throw new InputError(
    `${group} ${command} takes one run, ${positional.length} given; see ${group} ${command} --help`,
  );
}
