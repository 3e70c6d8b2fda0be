/** The flags of dyno sweep. */
import { sweepSettings } from "../../settings/sweep.ts";
import { callbackFlags } from "../ui/callback_flags.ts";
import { choice, text, toggle } from "../ui/flags.ts";
import { keyFlag } from "../ui/flags.ts";
import { observeFlags } from "../ui/observe.ts";
import { slurmFlags } from "../ui/flags.ts";
import { flagsOf } from "../ui/setting_flags.ts";
import { InputError } from "../../errors.ts";
import type { Values } from "../ui/flags.ts";

/** Flags that choose and configure the executor. */
export const executorFlags = {
  "executor": choice(["local", "slurm"], "this host, or an array job of Slurm"),
  ...slurmFlags,
  "detach": toggle("Slurm: submit and return; continue with dyno sweep status"),
};

/** The default sweep. */
export const DEFAULT_CONFIG = "experiments/default.json";

/** Flags of dyno sweep. */
export const sweepFlags = {
  "config": text("PATH", `the experiment, a JSON or YAML file (${DEFAULT_CONFIG})`),
  "exp-name": text("NAME", "name of the experiment, instead of the file's"),
  ...flagsOf(sweepSettings),
  "dry-run": toggle("print the planned runs and do nothing"),
  "resume": toggle("skips finished runs: their results are there and meta.json matches"),
  "redo": toggle("runs all again, finished ones too: their results are lost"),
  "fail-fast": toggle("stop at the first run that fails"),
  "json": toggle("one JSON object on standard output at the end"),
  ...executorFlags,
  ...keyFlag,
  ...observeFlags,
  ...callbackFlags,
};

/** The flag of commands on a sweep that ran. */
export const expDirFlag = {
  "exp-dir": text("PATH", "the experiment's folder, such as bench_runs/smoke"),
};

/** The one folder that was named. @throws {InputError} none or several were named. */
export function expDirOf(
  command: string,
  { "exp-dir": flag }: Values<typeof expDirFlag>,
  positional: readonly string[],
): string {
  const [folder, ...more] = flag === undefined ? positional : [flag, ...positional];
  if (folder !== undefined && more.length === 0) return folder;
  throw new InputError(`${command} takes one experiment's folder: --exp_dir bench_runs/smoke`);
}

/** The parsed values of these flags. */
export type SweepValues = Values<typeof sweepFlags>;
