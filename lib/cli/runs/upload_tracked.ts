/** dyno runs upload --mlflow, --wandb: sends a run in the form of an experiment tracker. */
import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../errors.ts";
import { isOwnFile } from "../../formats/folder.ts";
import { figuresOf } from "../../compare/figures.ts";
import { readGateSide } from "../../compare/gate_sides.ts";
import { runDirectoryAt } from "../../run/directory.ts";
import { readMetadata } from "../../run/metadata.ts";
import { logToMlflow, MlflowError } from "../../upload/mlflow.ts";
import { flatParams, type TrackedRun } from "../../upload/tracked_run.ts";
import { writeWandbRun } from "../../upload/wandb.ts";
import { EXIT } from "../ui/command.ts";
import { pricesOf } from "./prices.ts";
import { withRuns } from "./query.ts";
import type { RunIndex } from "../../run/index.ts";
import type { CommandContext } from "../ui/command.ts";

/** The destinations of runs. */
export interface Trackers {
  /** MLflow's tracking server. */
  mlflow?: string;
  /** The folder for offline runs of Weights & Biases. */
  wandb?: string;
  /** MLflow's experiment, or W&B's project. */
  experiment: string;
  /** The folder of runs. */
  runs: string;
}

/** Files of a run that are stored with its figures. */
const FILES = ["results.json", "run_metadata.json", "report/index.html"];

/**
 * Logs runs.
 *
 * @throws {InputError} no run is named, or there is no such run.
 */
export async function toTrackers(
  { mlflow, wandb, experiment, runs }: Trackers,
  names: readonly string[],
  { terminal, signal }: CommandContext,
): Promise<number> {
  if (names.length === 0) throw new InputError("dyno runs upload: which runs?");
  return await withRuns(runs, terminal, async (index) => {
    for (const name of names) {
      const run = await trackedRun(index, name);
      if (wandb !== undefined) {
        const folder = writeWandbRun(run, experiment, wandb);
        terminal.say(`${run.run_id}: ${folder}; send it with: wandb sync ${folder}`);
      }
      if (mlflow === undefined) continue;
      try {
        const { url, present, files_left_out } = await logToMlflow(run, mlflow, experiment, signal);
        terminal.say(`${run.run_id}: ${present ? "exists already" : "logged"}: ${url}`);
        if (files_left_out.length === 0) continue;
        terminal.warn(`the server takes no files itself; left out: ${files_left_out.join(", ")}`);
      } catch (error) {
        if (!(error instanceof MlflowError)) throw error;
        terminal.say(`${terminal.paint.bad("error:")} ${error.message}`);
        return EXIT.failures;
      }
    }
    return EXIT.good;
  });
}

async function trackedRun(index: RunIndex, name: string): Promise<TrackedRun> {
  const { run, load, prices } = await readGateSide(index, name, await pricesOf(undefined));
  const { run_id, path, kind, benchmark, mode, model, tags, status, ...summary } = run.summary;
  const { started_at_unix_seconds: started_s, duration_s } = summary;
  const metadata = existsSync(join(path, "run_metadata.json"))
    ? await readMetadata(runDirectoryAt(path))
    : null;
  return {
    run_id,
    name: `${benchmark} ${model}${mode === null ? "" : ` ${mode}`}`,
    started_ms: started_s === null ? null : started_s * 1000,
    ended_ms: started_s === null || duration_s === null ? null : (started_s + duration_s) * 1000,
    status,
    params: {
      ...flatParams({ kind, benchmark, mode, model, seed: metadata?.seed }),
      ...flatParams(metadata?.config ?? {}),
    },
    metrics: figuresOf(run, load, prices),
    tags: Object.fromEntries(tags.map((tag) => [`dyno.tag.${tag}`, "true"])),
    files: ownFiles(path),
  };
}

/**
 * @throws {InputError} a file is a link: what it points to is not part of a run that came from
 * elsewhere.
 */
function ownFiles(folder: string): TrackedRun["files"] {
  const whole = realpathSync(folder);
  const files = FILES.map((name) => ({ name, path: join(whole, name) }))
    .filter(({ path }) => existsSync(path));
  const link = files.find(({ path }) => !isOwnFile(path));
  if (link === undefined) return files;
  throw new InputError(`${link.path}: is a link or no plain file; only a run's own files are sent`);
}
