/** The plan of a load for its shards, and the files through which they and dyno communicate. */
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { z } from "zod";
import { InputError } from "../../errors.ts";
import { priceSchema } from "../../run/prices.ts";
import { givenLoadSchema } from "../../settings/load.ts";
import { notWritten } from "../../write.ts";
import { shareOf } from "../share.ts";
import type { BudgetLimits } from "../../run/budget.ts";
import type { LoadSettings } from "../../settings/load.ts";
import type { RunDirectory } from "../../run/directory.ts";

const schema = z.strictObject({
  /** The load's name. */
  name: z.string(),
  /** The settings of the whole load, including the seed of its prompts. */
  settings: givenLoadSchema,
  /** How many shards there are. */
  count: z.int().min(1),
  /** The budget of the whole load. */
  budget: z.strictObject({ usd: z.number().nullable(), tokens: z.number().nullable() }),
  /** The row of the price table for each model. */
  prices: z.strictObject({ name: z.string(), rows: z.array(priceSchema) }),
});

/** The plan of a load for several processes. It contains no secrets. */
export interface ShardPlan extends Omit<z.infer<typeof schema>, "settings"> {
  settings: LoadSettings;
}

/** What a shard reports before the common start. */
export interface ShardReady {
  host: string;
  /** How long before the start it needs to build its first requests, ns. */
  head_start_ns: number;
  /** The offset of its clock to the coordinator's, ns. */
  offset_ns: number;
  error_ns: number;
}

/** What a shard reports when it ends. */
export interface ShardEnd {
  /** Why it failed; null: it did not. */
  error: string | null;
  /** The offset of its clock, measured again, ns; null: nobody answered. */
  offset_ns: number | null;
  error_ns: number | null;
}

/** Paths in the folder of the shards. */
export interface ShardPaths {
  folder: string;
  plan: string;
  /** Holds the time of the common start by the coordinator's clock, ns. */
  start: string;
  /** Changes for as long as the coordinator runs. */
  beat: string;
  /** Questions to measure clocks, and their answers. */
  clocks: string;
  /** The output of the shards' processes. */
  logs: string;
  ready(shard: number): string;
  end(shard: number): string;
}

/** Returns the folder of a run's shards. */
export function shardFolder(directory: Pick<RunDirectory, "path">): string {
  return join(directory.path, "shards");
}

/** Returns the paths in a folder of shards. */
export function shardPaths(folder: string): ShardPaths {
  return {
    folder,
    plan: join(folder, "plan.json"),
    start: join(folder, "start.json"),
    beat: join(folder, "beat"),
    clocks: join(folder, "clocks"),
    logs: join(folder, "logs"),
    ready: (shard) => join(folder, `${shard}.ready.json`),
    end: (shard) => join(folder, `${shard}.end.json`),
  };
}

/** Returns the name of a shard's run, and of its folder. */
export function shardRunId(shard: number): string {
  return `shard-${shard}`;
}

/**
 * Writes a file for other processes as JSON; it appears complete or not at all.
 *
 * @throws {InputError} it cannot be written.
 */
export function tell(path: string, value: unknown): void {
  const draft = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(draft, JSON.stringify(value));
    renameSync(draft, path);
  } catch (error) {
    throw notWritten(path, error);
  }
}

/** Reads such a file; null while it does not exist. */
export function told<Value>(path: string): Value | null {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return null;
  }
}

/** Lists a folder. This also makes a network file system look for new files in it. */
export function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Reads the plan in a folder of shards; null while there is none. @throws {InputError} it is invalid. */
export function readShardPlan(folder: string): ShardPlan | null {
  const { plan: path } = shardPaths(folder);
  filesIn(folder);
  if (!existsSync(path)) return null;
  const found = schema.safeParse(told(path));
  if (found.success) return found.data;
  throw new InputError(`${path}: no plan of shards; measure again`);
}

/**
 * Returns a shard's part of the budget: in proportion to its requests if they are counted, else to
 * its places, so that all shards run out at about the same time. The parts add up to the whole,
 * except for single tokens.
 */
export function budgetShare(
  { budget: { usd, tokens }, settings: { requests, concurrency }, count }: ShardPlan,
  index: number,
): BudgetLimits {
  const whole = requests ?? concurrency ?? count;
  const part = shareOf(whole, { index, count }) / whole;
  return {
    usd: usd === null ? null : usd * part,
    tokens: tokens === null ? null : Math.floor(tokens * part),
  };
}
