/** Runs shards as processes of this host. */
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { ownCommand } from "../../execute/own_program.ts";
import { sleep } from "../../execute/sleep.ts";
import { shardArguments } from "./executor.ts";
import type { ShardJob, ShardWork } from "./executor.ts";

/** How long an interrupted load may take to save its results before it is killed. */
const PATIENCE_MS = 30_000;
const LOOK_MS = 50;

/** Starts the shards on this host. */
export function localShards({ folder, count, logs }: ShardWork): Promise<ShardJob> {
  const over = new Map<number, string>();
  const children = Array.from({ length: count }, (_, shard) => {
    const [program, ...leading] = ownCommand();
    const log = openSync(join(logs, `${shard}.log`), "a");
    const child = spawn(program, [...leading, ...shardArguments(folder), `--index=${shard}`], {
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    child.once("error", (error) => over.set(shard, `it could not be started: ${error.message}`));
    child.once(
      "close",
      (code, signal) =>
        over.set(
          shard,
          signal === null ? `it ended with exit code ${code}` : `it ended by ${signal}`,
        ),
    );
    return child;
  });
  return Promise.resolve({
    name: null,
    over: () => Promise.resolve(over),
    cancel: async () => {
      const { signal } = new AbortController();
      children.forEach((child, shard) => over.has(shard) || child.kill("SIGTERM"));
      for (let waited_ms = 0; over.size < count; waited_ms += LOOK_MS) {
        if (waited_ms >= PATIENCE_MS) children.forEach((child) => child.kill("SIGKILL"));
        await sleep(LOOK_MS, signal);
      }
    },
  });
}
