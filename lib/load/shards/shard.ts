/** Runs one shard of a load. */
import { hostname } from "node:os";
import { InputError, messageOf } from "../../errors.ts";
import { sleep } from "../../execute/sleep.ts";
import { CancelledError } from "../../execute/scope.ts";
import { nowNs } from "../../native/clock.ts";
import { Budget } from "../../run/budget.ts";
import { PriceTable } from "../../run/prices.ts";
import { measureLoad } from "../run_loads.ts";
import { measureOffset } from "./clock.ts";
import { budgetShare, filesIn, readShardPlan, shardPaths, shardRunId, tell, told } from "./plan.ts";
import type { LoadSettings } from "../../settings/load.ts";
import type { LoadRun } from "../conclude_run.ts";
import type { ShardEnd, ShardPaths, ShardPlan, ShardReady } from "./plan.ts";

/** How long the plan may take to become visible on another host. */
const PLAN_MS = 120_000;
/** A coordinator that shows no sign of life for this long is gone. */
const SILENCE_MS = 60_000;
const LOOK_MS = 20;
const BEAT_MS = 1000;

/** Settings of what must be done only once: by the first shard. */
const ONCE = ["probe_rate", "server_metrics", "server_metrics_names", "reset_cache"] as const;

/** The settings for a shard: those of the whole load, of which it sends its part. */
function settingsOf({ settings }: ShardPlan, shard: number): LoadSettings {
  if (shard === 0) return settings;
  const own: LoadSettings = { ...settings };
  for (const name of ONCE) delete own[name];
  return own;
}

/**
 * Sends a shard's part of the load, from the common start on. Its run is next to the plan.
 *
 * @throws {InputError} no such shard, or it has already run; whatever ends a load.
 */
export async function runShard(
  folder: string,
  shard: number,
  notice: (line: string) => void,
  signal: AbortSignal,
): Promise<LoadRun> {
  const paths = shardPaths(folder);
  const plan = await planIn(folder, signal);
  const share = { index: shard, count: plan.count };
  if (!(shard < plan.count)) {
    throw new InputError(
      `--index ${shard}: no shard of ${folder}; expected 0 to ${plan.count - 1}`,
    );
  }
  const end: ShardEnd = { error: null, offset_ns: null, error_ns: null };
  try {
    const run = await measureLoad(plan.name, settingsOf(plan, shard), {
      out: folder,
      run_id: shardRunId(shard),
      share,
      begin: (head_start_ns) => begin(paths, shard, head_start_ns, signal),
      budget: new Budget(budgetShare(plan, shard), notice),
      prices: new PriceTable(plan.prices.name, plan.prices.rows),
      signal,
      onNotice: notice,
      onWarning: notice,
    });
    Object.assign(
      end,
      await measureOffset(paths.clocks, shardRunId(shard), signal).catch(() => null),
    );
    return run;
  } catch (error) {
    end.error = messageOf(error);
    throw error;
  } finally {
    tell(paths.end(shard), end);
  }
}

/** Waits for the plan, which may take time to become visible. @throws {InputError} there is none. */
async function planIn(folder: string, signal: AbortSignal): Promise<ShardPlan> {
  for (let waited_ms = 0; waited_ms < PLAN_MS; waited_ms += LOOK_MS) {
    const plan = readShardPlan(folder);
    if (plan !== null) return plan;
    await sleep(LOOK_MS, signal);
  }
  throw new InputError(
    `${folder}: no plan of shards; dyno load --shards writes it, and the folder must be one that all ` +
      "hosts share",
  );
}

/**
 * Measures the clock, reports that the shard is ready, and waits for the start; returns it by this
 * clock, ns.
 */
async function begin(
  paths: ShardPaths,
  shard: number,
  head_start_ns: number,
  signal: AbortSignal,
): Promise<number> {
  const clock = await measureOffset(paths.clocks, shardRunId(shard), signal);
  if (clock === null) throw new InputError(`${paths.clocks}: no answer; has dyno ended?`);
  const ready: ShardReady = { host: hostname(), head_start_ns, ...clock };
  tell(paths.ready(shard), ready);
  return await startIn(paths, signal) - clock.offset_ns;
}

/**
 * Returns the common start by the coordinator's clock, ns.
 *
 * @throws {InputError} the coordinator is gone.
 */
async function startIn(paths: ShardPaths, signal: AbortSignal): Promise<number> {
  let beat: string | null = null;
  let since_ns = nowNs(), looked_ns = 0;
  for (;;) {
    filesIn(paths.folder);
    const start = told<{ start_ns: number }>(paths.start);
    if (start !== null) return start.start_ns;
    if (nowNs() - looked_ns > BEAT_MS * 1e6) {
      looked_ns = nowNs();
      const now = JSON.stringify(told(paths.beat));
      if (now !== beat) since_ns = looked_ns;
      beat = now;
      if (looked_ns - since_ns > SILENCE_MS * 1e6) {
        throw new CancelledError(`${paths.beat}: has not changed for a minute: dyno has ended`);
      }
    }
    await sleep(LOOK_MS, signal);
  }
}
