/** The Indexed Job of Kubernetes whose pods are the shards of a load, as kubectl takes it. */
import process from "node:process";
import { basename, dirname } from "node:path";
import { shardArguments } from "./executor.ts";
import type { ShardWork } from "./executor.ts";

/** What pods are made of. */
export interface PodRequest {
  /** The container image whose entry point is dyno, of the version that begins the load. */
  image: string;
  /** A claim of a volume that all nodes can write, whose root is the folder of runs. */
  claim: string;
  /** The secret whose entries are environment variables of the pods, such as an API key. */
  secret?: string;
}

/** What marks a job and its pods. */
export const RUN_LABEL = "dyno/run";
/** Where a pod of an Indexed Job has its number. */
export const INDEX_LABEL = "batch.kubernetes.io/job-completion-index";
/** A name of a job leaves room for a pod's number and ending, as a label of 63 characters. */
const LONGEST_NAME = 48;
/** How long a pod that is ended may take to save what it has. */
const GRACE_S = 60;
/** How long the job stays for a person to look at, once it has ended. */
const KEPT_S = 3600;

/** The name of the job of a run's shards. */
export function jobName({ folder }: Pick<ShardWork, "folder">): string {
  const run = basename(dirname(folder)).toLowerCase().replace(/[^a-z0-9]+/g, "-");
  return `dyno-${run}`.slice(0, LONGEST_NAME).replace(/-$/, "");
}

/**
 * The manifest. The volume is at the same path in pods as here, so that every path means the same. A pod that
 * fails is not started again (`backoffLimitPerIndex`, Kubernetes 1.29 and later), and the others go on.
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
          // what pods write belongs to who began the load
          ...(uid === 0 ? {} : { securityContext: { runAsUser: uid, runAsGroup: gid } }),
          containers: [{
            name: "shard",
            image,
            args: shardArguments(folder), // its number is in JOB_COMPLETION_INDEX
            ...(secret === undefined ? {} : { envFrom: [{ secretRef: { name: secret } }] }),
            volumeMounts: [{ name: "runs", mountPath: dirname(dirname(folder)) }],
          }],
          volumes: [{ name: "runs", persistentVolumeClaim: { claimName: claim } }],
        },
      },
    },
  };
}
