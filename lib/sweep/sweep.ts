/** The configuration of a sweep: a program or a job of dyno, and the settings to run it with. */
import type { Exact } from "./exact_json.ts";

/** A named set of further arguments, for example to switch off a mechanism. */
export interface Ablation {
  /** Its name in run ids and tables. */
  name: string;
  /** The arguments, one per item. */
  flags: string[];
}

/** A checked sweep file. */
export interface SweepConfig {
  /** Where it was read. */
  path: string;
  /** The sweep file's folder: paths in jobs are relative to it. */
  directory: string;
  /** The sweep's name, which is also the name of its folder. */
  name: string;
  /** The job of dyno itself; null if a program is run. */
  kind: JobKind | null;
  /** Path of the simulator's program. */
  sim_binary: string;
  /** The command template of another program; null to run `sim_binary`. */
  command: string[] | null;
  /** The folder of sweeps. */
  out_root: string;
  /** Arguments that every run gets. */
  common_args: Record<string, Exact>;
  /** The varied parameters, keys in sorted order. */
  matrix: Record<string, Exact[]>;
  /** Each combination is run once with each seed. */
  seeds: Exact[];
  /** Each combination is run once with each ablation. */
  ablations: Ablation[];
  /** Runs at the same time. */
  jobs: number;
  /** A run is stopped after this time, seconds. */
  timeout_s: number;
  /** Memory that a run may use, bytes. */
  memory_bytes: number;
  /** Hardware samples per second; 0 for none. */
  sample_rate_hz: number;
  /** The file's content. */
  file: Record<string, Exact>;
}

/** A sweep of dyno itself runs one of these; any other sweep runs a program. */
export type JobKind = "load" | "suite";
