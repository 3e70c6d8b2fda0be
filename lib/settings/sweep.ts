/** A sweep's file: what to run, with which arguments, and how. */
import { z } from "zod";
import {
  about,
  asGiven,
  count,
  fileForms,
  nonEmpty,
  positive,
  sampleRate,
  schemaField,
  seconds,
} from "./setting.ts";

/**
 * Settings in a sweep's file, which flags override.
 *
 * @internal
 */
export const sweepSettings = z.strictObject({
  /** The folder of sweeps. */
  out_root: nonEmpty.refine((path) => !path.includes("\0"), "holds a NUL character")
    .default("bench_runs").register(about, {
      help: "folder for experiments",
      placeholder: "PATH",
    }),
  /** The number of runs at the same time. */
  jobs: count.default(1).register(about, { help: "runs at the same time", placeholder: "N" }),
  /** Time limit of a run: seconds, or a text such as "10m"; without it there is no limit. */
  timeout_s: seconds({ above: true, named: true }).optional().register(about, {
    help: "limit for each run",
  }),
  /** Private memory limit of each process of a run, MB. */
  memory_limit_mb: positive.optional().register(about, {
    help: "limit on the private memory of each process of a run",
    placeholder: "MB",
  }),
  /** Hardware samples per second during each run; 0 for none. */
  sample_rate_hz: sampleRate.default(0).register(about, {
    help: "hardware samples a second during each run; 0: none",
    placeholder: "HZ",
  }),
});

const fileName = z.string().min(1).max(128).refine(
  (name) => !/[/\0\n]/.test(name) && !name.startsWith("."),
  "expected a name without slashes that does not begin with a dot",
);
const argument = z.string().refine((text) => !text.includes("\0"), "holds a NUL character");
/** @internal */
export const ablationSchema = z.strictObject({ name: fileName, flags: z.array(argument) });

/** A sweep's file. */
export const sweepSchema = z.strictObject({
  $schema: schemaField,
  /** The name of the sweep, also used in the name of its folder. */
  name: fileName,
  /** dyno load or dyno run, instead of a program. */
  kind: z.enum(["load", "suite"]).optional(),
  /** agent_sched_sim, or a program with its flags. */
  sim_binary: argument.min(1).optional(),
  /** Any other program: arguments with placeholders such as {seed}. */
  command: z.array(argument).min(1).optional(),
  /** Arguments of every run, or settings of every job. */
  common_args: z.record(z.string().min(1), z.unknown()).optional(),
  /** Lists of values; each combination is a run. */
  matrix: z.record(z.string().min(1), z.unknown()),
  ...asGiven(sweepSettings).shape,
}).refine(
  (file) => file.sim_binary === undefined || file.command === undefined,
  "sim_binary and command: expected one of them",
).refine(
  ({ kind, sim_binary, command }) => kind === undefined || (sim_binary ?? command) === undefined,
  "kind runs dyno itself: expected neither sim_binary nor command",
).register(fileForms, { name: "sweep", title: "a sweep of dyno" });
