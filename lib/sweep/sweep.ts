/** What a sweep is: a program or a job of dyno, and the settings that it is run with. */
import type { Exact } from "./exact_json.ts";

/** A switched-off mechanism, or the like: further arguments under a name. */
export interface Ablation {
  /** Names it in run ids and tables. */
  name: string;
  /** The arguments, one each. */
  flags: string[];
}

/** A sweep file, checked. */
export interface SweepConfig {
  /** Where it was read. */
  path: string;
  /** The folder that the files which jobs name are seen from: the sweep file's. */
  directory: string;
  /** The sweep's name, which is that of its folder. */
  name: string;
  /** A job of dyno itself; null runs a program. */
  kind: JobKind | null;
  /** Path of the simulator's program. */
  sim_binary: string;
  /** The template of another program; null runs `sim_binary`. */
  command: string[] | null;
  /** The folder of sweeps. */
  out_root: string;
  /** Arguments of every run. */
  common_args: Record<string, Exact>;
  /** Varied parameters, keys in sorted order. */
  matrix: Record<string, Exact[]>;
  /** Each combination runs once with each. */
  seeds: Exact[];
  /** Each combination runs once with each. */
  ablations: Ablation[];
  /** Runs at a time. */
  jobs: number;
  /** Seconds after which a run is stopped. */
  timeout_s: number;
  /** Memory that a run may take, bytes. */
  memory_bytes: number;
  /** Hardware samples per second; 0 for none. */
  sample_rate_hz: number;
  /** The file's content. */
  file: Record<string, Exact>;
}

/** What dyno itself is started as; any other sweep runs its own program. */
export type JobKind = "load" | "suite";
