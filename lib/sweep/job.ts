/** Sweeps of dyno's own jobs, whose parameters are the settings of a load or of a suite's run. */
import { resolve } from "node:path";
import { InputError, messageOf } from "../errors.ts";
import { objectivesIn } from "../load/statement.ts";
import { codingSettings } from "../settings/coding.ts";
import { experimentSchema } from "../settings/experiment.ts";
import { positionOf } from "../settings/json_file.ts";
import { loadSettingsSchema } from "../settings/load.ts";
import { besideFile, tlsBesideFile, withFiles } from "../settings/beside_file.ts";
import { checked } from "../settings/setting.ts";
import { didYouMean } from "../text/nearest.ts";
import { isSecretHeader } from "../endpoint/secret_names.ts";
import { exactJson, plainOf } from "./exact_json.ts";
import { z } from "zod";
import type { JsonFile } from "../settings/json_file.ts";
import type { SweepConfig } from "./sweep.ts";
import type { Exact } from "./exact_json.ts";
import type { PlannedRun } from "./plan.ts";
import type { JobKind } from "./sweep.ts";

/** Fields of a job's experiment that a sweep's parameters may not set. */
const NOT_VARIED = ["$schema", "name", "seed", ...Object.keys(codingSettings.shape)];

/** The experiment of a job, written to its out folder. */
const JOB_FILE = "job.json";

const SUBCOMMANDS: Record<JobKind, string> = { load: "load", suite: "run" };

/** Settings of suite jobs that name a file, in addition to those of the endpoint. */
const SUITE_FILES = ["suite", "script"];

/** Settings that may be a single value here although the experiment has a list. */
const LISTS = ["categories", "tests"];

/** The command of a job, in which `dyno` means this program. */
export function jobCommand(kind: JobKind, { ablation }: PlannedRun, out_dir: string): string[] {
  const file = `${out_dir}/${JOB_FILE}`;
  return ["dyno", SUBCOMMANDS[kind], file, "--out", out_dir, ...ablation.flags];
}

/** Whether a command is one of dyno's jobs. */
export function isJobCommand(cmd: unknown): boolean {
  return Array.isArray(cmd) && cmd[0] === "dyno" && String(cmd[2]).endsWith(`/${JOB_FILE}`);
}

/** The experiment file of a job: its path and its text. */
export function jobExperiment(
  { name, kind, directory }: SweepConfig,
  { params }: PlannedRun,
  out_dir: string,
): { path: string; text: string } {
  const settings: Record<string, Exact> = kind === "load"
    ? { kind: "load", name, ...besideFile(params, directory) }
    : suiteSettings(name, params, directory);
  return { path: `${out_dir}/${JOB_FILE}`, text: exactJson(settings, 2) + "\n" };
}

/** A copy of the sweep file with absolute paths in its jobs, for use in another folder. */
export function withWholePaths(
  file: Record<string, unknown>,
  directory: string,
): Record<string, unknown> {
  if (file.kind !== "load" && file.kind !== "suite") return file;
  const whole = (name: string, value: unknown): unknown => {
    if (Array.isArray(value)) return value.map((each) => whole(name, each));
    if (name === "mock" && typeof value === "object" && value !== null) {
      return "script" in value ? { ...value, script: whole("script", value.script) } : value;
    }
    if (file.kind === "load") {
      return withFiles({ [name]: value }, (path) => resolve(directory, path))[name];
    }
    return SUITE_FILES.includes(name) && typeof value === "string"
      ? resolve(directory, value)
      : tlsBesideFile({ [name]: value }, resolve(directory))[name];
  };
  const part = (settings: unknown) =>
    Object.fromEntries(
      Object.entries(settings ?? {}).map(([name, value]) => [name, whole(name, value)]),
    );
  const common = "common_args" in file ? { common_args: part(file.common_args) } : {};
  return { ...file, ...common, matrix: part(file.matrix) };
}

/**
 * A suite's run has no seed, so several seeds mean repetitions. Paths are relative to the sweep's
 * file.
 */
