/** Sweep files: a program or a job of dyno, fixed parameters, and a matrix of varied ones. */
import { basename, dirname, resolve } from "node:path";
import { z } from "zod";
import { InputError } from "../errors.ts";
import { checkJson, type JsonFile, positionOf, showPath } from "../settings/json_file.ts";
import { checked } from "../settings/setting.ts";
import { ablationSchema, sweepSchema, sweepSettings } from "../settings/sweep.ts";
import { didYouMean } from "../text/nearest.ts";
import { OWN_COLUMNS } from "./columns.ts";
import { PLACES, SIM_ORDER } from "./command_line.ts";
import { argumentText, type Exact, exactJson, Float, parseExact, plainOf } from "./exact_json.ts";
import { checkJobs } from "./job.ts";
import type { InputOf } from "../settings/setting.ts";
import type { SweepConfig } from "./sweep.ts";

/** Parameters of agent_sched_sim. */
const SIM_PARAMETERS = [...SIM_ORDER, "arrival_rate", "config", "trace"];

const seeds = z.array(z.number()).min(1);
const ablations = z.array(ablationSchema).min(1);

/** The program if the file does not name one. */
export const DEFAULT_SIM = "./build/agent_sched_sim";

/** Whether a sweep runs agent_sched_sim, or a replacement for it. */
export function isSimulatorSweep({ kind, command, sim_binary }: SweepConfig): boolean {
  return kind === null && command === null && basename(sim_binary) === "agent_sched_sim";
}

/**
 * Checks a sweep file.
 *
 * @param given takes precedence over the file's settings on how to run it.
 * @throws {InputError} an unknown field, with the nearest known one, or a value of the wrong form,
 * with file, line and column.
 */
export function sweepConfigOf(
  file: JsonFile,
  given: InputOf<typeof sweepSettings> = {},
): SweepConfig {
  const own = checkJson(file, sweepSchema, true);
  const { memory_limit_mb = 0, ...how } = z.object(sweepSettings.shape)
    .parse({ ...own, ...given });
  const exact = parseExact(file.text) as Record<string, Exact>;
  const { seeds: seedList = [1], ablations: ablationList, ...varied } = exact.matrix as Record<
    string,
    Exact
  >;
  const matrix = Object.fromEntries(
    Object.keys(varied).sort().map((key) => [key, valuesOf(file, key, varied[key])]),
  );
  const common_args = (exact.common_args ?? {}) as Record<string, Exact>;
  checkPart(file, ["matrix", "seeds"], seeds, plainOf(seedList));
  const sim_binary = own.sim_binary ?? DEFAULT_SIM;
  const config = {
    path: file.path,
    directory: dirname(resolve(file.path)),
    name: own.name,
    kind: own.kind ?? null,
    sim_binary,
    command: own.command ?? null,
    ...how,
    timeout_s: how.timeout_s ?? 0,
    memory_bytes: memory_limit_mb * 1e6,
    common_args,
    matrix,
    seeds: seedList as Exact[],
    ablations: ablationList === undefined
      ? [{ name: "baseline", flags: [] }]
      : checkPart(file, ["matrix", "ablations"], ablations, ablationList),
    file: exact,
  };
  checkParameters(file, config);
  return config;
}

/**
 * Rejects parameters whose values dyno sets, numbers that are too large for a double, such as 1e400, and NUL
 * characters.
 */
function checkNamed(file: JsonFile, config: SweepConfig, part: "common_args" | "matrix"): void {
  const refuse = (path: (string | number)[], why: string) => {
    throw new InputError(`${file.path}:${positionOf(file, path)}: ${showPath(path)}: ${why}`);
  };
  const check = (value: Exact, path: (string | number)[]) => {
    if (value instanceof Float) {
      if (!Number.isFinite(value.value)) refuse(path, "the number is too large");
    } else if (typeof value === "string") {
      if (value.includes("\0")) refuse(path, "holds a NUL character"); // no program's argument can
    } else if (typeof value === "object" && value !== null) {
      const list = Array.isArray(value);
      for (const [key, inner] of Object.entries(value)) check(inner, [...path, list ? +key : key]);
    }
  };
  for (const [name, value] of Object.entries(config[part])) {
    if (name === "seed") refuse([part, name], "seeds go into matrix.seeds");
    if (config.command !== null && [...PLACES, ...OWN_COLUMNS].includes(name)) {
      refuse([part, name], "dyno gives each run a value of this name; choose another");
    }
    check(value, [part, name]);
  }
}

/** Rejects repeated values, which would repeat the same run. */
function checkDistinct(file: JsonFile, key: string, values: readonly Exact[]): void {
  const where = (at: string) => `${file.path}:${positionOf(file, ["matrix", key])}: ${at}`;
  const seen = new Map<string, string>();
  for (const value of values) {
    const text = exactJson(value), argument = argumentText(value);
    const other = seen.get(argument);
    if (other !== undefined) {
      throw new InputError(where(
        other === text
          ? `matrix.${key}: ${text} is there twice`
          : `matrix.${key}: ${other} and ${text} are one argument; leave one out`,
      ));
    }
    seen.set(argument, text);
  }
}

function valuesOf(file: JsonFile, key: string, values: Exact): Exact[] {
  if (Array.isArray(values) && values.length > 0) return values;
  throw new InputError(
    `${file.path}:${positionOf(file, ["matrix", key])}: matrix.${key}: expected a list of ` +
      "values that is not empty",
  );
}

/** Checks a part of the file, so that an error message can give its line. */
function checkPart<T>(
  file: JsonFile,
  path: string[],
  part: z.ZodType<T>,
  value: unknown,
): T {
  const result = checked(part, value);
  if ("value" in result) return result.value;
  const [complaint] = result.complaints;
  const whole = [...path, ...complaint.path];
  const told = `${complaint.message}${complaint.found}`;
  throw new InputError(`${file.path}:${positionOf(file, whole)}: ${showPath(whole)}: ${told}`);
}

function checkParameters(file: JsonFile, config: SweepConfig): void {
  const names = config.ablations.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new InputError(
      `${file.path}:${positionOf(file, ["matrix", "ablations"])}: ` +
        `matrix.ablations: two have the name "${twice}"`,
    );
  }
  for (const part of ["common_args", "matrix"] as const) checkNamed(file, config, part);
  for (const [key, values] of Object.entries({ ...config.matrix, seeds: config.seeds })) {
    checkDistinct(file, key, values);
  }
  if (config.kind !== null) return checkJobs(file, config, config.kind);
  if (!isSimulatorSweep(config)) return;
  for (const part of ["common_args", "matrix"] as const) {
    const wrong = Object.keys(config[part]).find((key) => !SIM_PARAMETERS.includes(key));
    if (wrong !== undefined) {
      throw new InputError(
        `${file.path}:${positionOf(file, [part, wrong])}: "${wrong}" is not a parameter of ` +
          `agent_sched_sim${didYouMean(wrong, SIM_PARAMETERS)}`,
      );
    }
  }
}
