/** dyno sweep --executor slurm: the executor, and what is printed about the job. */
import process from "node:process";
import { InputError } from "../../errors.ts";
import { requireSlurm } from "../../execute/slurm.ts";
import { shellText } from "../../text/shell_text.ts";
import { slurmExecutor } from "../../sweep/slurm/run_on_slurm.ts";
import { executorFlags } from "./sweep_flags.ts";
import { counted } from "../../text/grouped.ts";
import type { SweepExecutor } from "../../sweep/executor.ts";
import type { Values } from "../ui/flags.ts";
import type { Terminal } from "../ui/terminal.ts";

/** A sweep's executor, and what the command line remembers about its job. */
export interface ChosenExecutor {
  executor?: SweepExecutor;
  /** Slurm's job; null before it is submitted, and on this host. */
  job: { id: string; cancelled: boolean } | null;
}

/** Where lines about a job are printed. */
export interface SlurmLines {
  terminal: Terminal;
  queue: (queue: string) => void;
}

/**
 * The executor that the flags choose.
 *
 * @throws {InputError} flags that cannot be combined, or there is no Slurm on this host.
 */
export async function chosenExecutor(
  values: Values<typeof executorFlags> & { "fail-fast"?: true },
  lines: SlurmLines,
): Promise<ChosenExecutor> {
  const { executor = "local", partition, time, memory, gres, account, detach = false } = values;
  const chosen: ChosenExecutor = { job: null };
  if (executor === "local") {
    const stray = Object.keys(executorFlags).find((name) =>
      name !== "executor" && values[name as keyof Values<typeof executorFlags>] !== undefined
    );
    if (stray !== undefined) throw new InputError(`--${stray}: needs --executor slurm`);
    return chosen;
  }
  if (detach && values["fail-fast"]) {
    throw new InputError("--fail-fast: needs a sweep that waits; leave out --detach");
  }
  await requireSlurm();
  chosen.executor = slurmExecutor({
    ...{ partition, time, memory, gres, account, detach },
    onJob: (id, tasks) => {
      chosen.job = { id, cancelled: false };
      lines.terminal.say(`Slurm job ${id}: ${counted(tasks, "task")}`);
    },
    onQueue: lines.queue,
    onInterrupt: async (id) => {
      const yes = await cancels(id, lines.terminal);
      if (chosen.job) chosen.job.cancelled = yes;
      return yes;
    },
  });
  return chosen;
}

/** Says how to look after a job that continues without this process. */
export function sayJobGoesOn(id: string, exp_dir: string, terminal: Terminal): void {
  const folder = shellText([exp_dir]);
  terminal.say(`Slurm job ${id} continues; see dyno sweep status --exp_dir ${folder}`);
  terminal.say(`wait for it with --wait; cancel it with: scancel ${id}`);
}

/**
 * Asks whether to cancel a job. If nobody can be asked, it is cancelled; if the terminal has
 * closed, it continues.
 */
async function cancels(id: string, terminal: Terminal): Promise<boolean> {
  if (!terminal.live || process.stdin.isTTY !== true) {
    terminal.say(`no terminal to ask at: cancelling Slurm job ${id}`);
    return true;
  }
  const answer = await terminal.ask(`cancel Slurm job ${id}, too? [y/N] `);
  return answer === "y" || answer === "yes";
}
