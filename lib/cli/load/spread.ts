/** Flags for a load that several processes send together. */
import { join } from "node:path";
import { InputError } from "../../errors.ts";
import { shardFolder } from "../../load/shards/plan.ts";
import { runDirectoryAt } from "../../run/directory.ts";
import { choice, number, text, toggle } from "../ui/flags.ts";
import { slurmFlags } from "../ui/flags.ts";
import type { KubernetesRequest } from "../../load/shards/kubernetes.ts";
import type { LoadSpread } from "../../load/shards/executor.ts";
import type { Values } from "../ui/flags.ts";

/** A larger number is taken for a typing error. */
const MOST_SHARDS = 10_000;

/** Flags for the request to a Kubernetes cluster. */
const kubernetesFlags = {
  "image": text("IMAGE", "Kubernetes: the container image of dyno (Containerfile makes one)"),
  "claim": text("NAME", "Kubernetes: the claim of the volume whose root is the folder of runs"),
  "secret": text("NAME", "Kubernetes: a secret whose entries are variables of the pods"),
  "namespace": text("NAME", "Kubernetes: the namespace, instead of kubectl's own"),
  "print": toggle("Kubernetes: print the manifest, and do nothing"),
};

/** Flags that choose and configure the processes that send a load. */
export const spreadFlags = {
  "shards": number("N", "processes that send each load together, each its part", {
    min: 1,
    max: MOST_SHARDS,
    whole: true,
  }),
  "executor": choice(
    ["local", "slurm", "kubernetes"],
    "with --shards: on this host (local), tasks of Slurm, or pods of Kubernetes",
  ),
  ...slurmFlags,
  ...kubernetesFlags,
};

type SpreadValues = Values<typeof spreadFlags>;

/** The executor that each flag belongs to. */
const OWNERS = { slurm: slurmFlags, kubernetes: kubernetesFlags };

/**
 * How the flags spread a load; undefined if this process sends it alone.
 *
 * @throws {InputError} flags that cannot be combined, or an executor that this host lacks.
 */
export async function spreadOf(values: SpreadValues): Promise<LoadSpread | undefined> {
  const { shards, executor = "local" } = values;
  if (shards === undefined && values.executor !== undefined) {
    throw new InputError(`--executor ${executor}: needs --shards N`);
  }
  for (const [owner, flags] of Object.entries(OWNERS)) {
    const stray = Object.keys(flags).find((name) =>
      owner !== executor && values[name as keyof SpreadValues] !== undefined
    );
    if (stray !== undefined) throw new InputError(`--${stray}: needs --executor ${owner}`);
  }
  if (shards === undefined) return undefined;
  switch (executor) {
    case "local": {
      const { localShards } = await import("../../load/shards/local.ts");
      return { shards, executor: localShards };
    }
    case "slurm": {
      const { partition, time, memory, gres, account } = values;
      await (await import("../../execute/slurm.ts")).requireSlurm();
      const { slurmShards } = await import("../../load/shards/slurm.ts");
      return { shards, executor: slurmShards({ partition, time, memory, gres, account }) };
    }
    case "kubernetes": {
      const request = kubernetesRequest(values);
      const { kubernetesShards, requireKubectl } = await import("../../load/shards/kubernetes.ts");
      if (!values.print) await requireKubectl();
      return { shards, executor: kubernetesShards(request) };
    }
  }
}

/** @throws {InputError} the image or the claim is missing. */
function kubernetesRequest(values: SpreadValues): KubernetesRequest {
  const { image, claim, secret, namespace } = values;
  if (image !== undefined && claim !== undefined) {
    return {
      image,
      claim,
      ...(secret === undefined ? {} : { secret }),
      ...(namespace === undefined ? {} : { namespace }),
    };
  }
  throw new InputError(
    "--executor kubernetes: needs --image IMAGE, which holds dyno, and --claim NAME, the claim of a " +
      "volume that is mounted here at --out",
  );
}

/** The manifest of a load's shards, for `--print`. @throws {InputError} it cannot be made. */
export async function manifestOf(
  values: SpreadValues,
  out: string,
  run_id: string,
): Promise<string> {
  const { jobText } = await import("../../load/shards/kubernetes.ts");
  const folder = shardFolder(runDirectoryAt(join(out, run_id)));
  return await jobText({ folder, count: values.shards! }, kubernetesRequest(values));
}
