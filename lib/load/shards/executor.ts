/** The interface to what starts a load's shards: this host or a cluster. */

/** The shards to start. */
export interface ShardWork {
  /** The load's name. */
  name: string;
  /** The folder that all shards use. */
  folder: string;
  /** How many there are. */
  count: number;
  /** The folder for their output. */
  logs: string;
  /** Called with a line about what is stuck; repeated lines are not shown again. */
  notice: (line: string) => void;
}

/** Shards that were started. */
export interface ShardJob {
  /** The job's name for people; null where it has none. */
  readonly name: string | null;
  /** Returns the shards that have ended, with how each ended. */
  over(): Promise<ReadonlyMap<number, string>>;
  /** Ends all shards, and waits until they are gone. */
  cancel(): Promise<void>;
}

/** Starts a process for each shard. @throws {InputError} that is not possible. */
export type ShardExecutor = (work: ShardWork) => Promise<ShardJob>;

/** How a load is divided between processes. */
export interface LoadSpread {
  /** Processes that send it together. */
  shards: number;
  /** The executor that starts them. */
  executor: ShardExecutor;
}

/** Returns the arguments of dyno in a shard's process, without its number. */
export function shardArguments(folder: string): string[] {
  return ["load", "exec", `--folder=${folder}`];
}
