/** The command of a run. */
import { resolve } from "node:path";
import { InputError } from "../errors.ts";
import { didYouMean } from "../text/nearest.ts";
import { argumentText } from "./exact_json.ts";
import { jobCommand } from "./job.ts";
import type { SweepConfig } from "./sweep.ts";
import type { Exact } from "./exact_json.ts";
import type { PlannedRun } from "./plan.ts";

/**
 * Parameters of agent_sched_sim that come first, in this order; the others follow, sorted by name.
 */
export const SIM_ORDER = [
  "workflows",
  "pdfs",
  "iters",
  "subqueries",
  "policy",
  "seed",
  "time_scale",
  "heavy_tail_prob",
  "heavy_tail_mult",
  "enable_model_routing",
];

/** Placeholders of a template in addition to the parameters' names. */
export const PLACES: readonly string[] = ["run_id", "out_dir", "ablation_name", "ablation_flags"];
/** A parameter's name in braces. */
const PLACE = /\{([^{}]+)\}/g;
/** What looks like a name, so that an unknown one is an error: words, with a point or a hyphen between them. */
const WORDS = /^[\p{L}\p{N}_]+([.-][\p{L}\p{N}_]+)*$/u;

/** The program and its arguments; `out_dir` is the folder for its results. */
export function commandOf(config: SweepConfig, run: PlannedRun, out_dir: string): string[] {
  if (config.kind !== null) return jobCommand(config.kind, run, out_dir);
  if (config.command === null) {
    // absolute like the original runner's: it compares commands when it resumes a tree
    const flags = [...run.ablation.flags, "--out_dir", resolve(out_dir)];
    return [config.sim_binary, ...simArguments(run.params), ...flags];
  }
  const places = new Map<string, string>([
    ...Object.entries(run.params).map(([name, value]) => [name, argumentText(value)] as const),
    ["run_id", run.run_id],
    ["out_dir", out_dir],
    ["ablation_name", run.ablation.name],
    ["ablation_flags", run.ablation.flags.join(" ")],
  ]);
  return config.command.flatMap((part) =>
    part === "{ablation_flags}"
      ? run.ablation.flags
      : [part.replace(PLACE, (whole, name) => places.get(name) ?? whole)]
  );
}

/**
 * Rejects placeholders in a template that no parameter fills.
 *
 * @throws {InputError} names the placeholder and the nearest known one.
 */
export function checkTemplate(config: SweepConfig): void {
  const known = [
    ...Object.keys(config.common_args),
    ...Object.keys(config.matrix),
    "seed",
    ...PLACES,
  ];
  for (const [, name] of (config.command ?? []).join(" ").matchAll(PLACE)) {
    if (WORDS.test(name) && !known.includes(name)) {
      throw new InputError(
        `${config.path}: command: {${name}} is not a parameter${didYouMean(name, known)}`,
      );
    }
  }
}

/** What a template leaves out although it varies: warnings, as the runs then differ in their names only. */
export function withoutPlace({ command, matrix, ablations }: SweepConfig): string[] {
  const has = (...names: string[]) =>
    command === null || names.some((name) => command.join(" ").includes(`{${name}}`));
  const same = Object.keys(matrix).filter((name) => matrix[name].length > 1 && !has(name))
    .map((name) => `matrix.${name}: the command has no {${name}}: its values make no difference`);
  const flagged = ablations.length > 1 && !has("ablation_flags", "ablation_name");
  return flagged
    ? [...same, "matrix.ablations: the command has no {ablation_flags}: they make no difference"]
    : same;
}

function simArguments(params: Record<string, Exact>): string[] {
  const others = Object.keys(params).filter((name) => !SIM_ORDER.includes(name)).sort();
  return [...SIM_ORDER, ...others].flatMap((name) => {
    const value = params[name];
    if (value === undefined || value === null || value === false) return [];
    return value === true ? [`--${name}`] : [`--${name}`, argumentText(value)];
  });
}
