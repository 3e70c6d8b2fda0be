/** dyno sweep exec: the command that a task of a sweep's Slurm job runs. */
import process from "node:process";
import { InputError } from "../../errors.ts";
import { runTask } from "../../sweep/slurm/task.ts";
import { EXIT } from "../ui/command.ts";
import { number, parseFlags, text } from "../ui/flags.ts";
import type { CommandContext } from "../ui/command.ts";

const flags = {
  "exp-dir": text("PATH", "the experiment's folder"),
  "index": number("N", "the task's number in its array", { whole: true }),
};

/** Executes the runs of one task. @throws {InputError} there is no such task. */
export async function sweepExec(
  argv: string[],
  { terminal, signal }: CommandContext,
): Promise<number> {
  const { values: { "exp-dir": exp_dir, index } } = parseFlags(flags, argv);
  if (exp_dir === undefined || index === undefined) {
    throw new InputError("dyno sweep exec: needs --exp_dir and --index; Slurm's tasks call it");
  }
  const job_id = process.env.SLURM_ARRAY_JOB_ID;
  const notice = (line: string) => terminal.say(line);
  const code = await runTask(exp_dir, { index, job_id, notice }, signal);
  return code === 0 ? EXIT.good : EXIT.failures;
}
