/** What starts the processes of a load's shards: this host, or a cluster. */

/** The shards that are to be started. */
export interface ShardWork {
  /** The load's name. */
  name: string;
  /** The folder that all of them share. */
  folder: string;
  /** How many there are. */
  count: number;
  /** Folder of what they print. */
  logs: string;
  /** Called with one line on what stands still; a line that it had before is not shown again. */
  notice: (line: string) => void;
}

/** Shards that were started. */
export interface ShardJob {
  /** What a person calls it; null where there is nothing to call. */
  readonly name: string | null;
  /** Shards that will do nothing any more, and how they ended. */
  over(): Promise<ReadonlyMap<number, string>>;
  /** Ends all of them, and waits until they are gone. */
  cancel(): Promise<void>;
}

/** Starts a process for each shard. @throws {InputError} it cannot. */
export type ShardExecutor = (work: ShardWork) => Promise<ShardJob>;

/** How a load is spread. */
export interface LoadSpread {
  /** Processes that send it together. */
  shards: number;
  /** What starts them. */
  executor: ShardExecutor;
}

/** The arguments of dyno in a shard's process, before its number. */
export function shardArguments(folder: string): string[] {
  return ["load", "exec", `--folder=${folder}`];
}
