/** Shared by removing and packing runs: which runs, their size, and a dry run first. */
import { existsSync, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { InputError, WriteError } from "../../errors.ts";
import { finishRemovals, runDirectoryAt } from "../../run/directory.ts";
import { isLocked, takeLock } from "../../run/lock.ts";
import { chosenRuns, type filterFlags, filterOf } from "./query.ts";
import { shortened, shownTime } from "./text.ts";
import { type Column, tableLines } from "../ui/table.ts";
import { counted } from "../../text/grouped.ts";
import type { IndexedRun, RunIndex } from "../../run/index.ts";
import type { Values } from "../ui/flags.ts";
import type { Terminal } from "../ui/terminal.ts";

/** A run and the size of its folder. */
export interface SizedRun extends IndexedRun {
  size_bytes: number;
}

const COLUMNS: Column[] = [
  { title: "Run ID", align: "left" },
  { title: "Model", align: "left", cut: true },
  { title: "Status", align: "left" },
  { title: "Size", align: "right" },
  { title: "Timestamp", align: "left" },
];

/**
 * The runs to work on, without those in use, for which it prints a warning. Finishes a removal that
 * was interrupted.
 *
 * @throws {InputError} neither a run nor a filter was given: no choice never means all.
 */
export async function runsToRemove(
  command: string,
  index: RunIndex,
  names: readonly string[],
  values: Values<typeof filterFlags>,
  terminal: Terminal,
): Promise<SizedRun[]> {
  const filter = filterOf(values);
  if (names.length === 0 && Object.values(filter).every((value) => value === undefined)) {
    throw new InputError(
      `dyno runs ${command} takes runs or a filter, such as --until 2027-01-31 or --status failed`,
    );
  }
  finishRemovals(index.root);
  const runs = await chosenRuns(index, names, filter);
  return runs.flatMap((run) => {
    const { path, run_id } = run;
    if (isLocked(runDirectoryAt(path).lock)) {
      warnUsed(run_id, terminal);
      return [];
    }
    return [{ ...run, size_bytes: sizeOf(path) }];
  });
}

/**
 * Works on a run while no other process can write to it, pack it or remove it. If another process
 * uses it, it is left unchanged.
 */
export async function holding(
  { run_id, path }: SizedRun,
  terminal: Terminal,
  work: () => Promise<void> | void,
): Promise<void> {
  const { lock } = runDirectoryAt(path);
  let unlock = () => {};
  try {
    unlock = takeLock(lock);
  } catch (error) {
    if (!existsSync(path)) return terminal.warn(`${run_id}: gone already`);
    if (isLocked(lock)) return warnUsed(run_id, terminal);
    if (!(error instanceof WriteError)) throw error;
    // a full disk has no room for a lock: removing must work nonetheless
  }
  try {
    await work();
  } finally {
    unlock();
  }
}

function warnUsed(run_id: string, terminal: Terminal): void {
  terminal.warn(`${run_id}: in use by a running process; left alone`);
}

/** Lists the runs, and, without --yes, says what would be done. */
export function showRemoval(
  runs: readonly SizedRun[],
  what: string,
  terminal: Terminal,
): void {
  const rows = runs.map((run) => [
    run.run_id,
    shortened(run.model, 32),
    run.status,
    shownSize(run.size_bytes),
    shownTime(run.started_at_unix_seconds),
  ]);
  tableLines(COLUMNS, rows, terminal.outPaint).forEach((line) => terminal.out(line));
  const total = runs.reduce((sum, { size_bytes }) => sum + size_bytes, 0);
  terminal.say(
    `would ${what}: ${counted(runs.length, "run")}, ${shownSize(total)}; nothing was done yet`,
  );
  terminal.say("the same command with --yes does it");
}

/** A number of bytes for a person. */
export function shownSize(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  const power = bytes < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

/** Ignores files that another process removes meanwhile. */
function sizeOf(path: string): number {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found?.isDirectory()) return found?.size ?? 0;
  try {
    return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return 0;
    throw error;
  }
}
