/** meta.json: what a run was, and how it ended. It is written when the run has ended. */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { writeFileAtomic } from "../write.ts";
import { type Exact, exactJson, Float, parseExact, plainOf } from "./exact_json.ts";
import type { PlannedRun } from "./plan.ts";
import type { RunPaths } from "./tree.ts";

/** meta.json as it is read; of an older runner's, the second half is missing. */
export interface RunMeta {
  run_id: string;
  /** With their numbers as they were written: 1 and 1.0 are two settings. */
  params: Record<string, Exact>;
  ablation_name: string;
  ablation_flags: string[];
  cmd: string[];
  cwd: string;
  start_time_unix_s: number;
  end_time_unix_s: number;
  wall_time_s: number;
  exit_code: number;

  timed_out?: boolean;
  signal?: string | null;
  peak_memory_bytes?: number | null;
  cpu_time_s?: number | null;
  /** Why it could not be started. */
  error?: string | null;
  /** Of the program's file. */
  program_sha256?: string | null;
}

/** What a finished run must have been for its results to be taken. */
export interface Expected {
  run: PlannedRun;
  cmd: readonly string[];
  cwd: string;
  /** Whether it must have left out/summary.csv. */
  summary: boolean;
}

/** The run's meta.json; null where it is missing or broken. */
export function readMeta(path: string): RunMeta | null {
  try {
    const meta = parseExact(readFileSync(path, "utf8"));
    if (typeof meta !== "object" || meta === null || !("params" in meta)) return null;
    return { ...plainOf(meta) as RunMeta, params: meta.params as Record<string, Exact> };
  } catch {
    return null;
  }
}

/** Writes meta.json, whole or not at all. @throws {InputError} e.g. a full disk. */
export function writeMeta(path: string, run: PlannedRun, facts: Omit<RunMeta, "params">): void {
  const meta: Record<string, Exact> = {};
  const fractions = /_s$/;
  for (const [name, value] of Object.entries(facts)) {
    meta[name] = fractions.test(name) && typeof value === "number"
      ? new Float(value)
      : value as Exact;
  }
  writeFileAtomic(path, exactJson({ ...meta, params: run.params }, 2) + "\n");
}

/** The meta.json of a run that is finished and is the one expected; else null. */
export function finishedMeta(paths: RunPaths, expected: Expected): RunMeta | null {
  const meta = readMeta(paths.meta);
  if (meta === null || (meta.exit_code ?? 0) !== 0) return null;
  const { run, cmd, cwd } = expected;
  const same = meta.ablation_name === run.ablation.name &&
    sameValue(meta.ablation_flags, run.ablation.flags) &&
    sameParams(meta.params, run.params) && sameCommand(meta, run.run_id, cmd, cwd);
  return same && (!expected.summary || existsSync(paths.summary)) ? meta : null;
}

function sameParams(a: unknown, b: Record<string, Exact>): boolean {
  return typeof a === "object" && a !== null && exactJson(a as Exact) === exactJson(b);
}

/** A tree that was moved, or written with absolute paths, holds the same commands. */
function sameCommand(
  meta: RunMeta,
  run_id: string,
  cmd: readonly string[],
  cwd: string,
): boolean {
  if (sameValue(meta.cmd, cmd)) return true;
  if (!Array.isArray(meta.cmd) || meta.cmd.length !== cmd.length) return false;
  const [program, ...parameters] = meta.cmd.map(String);
  const then = typeof meta.cwd === "string" ? meta.cwd : cwd;
  const programs = [resolve(then, cmd[0]), resolve(cwd, cmd[0])];
  return (program === cmd[0] || programs.includes(resolve(then, program))) &&
    parameters.every((text, i) => withoutPlace(text, run_id) === withoutPlace(cmd[i + 1], run_id));
}

/** The argument without the way to the run's out folder. */
function withoutPlace(argument: string, run_id: string): string {
  const mark = `runs/${run_id}/out`;
  const at = argument.indexOf(mark);
  if (at < 0) return argument;
  const before = argument.slice(0, at).replace(/[^=\s]*$/, "");
  return `${before}{out_dir}${argument.slice(at + mark.length)}`;
}

/** Whether two JSON values are equal. */
function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) =>
    Object.hasOwn(b, key) &&
    sameValue((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key])
  );
}
