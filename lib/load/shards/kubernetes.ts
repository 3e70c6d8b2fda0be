/** Runs shards as the pods of a Kubernetes Indexed Job, through kubectl. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { InputError } from "../../errors.ts";
import { writeFileAtomic } from "../../write.ts";
import { INDEX_LABEL, jobManifest, jobName, RUN_LABEL } from "./job_manifest.ts";
import type { ShardExecutor, ShardWork } from "./executor.ts";
import type { PodRequest } from "./job_manifest.ts";

/** Options of shards in a cluster. */
export interface KubernetesRequest extends PodRequest {
  /** The namespace; default: kubectl's. */
  namespace?: string;
}

/** The parts of kubectl's answers that are read. */
interface Listed {
  kind: string;
  metadata: { annotations?: Record<string, string>; labels?: Record<string, string> };
  spec?: { completions?: number };
  status?: {
    phase?: string;
    reason?: string;
    failedIndexes?: string;
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
    containerStatuses?: {
      state?: {
        waiting?: { reason?: string; message?: string };
        terminated?: { exitCode: number; reason?: string };
      };
    }[];
  };
}

const COMMAND_TIMEOUT_MS = 120_000;
const MOST_OUTPUT = 64e6;
/** How long kubectl waits for pods that are being ended. */
const GONE_S = 90;
/** Reasons for which a container waits that do not resolve by themselves. */
const STUCK = /ImagePull|InvalidImage|CreateContainer|CrashLoop/;

/** @throws {InputError} kubectl is not installed. */
export async function requireKubectl(): Promise<void> {
  await kubectl(["version", "--client"]);
}

/**
 * Returns an executor that applies the manifest of an Indexed Job, which is kept in the run's
 * folder as `shards/job.yaml`. The job stays in the cluster after it has ended.
 */
export function kubernetesShards({ namespace, ...pods }: KubernetesRequest): ShardExecutor {
  const place = namespace === undefined ? [] : [`--namespace=${namespace}`];
  return async (work) => {
    const path = join(work.folder, "job.yaml");
    const name = jobName(work);
    writeFileAtomic(path, await jobText(work, pods), { sync: false });
    await kubectl([...place, "apply", `--filename=${path}`]);
    return {
      name: `Kubernetes job ${name}`,
      over: () => look(work, place, name),
      cancel: async () => {
        const wait = [`--timeout=${GONE_S}s`, "--cascade=foreground", "--ignore-not-found"];
        await kubectl([...place, "delete", "job", name, ...wait]);
      },
    };
  };
}

/** Returns the manifest as YAML. */
export async function jobText(
  work: Pick<ShardWork, "folder" | "count">,
  pods: PodRequest,
): Promise<string> {
  const { stringify } = await import("yaml");
  return stringify(jobManifest(work, pods), { aliasDuplicateObjects: false });
}

/** Asks for the state of the pods. */
async function look(
  { count, notice }: ShardWork,
  place: readonly string[],
  name: string,
): Promise<Map<number, string>> {
  let items: Listed[];
  try {
    const query = ["get", "jobs,pods", `--selector=${RUN_LABEL}=${name}`, "--output=json"];
    items = JSON.parse(await kubectl([...place, ...query])).items;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    notice(`retrying until Kubernetes answers: ${error.message}`);
    return new Map();
  }
  const over = new Map<number, string>();
  const job = items.find(({ kind }) => kind === "Job");
  for (let shard = 0; job === undefined && shard < count; shard++) {
    over.set(shard, "its job is gone");
  }
  for (const shard of indexesIn(job?.status?.failedIndexes ?? "")) {
    over.set(shard, "its pod failed");
  }
  for (const { kind, metadata, status } of items) {
    const shard = Number(metadata.annotations?.[INDEX_LABEL] ?? NaN);
    if (kind !== "Pod" || !Number.isInteger(shard)) continue;
    const [container] = status?.containerStatuses ?? [];
    const ended = container?.state?.terminated;
    if (status?.phase === "Failed" || status?.phase === "Succeeded") {
      const why = [ended && `exit code ${ended.exitCode}`, status.reason ?? ended?.reason];
      over.set(shard, `its pod ended: ${why.filter(Boolean).join(", ") || status.phase}`);
    }
    const waiting = container?.state?.waiting;
    if (STUCK.test(waiting?.reason ?? "")) {
      notice(`the pod of shard ${shard} waits: ${waiting!.reason}: ${waiting!.message ?? ""}`);
    }
    const unplaced = status?.conditions?.find(({ type, status }) =>
      type === "PodScheduled" && status === "False"
    );
    if (unplaced) notice(`the pod of shard ${shard} has no node: ${unplaced.message ?? ""}`);
  }
  return over;
}

/** Reads indexes such as `0,3-5`. */
function indexesIn(text: string): number[] {
  return text.split(",").filter(Boolean).flatMap((part) => {
    const [from, to = from] = part.split("-").map(Number);
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
}

/** Runs kubectl; returns its standard output. @throws {InputError} it fails, or is not installed. */
function kubectl(parameters: readonly string[]): Promise<string> {
  const limits = { timeout: COMMAND_TIMEOUT_MS, maxBuffer: MOST_OUTPUT };
  return new Promise((resolve, reject) => {
    execFile("kubectl", parameters, limits, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      const missing = (error as { code?: unknown }).code === "ENOENT";
      const said = stderr.trim().split("\n").at(-1) || error.message;
      reject(
        new InputError(
          missing
            ? "--executor kubernetes: no kubectl on this host; install it, and let it reach a cluster"
            : `kubectl: ${said}; kubectl cluster-info must work on this host first`,
        ),
      );
    });
  });
}