function suiteSettings(
  name: string,
  params: Record<string, Exact>,
  directory: string,
): Record<string, Exact> {
  const { seed: _seed, ...given } = params;
  const settings = tlsBesideFile(given, resolve(directory));
  settings.suite = resolve(directory, String(settings.suite));
  for (const key of LISTS) {
    if (typeof settings[key] === "string") settings[key] = [settings[key]];
  }
  const mock = settings.mock as Record<string, Exact> | undefined;
  if (typeof mock?.script === "string") {
    settings.mock = { ...mock, script: resolve(directory, mock.script) };
  }
  return { name, ...settings };
}

/**
 * Checks every value of a sweep of jobs.
 *
 * @throws {InputError} an unknown setting, with the nearest one, or a value of the wrong form, with
 * its place in the file.
 */
export function checkJobs(file: JsonFile, config: SweepConfig, kind: JobKind): void {
  const shape: Record<string, z.ZodType> = kind === "load"
    ? loadSettingsSchema.shape
    : experimentSchema.shape;
  const names = Object.keys(shape).filter((name) => !NOT_VARIED.includes(name));
  const complain = (path: string[], text: string): never => {
    throw new InputError(`${file.path}:${positionOf(file, path)}: ${path.join(".")}: ${text}`);
  };
  /** Checks each of a setting's values. Values that differ as texts may be one: 1 and 1.0, 2 and "2s". */
  const check = (path: string[], name: string, values: readonly Exact[]) => {
    const seen = new Map<string, Exact>();
    for (const value of values) {
      const taken = takenValue(path, name, plainOf(value));
      const other = seen.get(taken);
      if (other !== undefined) {
        complain(path, `${exactJson(other)} and ${exactJson(value)} are one value; leave one out`);
      }
      seen.set(taken, value);
    }
  };
  const takenValue = (path: string[], name: string, value: unknown): string => {
    const wrapped = kind === "suite" && LISTS.includes(name) && typeof value === "string";
    // under its name, by which it is known what may be a secret
    const schema = z.object({ [name]: shape[name] });
    const result = checked(schema, { [name]: wrapped ? [value] : value });
    if ("complaints" in result) {
      const [{ path: [, ...within], message, found }] = result.complaints;
      complain(path, [...within, message].join(": ") + found);
    }
    const fault = faultOf(kind, name, value);
    if (fault) complain(path, fault);
    return JSON.stringify("value" in result ? result.value : value);
  };
  for (const part of ["common_args", "matrix"] as const) {
    for (const [name, values] of Object.entries(config[part])) {
      if (!names.includes(name)) {
        complain([part, name], `not a setting of a ${kind}${didYouMean(name, names)}`);
      }
      check([part, name], name, part === "matrix" ? values as Exact[] : [values]);
    }
  }
  if (kind === "load") {
    check(["matrix", "seeds"], "seed", config.seeds);
  } else if (!("suite" in config.common_args) && !("suite" in config.matrix)) {
    complain(["common_args"], 'expected "suite", the path of a suite');
  }
}

/** What is wrong with SLOs, which the schema only knows as texts. */
function sloFault(texts: readonly string[]): string | null {
  try {
    objectivesIn(texts);
    return null;
  } catch (error) {
    return messageOf(error).replace(/^--slo: /, "");
  }
}

/** What is wrong with a setting that would be allowed outside a sweep. */
function faultOf(kind: JobKind, name: string, value: unknown): string | null {
  if (name === "headers" && Object.keys(value as object).some(isSecretHeader)) {
    return "a secret would be in every run's meta.json; name its variable in api_key_env";
  }
  if (kind === "load") return name === "slo" ? sloFault(value as string[]) : null;
  if (name === "model" && Array.isArray(value)) {
    return "one model for each run; several go into matrix.model";
  }
  return name === "suite" && /\.jsonl(\.gz)?$/.test(String(value))
    ? "coding problems are not a suite; sweep them with a command"
    : null;
}
