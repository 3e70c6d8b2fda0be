/** Runs shards as the tasks of a Slurm array job. */
import { join } from "node:path";
import process from "node:process";
import { InputError } from "../../errors.ts";
import { ownCommand } from "../../execute/own_program.ts";
import {
  endJob,
  isLive,
  largestArray,
  queueText,
  stuckLines,
  submitArray,
  tasksOf,
} from "../../execute/slurm.ts";
import { arrayScript } from "../../execute/slurm_script.ts";
import { writeFileAtomic } from "../../write.ts";
import { shardArguments } from "./executor.ts";
import type { SlurmRequest, SlurmTask } from "../../execute/slurm.ts";
import type { ShardExecutor, ShardWork } from "./executor.ts";

/**
 * Returns an executor that submits one array job with a task per shard. A task is not requeued when
 * its node fails, as the other shards would not wait for it.
 */
export function slurmShards(request: SlurmRequest): ShardExecutor {
  return async (work) => {
    const { name, folder, count, logs } = work;
    const most = await largestArray();
    if (count > most) {
      throw new InputError(`--shards ${count}: this Slurm takes at most ${most} tasks in an array`);
    }
    const script = join(folder, "task.sh");
    const command = [...ownCommand(), ...shardArguments(folder)];
    writeFileAtomic(script, arrayScript("a shard of a load", command), { sync: false });
    const job_id = await submitArray({
      ...request,
      name: `dyno-${name}`,
      tasks: count,
      at_once: count,
      cwd: process.cwd(),
      script,
      logs,
      requeue: false,
    });
    const tasks = new Map<number, SlurmTask>();
    return {
      name: `Slurm job ${job_id}`,
      over: () => look(work, job_id, tasks),
      cancel: () => endJob(job_id),
    };
  };
}

/** Asks for the state of the tasks; Slurm forgets tasks some time after they end. */
async function look(
  { count, notice }: ShardWork,
  job_id: string,
  known: Map<number, SlurmTask>,
): Promise<Map<number, string>> {
  let now: SlurmTask[];
  try {
    now = await tasksOf(job_id);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    notice(`retrying until Slurm answers: ${error.message}`);
    return new Map();
  }
  for (const task of now) known.set(task.index, task);
  const live = now.filter(isLive);
  if (live.some(({ state }) => state === "PENDING")) notice(`in Slurm's queue: ${queueText(live)}`);
  stuckLines(job_id, live).forEach(notice);
  const listed = new Set(now.map(({ index }) => index));
  const over = new Map<number, string>();
  for (let shard = 0; shard < count; shard++) {
    const task = known.get(shard);
    if (task === undefined ? now.length > 0 : listed.has(shard) && isLive(task)) continue;
    over.set(
      shard,
      task === undefined || isLive(task)
        ? "Slurm no longer knows its task"
        : `its task ended as ${task.state}${task.reason === "None" ? "" : ` (${task.reason})`}`,
    );
  }
  return over;
}
