/** The plan of a load for its shards, and the files through which they speak with dyno. */
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
  /** Of the whole load, with the seed of its prompts. */
  settings: givenLoadSchema,
  /** How many shards there are. */
  count: z.int().min(1),
  /** What the whole load may cost. */
  budget: z.strictObject({ usd: z.number().nullable(), tokens: z.number().nullable() }),
  /** The row of the price table for each model. */
  prices: z.strictObject({ name: z.string(), rows: z.array(priceSchema) }),
});

/** The plan of a load that several processes send together; no secret is in it. */
export interface ShardPlan extends Omit<z.infer<typeof schema>, "settings"> {
  settings: LoadSettings;
}

/** What a shard tells before the common start. */
export interface ShardReady {
  host: string;
  /** How long before the start it makes its first requests, ns. */
  head_start_ns: number;
  /** Its clock against the coordinator's, ns. */
  offset_ns: number;
  error_ns: number;
}

/** What a shard tells at its end. */
export interface ShardEnd {
  /** Why it failed; null: it did not. */
  error: string | null;
  /** Its clock, measured again, ns; null: nobody answered. */
  offset_ns: number | null;
  error_ns: number | null;
}

/** Paths in the folder that shards share. */
export interface ShardPaths {
  folder: string;
  plan: string;
  /** The moment of the common start on the coordinator's clock, ns. */
  start: string;
  /** Changes as long as the coordinator is there. */
  beat: string;
  /** Questions for its clock, and their answers. */
  clocks: string;
  /** What the shards' processes print. */
  logs: string;
  ready(shard: number): string;
  end(shard: number): string;
}

/** The folder of a run's shards. */
export function shardFolder(directory: Pick<RunDirectory, "path">): string {
  return join(directory.path, "shards");
}

/** Paths in a folder of shards. */
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

/** What the run of a shard is called: its folder beside the others'. */
export function shardRunId(shard: number): string {
  return `shard-${shard}`;
}

/** Writes a file that others wait for: it is there whole or not at all. @throws {InputError} */
export function tell(path: string, value: unknown): void {
  const draft = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(draft, JSON.stringify(value));
    renameSync(draft, path);
  } catch (error) {
    throw notWritten(path, error);
  }
}

/** What such a file tells; null while it is not there. */
export function told<Value>(path: string): Value | null {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return null;
  }
}

/** Reading a folder makes a network file system look for new files in it. */
export function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** The plan in a folder of shards; null while there is none. @throws {InputError} it is broken. */
export function readShardPlan(folder: string): ShardPlan | null {
  const { plan: path } = shardPaths(folder);
  filesIn(folder);
  if (!existsSync(path)) return null;
  const found = schema.safeParse(told(path));
  if (found.success) return found.data;
  throw new InputError(`${path}: no plan of shards; measure again`);
}

/**
 * A shard's part of the budget: like its part of the requests where they are counted, else of the places,
 * so that all have spent theirs at about one time. Together they are the whole one, but for single tokens.
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
