/** Flags of a load that several processes send together. */
import { InputError } from "../../errors.ts";
import { choice, number } from "../ui/flags.ts";
import { slurmFlags } from "../ui/slurm_flags.ts";
import type { LoadSpread } from "../../load/shards/executor.ts";
import type { Values } from "../ui/flags.ts";

/** Of one process more is not told than this. */
const MOST_SHARDS = 10_000;

export const spreadFlags = {
  "shards": number("N", "processes that send each load together, each its part", {
    min: 1,
    max: MOST_SHARDS,
    whole: true,
  }),
  "executor": choice(["local", "slurm"], "with --shards: on this host (local), or tasks of Slurm"),
  ...slurmFlags,
};

/**
 * How the flags spread a load; undefined: this process alone sends it.
 *
 * @throws {InputError} flags that do not go together, or no Slurm on this host.
 */
export async function spreadOf(
  values: Values<typeof spreadFlags>,
): Promise<LoadSpread | undefined> {
  const { shards, executor = "local", partition, time, memory, gres, account } = values;
  if (shards === undefined) {
    if (values.executor !== undefined) {
      throw new InputError(`--executor ${executor}: needs --shards N`);
    }
  }
  const stray = Object.keys(slurmFlags).find((name) =>
    values[name as keyof typeof slurmFlags] !== undefined
  );
  if (stray !== undefined && executor !== "slurm") {
    throw new InputError(`--${stray}: needs --executor slurm`);
  }
  if (shards === undefined) return undefined;
  if (executor === "local") {
    const { localShards } = await import("../../load/shards/local.ts");
    return { shards, executor: localShards };
  }
  const { requireSlurm } = await import("../../execute/slurm.ts");
  await requireSlurm();
  const { slurmShards } = await import("../../load/shards/slurm.ts");
  return { shards, executor: slurmShards({ partition, time, memory, gres, account }) };
}
