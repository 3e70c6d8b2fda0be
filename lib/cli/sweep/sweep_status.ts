/** dyno sweep status: the progress of a sweep that was submitted to Slurm. */
import { shellText } from "../../text/shell_text.ts";
import { slurmPlanAt, slurmStatus } from "../../sweep/slurm/status.ts";
import { JobWatch } from "../../sweep/slurm/watch.ts";
import { sweepTreeAt } from "../../sweep/tree.ts";
import { EXIT } from "../ui/command.ts";
import { parseFlags, toggle } from "../ui/flags.ts";
import { SweepProgressLine } from "./sweep_progress.ts";
import { expDirFlag, expDirOf } from "./sweep_flags.ts";
import type { SlurmStatus } from "../../sweep/slurm/status.ts";
import type { CommandContext } from "../ui/command.ts";
import type { Terminal } from "../ui/terminal.ts";

const flags = {
  ...expDirFlag,
  "wait": toggle("waits for the job's end"),
  "json": toggle("one JSON object on standard output"),
};

/**
 * Says how many runs have ended and what is in the queue. The exit code is 1 if the job has ended
 * and a run failed or left no result.
 *
 * @throws {InputError} the sweep was not submitted to Slurm, or Slurm does not answer.
 */
export async function sweepStatus(
  argv: string[],
  { terminal, signal }: CommandContext,
): Promise<number> {
  const { values, positional } = parseFlags(flags, argv);
  const exp_dir = expDirOf("dyno sweep status", values, positional);
  if (values.wait) await waited(exp_dir, terminal, signal);
  const status = await slurmStatus(exp_dir);
  say(status, terminal);
  if (values.json) terminal.out(JSON.stringify(status));
  const good = status.live || (status.failed === 0 && status.ended === status.runs);
  return good ? EXIT.good : EXIT.failures;
}

async function waited(exp_dir: string, terminal: Terminal, signal: AbortSignal): Promise<void> {
  const plan = slurmPlanAt(exp_dir);
  const progress = { ended: 0, failed: 0, to_do: plan.runs.length };
  using line = new SweepProgressLine(terminal, null);
  const job = new JobWatch(sweepTreeAt(exp_dir), plan, {
    onEnd: (outcome) => {
      progress.ended++;
      if (outcome.exit_code !== 0) progress.failed++;
      line.show(outcome, progress);
      return true;
    },
    onQueue: (queue) => line.queue(queue, progress),
    notice: (said) => terminal.say(terminal.paint.dim(said)),
  });
  await job.toTheEnd(signal);
}

function say(
  { exp_dir, job_id, runs, ended, failed, live, queue }: SlurmStatus,
  terminal: Terminal,
) {
  const left = runs - ended;
  const parts = [
    `${ended - failed} of ${runs} runs succeeded`,
    failed > 0 ? `${failed} failed` : "",
    left > 0 && !live ? `${left} left no result` : "",
  ].filter(Boolean).join(", ");
  terminal.say(`Slurm job ${job_id}: ${parts}${live ? `; tasks: ${queue}` : "; it has ended"}`);
  const folder = shellText([exp_dir]);
  if (live) terminal.say(`wait for it with --wait; cancel it with: scancel ${job_id}`);
  else if (left > 0) terminal.say(`what its tasks said is in ${exp_dir}/slurm/logs`);
  if (!live && left + failed > 0) terminal.say("continue with the same dyno sweep and --resume");
  else if (!live) terminal.say(`next: dyno collect --exp_dir ${folder}`);
}
