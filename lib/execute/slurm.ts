/** Slurm's commands: submits, watches and cancels an array job. */
import { execFile } from "node:child_process";
import { userInfo } from "node:os";
import { InputError } from "../errors.ts";
import { grouped } from "../text/grouped.ts";
import { sleep } from "./sleep.ts";

/** Options for sbatch; the texts are passed on unchanged. */
export interface SlurmRequest {
  /** The partition that provides the nodes. */
  partition?: string;
  /** Time limit of each task, such as `2:00:00`. */
  time?: string;
  /** Memory of each task, such as `4G`. */
  memory?: string;
  /** Generic resources of each task, such as `gpu:1`. */
  gres?: string;
  /** The account that is charged. */
  account?: string;
}

/** An array job to submit. */
export interface ArrayJob extends SlurmRequest {
  name: string;
  /** Tasks, numbered from 0. */
  tasks: number;
  /** Tasks that run at the same time. */
  at_once: number;
  /** The working folder of each task. */
  cwd: string;
  script: string;
  /** Folder for the tasks' own output, `JOB_TASK.log`. */
  logs: string;
  /** Whether a task is queued again if its node fails or it is preempted. */
  requeue: boolean;
}

/** A task of an array job, as Slurm reports it. */
export interface SlurmTask {
  index: number;
  /** Slurm's name for it, such as `PENDING`. */
  state: string;
  /** Why it is in this state; `None` if Slurm gives no reason. */
  reason: string;
}

/** Final states; only Slurm itself can restart a task from them, by requeueing it. */
const OVER = new Set([
  "BOOT_FAIL",
  "CANCELLED",
  "COMPLETED",
  "DEADLINE",
  "FAILED",
  "NODE_FAIL",
  "OUT_OF_MEMORY",
  "PREEMPTED",
  "REVOKED",
  "TIMEOUT",
]);

/** Reasons for which a task would wait for ever. */
const STUCK =
  /held|BadConstraints|Partition(Time|Node)Limit|PartitionConfig|Invalid|NeverSatisfied/i;

const COMMAND_TIMEOUT_MS = 60_000;
const MOST_OUTPUT = 64e6;
/** Slurm's default limit. */
const DEFAULT_ARRAY = 1001;

/** Advice on a refusal, by sbatch's message. */
const ADVICE: [RegExp, string][] = [
  [
    /configuration (source|file)/i,
    "go to a login node of a cluster, where sinfo works, or leave out --executor slurm",
  ],
  [/partition/i, "sinfo lists the partitions, --partition chooses one"],
  [/account/i, "sacctmgr show associations user=$USER lists accounts, --account chooses one"],
  [/time limit|timelimit/i, "sinfo shows the partitions' limits, --time asks for less"],
  [/memory/i, "sinfo -o '%P %m' shows the nodes' memory, --memory asks for less"],
  [/gres|generic resource/i, "sinfo -o '%P %G' lists what nodes have, --gres asks for it"],
  [
    /node configuration/i,
    "no node has what --memory and --gres ask for; sinfo -Nl lists the nodes",
  ],
  [/contact|connect|authenticat|munge|protocol/i, "sinfo must work on this host first"],
];

/** Whether a task may still start, run or be requeued. */
export function isLive({ state }: SlurmTask): boolean {
  return !OVER.has(state);
}

/** @throws {InputError} this host has no Slurm. */
export async function requireSlurm(): Promise<void> {
  await slurm("sbatch", ["--version"]);
}

/** The largest number of tasks that an array may have here. */
export async function largestArray(): Promise<number> {
  const said = await slurm("scontrol", ["show", "config"]);
  const limit = Number(/^MaxArraySize\s*=\s*(\d+)/m.exec(said)?.[1] ?? DEFAULT_ARRAY);
  if (limit < 1) throw new InputError("this Slurm has no array jobs: its MaxArraySize is 0");
  return limit;
}

/**
 * Submits an array job.
 *
 * @returns the job's number.
 * @throws {InputError} Slurm refuses it.
 */
export async function submitArray(job: ArrayJob): Promise<string> {
  const wishes = {
    partition: job.partition,
    time: job.time,
    mem: job.memory,
    gres: job.gres,
    account: job.account,
  };
  const said = await slurm("sbatch", [
    "--parsable",
    job.requeue ? "--requeue" : "--no-requeue",
    "--open-mode=append",
    `--array=0-${job.tasks - 1}%${job.at_once}`,
    `--job-name=${job.name}`,
    `--chdir=${job.cwd}`,
    `--output=${job.logs.replaceAll("%", "%%")}/%A_%a.log`,
    ...Object.entries(wishes).flatMap(([name, value]) => value ? [`--${name}=${value}`] : []),
    job.script,
  ]);
  const id = /^(\d+)(;|$)/.exec(said.trim())?.[1]; // on a federation, `12;cluster`
  if (id === undefined) {
    throw new InputError(`sbatch: expected a job's number, got "${said.trim()}"`);
  }
  return id;
}

