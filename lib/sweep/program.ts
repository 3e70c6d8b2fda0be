/** Finds the program that a sweep runs. */
import { createHash } from "node:crypto";
import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import process from "node:process";
import { InputError } from "../errors.ts";
import { nativeProgram } from "../native/program.ts";
import { ownProgram } from "../execute/own_program.ts";
import { didYouMean } from "../text/nearest.ts";
import type { SweepConfig } from "./sweep.ts";

/** What is started in place of a command's first word. */
export interface SweepProgram {
  path: string;
  /** Arguments that come before the command's own. */
  leading: string[];
  /** Hash of its file; null for a program found along PATH, and for dyno itself. */
  sha256: string | null;
  /** Whether it is the simulator that comes with dyno. */
  built_in: boolean;
}

/**
 * Finds the program: the file that is named; if there is none and the name is `agent_sched_sim`,
 * dyno's own simulator; for a sweep of jobs, dyno itself.
 *
 * @throws {InputError} there is no such file, or the simulator cannot be built.
 */
export async function sweepProgram(
  config: SweepConfig,
  notice?: (line: string) => void,
): Promise<SweepProgram> {
  if (config.kind !== null) return { ...ownProgram(), sha256: null, built_in: false };
  const leading: string[] = [];
  const named = config.command?.[0] ?? config.sim_binary;
  if (isFile(named)) return { path: named, leading, sha256: sha256Of(named), built_in: false };
  if (basename(named) === "agent_sched_sim") {
    const path = await nativeProgram("agent_sched_sim", { notice });
    return { path, leading, sha256: sha256Of(path), built_in: true };
  }
  if (!named.includes("/")) return { path: named, leading, sha256: null, built_in: false };
  const field = config.command ? "command" : "sim_binary";
  throw new InputError(
    `${config.path}: ${field}: there is no file "${named}" in ${process.cwd()}, where programs are ` +
      `run; build it, or name "agent_sched_sim" for dyno's own simulator`,
  );
}

/**
 * Checks that a sweep's program can be started on this host, so that its lack is said once and not
 * by every run.
 *
 * @throws {InputError} it is in no folder of PATH, or may not be run.
 */
export function checkStartable({ path: file, command }: SweepConfig, { path }: SweepProgram): void {
  const field = `${file}: ${command ? "command" : "sim_binary"}`;
  if (path.includes("/")) {
    if (isExecutable(path)) return;
    throw new InputError(`${field}: "${path}" may not be run; chmod +x "${path}"`);
  }
  const folders = (process.env.PATH ?? "/bin:/usr/bin").split(":");
  if (folders.some((folder) => isExecutable(join(folder, path)))) return;
  const there = folders.filter((folder) => existsSync(folder)).flatMap((each) => readdirSync(each));
  throw new InputError(
    `${field}: there is no program "${path}" in the folders of PATH` +
      (didYouMean(path, new Set(there)) || "; install it, or give its path"),
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function isFile(path: string): boolean {
  return path.includes("/") && (statSync(path, { throwIfNoEntry: false })?.isFile() ?? false);
}

function sha256Of(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
