/** Writes the manifest of a Kubernetes Indexed Job whose pods are the shards of a load. */
import process from "node:process";
import { basename, dirname } from "node:path";
import { shardArguments } from "./executor.ts";
import type { ShardWork } from "./executor.ts";

/** Settings of the pods. */
export interface PodRequest {
  /** The container image. Its entry point is dyno, in the version that starts the load. */
  image: string;
  /** The claim of a volume that all nodes can write to; its root is the folder of runs. */
  claim: string;
  /** The secret with environment variables of the pods, such as an API key. */
  secret?: string;
}

/** The label of a job and its pods. */
export const RUN_LABEL = "dyno/run";
/** The label with the number of a pod in an Indexed Job. */
export const INDEX_LABEL = "batch.kubernetes.io/job-completion-index";
/** The longest name of a job: with a pod's number and suffix it must fit into a label of 63 characters. */
const LONGEST_NAME = 48;
/** How long a pod may take to save its results when it must end. */
const GRACE_S = 60;
/** How long a finished job is kept for people to look at. */
const KEPT_S = 3600;

/** Returns the name of the job for a run's shards. */
export function jobName({ folder }: Pick<ShardWork, "folder">): string {
  const run = basename(dirname(folder)).toLowerCase().replace(/[^a-z0-9]+/g, "-");
  return `dyno-${run}`.slice(0, LONGEST_NAME).replace(/-$/, "");
}

/**
 * Returns the manifest. The volume has the same path in pods as here, so that all paths are valid
 * in both. A pod that fails is not restarted (`backoffLimitPerIndex`, Kubernetes 1.29 and later),
 * and the others continue.
 */
export function jobManifest(
  work: Pick<ShardWork, "folder" | "count">,
  { image, claim, secret }: PodRequest,
): Record<string, unknown> {
  const { folder, count } = work;
  const name = jobName(work);
  const labels = { "app.kubernetes.io/name": "dyno", [RUN_LABEL]: name };
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name, labels },
    spec: {
      completionMode: "Indexed",
      completions: count,
      parallelism: count,
      backoffLimitPerIndex: 0,
      ttlSecondsAfterFinished: KEPT_S,
      template: {
        metadata: { labels },
        spec: {
          restartPolicy: "Never",
          terminationGracePeriodSeconds: GRACE_S,
          topologySpreadConstraints: [{
            maxSkew: 1,
            topologyKey: "kubernetes.io/hostname",
            whenUnsatisfiable: "ScheduleAnyway",
            labelSelector: { matchLabels: { [RUN_LABEL]: name } },
          }],
          // files that pods write belong to the user who starts the load
          ...(uid === 0 ? {} : { securityContext: { runAsUser: uid, runAsGroup: gid } }),
          containers: [{
            name: "shard",
            image,
            args: shardArguments(folder), // the shard's number is in JOB_COMPLETION_INDEX
            ...(secret === undefined ? {} : { envFrom: [{ secretRef: { name: secret } }] }),
            volumeMounts: [{ name: "runs", mountPath: dirname(dirname(folder)) }],
          }],
          volumes: [{ name: "runs", persistentVolumeClaim: { claimName: claim } }],
        },
      },
    },
  };
}