/** How long to wait for a cancelled job to end: longer than Slurm's usual KillWait. */
const CANCEL_MS = 60_000;
const CANCEL_LOOK_MS = 250;

/**
 * Cancels a job and waits until its tasks have ended.
 *
 * @throws {InputError} Slurm does not answer.
 */
export async function endJob(id: string): Promise<void> {
  const { signal } = new AbortController();
  await cancelJob(id);
  for (let waited_ms = 0; waited_ms < CANCEL_MS; waited_ms += CANCEL_LOOK_MS) {
    if (!(await tasksOf(id)).some(isLive)) return;
    await sleep(CANCEL_LOOK_MS, signal);
  }
}

/** Cancels a job with all its tasks; a job that has ended is not an error. @throws {InputError} */
export async function cancelJob(id: string): Promise<void> {
  await slurm("scancel", ["--quiet", id]);
}

/** Numbers of this user's queued jobs that run a script. @throws {InputError} */
export async function jobsOf(script: string): Promise<string[]> {
  const said = await slurm("squeue", [`--user=${userInfo().uid}`, "--noheader", "--format=%F|%o"]);
  const lines = said.split("\n").map((line) => line.trim().split("|"));
  return [...new Set(lines.filter(([, command]) => command === script).map(([id]) => id))];
}

/**
 * The tasks of a job that Slurm still knows, including those that ended in the last minutes. Empty
 * once Slurm has forgotten the job.
 *
 * @throws {InputError} Slurm does not answer.
 */
export async function tasksOf(id: string): Promise<SlurmTask[]> {
  const format = "--format=%i|%T|%r";
  const query = [`--jobs=${id}`, "--states=all", "--array", "--noheader", format];
  let said: string;
  try {
    said = await slurm("squeue", query);
  } catch (error) {
    if (error instanceof InputError && /invalid job id/i.test(error.message)) return [];
    throw error;
  }
  return said.split("\n").flatMap((line) => {
    const [, index, state, reason] = /^\d+_(\d+)\|(\w+)\|(.*)$/.exec(line.trim()) ?? [];
    return index === undefined ? [] : [{ index: Number(index), state, reason }];
  });
}

/** `2 running, 5 pending (Resources)`. */
export function queueText(live: readonly SlurmTask[]): string {
  const counts = new Map<string, number>();
  for (const { state, reason } of live) {
    const why = state === "PENDING" && reason !== "None" ? ` (${reason})` : "";
    const what = `${state.toLowerCase()}${why}`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return [...counts].map(([what, count]) => `${grouped(count)} ${what}`).join(", ");
}

/** One line for each reason why tasks cannot start without help. */
export function stuckLines(job_id: string, live: readonly SlurmTask[]): string[] {
  const stuck = live.filter(({ state, reason }) => state === "PENDING" && STUCK.test(reason));
  return [...new Set(stuck.map(({ reason }) => reason))].map((reason) =>
    /held/i.test(reason)
      ? `Slurm holds tasks of job ${job_id}: ${reason}; let them go with: scontrol release ${job_id}`
      : `Slurm does not start tasks of job ${job_id}: ${reason}; scontrol show job ${job_id} says more`
  );
}

/** Standard output of a Slurm command. @throws {InputError} it fails, or is not installed. */
function slurm(program: string, parameters: string[]): Promise<string> {
  const limits = { timeout: COMMAND_TIMEOUT_MS, maxBuffer: MOST_OUTPUT };
  return new Promise((resolve, reject) => {
    execFile(program, parameters, limits, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      if (error.code === "ENOENT") return reject(missing(program));
      const lines = stderr.split("\n").map((line) => line.trim()).filter(Boolean);
      const fatal = lines.filter((line) => /^\w+: fatal: /.test(line));
      const said = (fatal.length > 0 ? fatal : lines)
        .map((line) => line.replace(/^\w+: (error|fatal): /, "")).join("; ") || error.message;
      const advice = ADVICE.find(([symptom]) => symptom.test(said))?.[1];
      reject(new InputError(`${program}: ${said}${advice ? `; ${advice}` : ""}`));
    });
  });
}

function missing(program: string): InputError {
  return new InputError(
    `there is no Slurm here: no ${program} along PATH; go to a login node of the cluster, or leave ` +
      "out --executor slurm to run on this host",
  );
}
