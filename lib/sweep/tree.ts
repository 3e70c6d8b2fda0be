/** The layout of a sweep's folder. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../errors.ts";
import { similarNames } from "../text/no_such_file.ts";

/** Paths of an experiment: `<out_root>/<name>`. */
export interface SweepTree {
  path: string;
  runs: string;
  /** The sweep file of the latest sweep, from which missing runs can be determined. */
  experiment: string;
  lock: string;
  runs_csv: string;
  report: string;
}

/** Paths of one run. */
export interface RunPaths {
  folder: string;
  meta: string;
  stdout: string;
  stderr: string;
  out: string;
  summary: string;
  tiers: string;
  /** Hardware samples and their description. */
  samples: string[];
}

/** The paths of the experiment in a folder. */
export function sweepTreeAt(path: string): SweepTree {
  return {
    path,
    runs: join(path, "runs"),
    experiment: join(path, "experiment.json"),
    lock: join(path, "sweep.lock"),
    runs_csv: join(path, "aggregate", "runs.csv"),
    report: join(path, "report"),
  };
}

/**
 * The same for a sweep that has been started.
 *
 * @throws {InputError} there is no such folder, or it is not a sweep's.
 */
export function startedSweepAt(path: string): SweepTree {
  const tree = sweepTreeAt(path);
  if (existsSync(tree.runs)) return tree;
  if (existsSync(path)) {
    throw new InputError(`${path}: no sweep's folder: it has no folder runs/`);
  }
  const near = similarNames(path) || "; give that of a sweep, e.g. bench_runs/smoke";
  throw new InputError(`${path}: no such folder${near}`);
}

/** The paths of a run; simple concatenation, because there may be very many. */
export function runPathsOf(tree: SweepTree, run_id: string): RunPaths {
  const folder = `${tree.runs}/${run_id}`;
  const out = `${folder}/out`;
  return {
    folder,
    meta: `${folder}/meta.json`,
    stdout: `${folder}/stdout.txt`,
    stderr: `${folder}/stderr.txt`,
    out,
    summary: `${out}/summary.csv`,
    tiers: `${out}/tiers.csv`,
    samples: [`${folder}/samples.bin`, `${folder}/samples.json`],
  };
}
