/** meta.json: the settings of a run and how it ended. It is written when the run has ended. */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { writeFileAtomic } from "../write.ts";
import { type Exact, exactJson, Float, parseExact, plainOf } from "./exact_json.ts";
import type { PlannedRun } from "./plan.ts";
import type { RunPaths } from "./tree.ts";

/** The content of meta.json; an older runner's lacks the second half. */
export interface RunMeta {
  run_id: string;
  /** With numbers as they were written: 1 and 1.0 are different settings. */
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
  /** Hash of the program's file. */
  program_sha256?: string | null;
}

/** What a finished run must match for its results to be used. */
export interface Expected {
  run: PlannedRun;
  cmd: readonly string[];
  cwd: string;
  /** Whether out/summary.csv must exist. */
  summary: boolean;
}

/** The run's meta.json; null if it is missing or broken. */
export function readMeta(path: string): RunMeta | null {
  try {
    const meta = parseExact(readFileSync(path, "utf8"));
    if (typeof meta !== "object" || meta === null || !("params" in meta)) return null;
    return { ...plainOf(meta) as RunMeta, params: meta.params as Record<string, Exact> };
  } catch {
    return null;
  }
}

/** Writes meta.json, completely or not at all. @throws {InputError} for example a full disk. */
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

/** The meta.json of a run that is finished and matches what is expected; else null. */
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

/**
 * Whether two commands are the same, apart from the location of the tree: it may have been moved,
 * or written with absolute paths.
 */
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

/** The argument without the path that leads to the run's out folder. */
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
