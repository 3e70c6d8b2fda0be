/** The work of dyno sweep: its configuration, its runs, its end. */
import packagedDefault from "../../../experiments/default.json" with { type: "json" };
import process from "node:process";
import { existsSync } from "node:fs";
import { InputError } from "../../errors.ts";
import { counted, grouped } from "../../text/grouped.ts";
import { parseJson, readJsonFile } from "../../settings/json_file.ts";
import { checkTemplate, commandOf, withoutPlace } from "../../sweep/command_line.ts";
import { shellText } from "../../text/shell_text.ts";
import { sweepConfigOf } from "../../sweep/config.ts";
import { plannedCount, plannedRuns } from "../../sweep/plan.ts";
import {
  missingRuns,
  runSweep,
  scanFinished,
  type SweepPlan,
  type SweepProgress,
  type SweepSummary,
  treeOf,
} from "../../sweep/run_sweep.ts";
import { runPathsOf } from "../../sweep/tree.ts";
import { EXIT } from "../ui/command.ts";
import { DEFAULT_CONFIG, executorFlags, type SweepValues } from "./sweep_flags.ts";
import { settingsIn } from "../ui/setting_flags.ts";
import { sweepSettings } from "../../settings/sweep.ts";
import { observe } from "../ui/observe.ts";
import { durationText } from "../../text/duration.ts";
import { endOfSweep } from "../run/run_ends.ts";
import { SweepProgressLine } from "./sweep_progress.ts";
import { requireSlurm } from "../../execute/slurm.ts";
import { slurmExecutor } from "../../sweep/slurm/run_on_slurm.ts";
import type { SweepConfig } from "../../sweep/sweep.ts";
import type { CommandContext } from "../ui/command.ts";
import type { Terminal } from "../ui/terminal.ts";
import type { SweepExecutor } from "../../sweep/executor.ts";
import type { Values } from "../ui/flags.ts";

/**
 * Runs a sweep and prints its progress and outcome.
 *
 * @returns the exit code.
 */
export async function sweep(
  config: SweepConfig,
  values: SweepValues,
  argv: readonly string[],
  { terminal, signal, callbacks }: CommandContext,
): Promise<number> {
  const resume = await resumes(config, values, terminal);
  await using observed = await observe(values, terminal);
  const metrics = observed.metrics?.sweep;
  const here = (values.executor ?? "local") === "local";
  using line = new SweepProgressLine(terminal, here ? config.jobs : null);
  let progress: SweepProgress = { ended: 0, failed: 0, to_do: 0 };
  const chosen = await chosenExecutor(values, {
    terminal,
    queue: (queue) => line.queue(queue, progress),
  });
  const summary = await runSweep(config, {
    resume,
    fail_fast: values["fail-fast"] ?? false,
    executor: chosen.executor,
    notice: (said) => terminal.say(terminal.paint.dim(said)),
    onPlan: (plan) => {
      progress = { ended: 0, failed: 0, to_do: plan.runs - plan.finished };
      sayPlan(plan, config, resume, terminal);
      line.begin(progress);
      metrics?.planned(plan.runs, plan.finished);
    },
    onRun: (outcome, now) => {
      progress = now;
      line.show(outcome, now);
      metrics?.ended(outcome.exit_code === 0, outcome.wall_time_s);
    },
  }, signal);
  line[Symbol.dispose]();
  callbacks?.ended(endOfSweep(summary, treeOf(config).path));
  return conclude(summary, config, { argv, json: values.json ?? false, chosen, terminal });
}

/**
 * Decides whether finished runs are skipped. Without --resume or --redo, finished runs are not
 * discarded without asking.
 *
 * @throws {InputError} there are finished runs, and no person to ask.
 */
async function resumes(
  config: SweepConfig,
  values: SweepValues,
  terminal: Terminal,
): Promise<boolean> {
  const [resume, redo] = [values.resume === true, values.redo === true];
  if (resume && redo) throw new InputError("--resume, --redo: give one of them");
  const tree = treeOf(config);
  if (resume || redo || !existsSync(tree.runs)) return resume;
  checkTemplate(config);
  const { count } = scanFinished(config, tree, null);
  if (count === 0) return false;
  const found = `${tree.path}: ${grouped(count)} of ${counted(plannedCount(config), "run")} ` +
    `${count === 1 ? "is" : "are"} finished already`;
  const answer = await terminal.ask(`${found}; skip them [s], run all again [a], or stop [N]? `);
  if (answer === "s" || answer === "a") return answer === "s";
  throw new InputError(
    `${found}; --resume skips them and does the rest, --redo runs all again, --exp-name NAME begins ` +
      "another tree",
  );
}

/**
 * The sweep that the flags name, with their settings applied.
 *
 * @throws {InputError} it is invalid.
 */
export async function configOf(values: SweepValues): Promise<SweepConfig> {
  const path = values.config ?? DEFAULT_CONFIG;
  const packaged = values.config === undefined && !existsSync(path);
  const file = packaged
    ? parseJson(DEFAULT_CONFIG, JSON.stringify(packagedDefault, null, 2))
    : await readJsonFile(path);
  const config = sweepConfigOf(file, settingsIn(sweepSettings, values));
  const name = values["exp-name"] ?? config.name;
  if (/[/\0]/.test(name) || name.startsWith(".")) {
    throw new InputError(`--exp_name: "${name}" is not a folder's name; the place is --out_root`);
  }
  return { ...config, name };
}

/** Prints the planned runs on standard output: the id, a tab, the command. */
export function dryRun(config: SweepConfig, resume: boolean, terminal: Terminal): number {
  checkTemplate(config);
  const tree = treeOf(config);
  const scan = resume ? scanFinished(config, tree, null) : null;
  for (const run of scan ? missingRuns(config, scan) : plannedRuns(config)) {
    const cmd = commandOf(config, run, runPathsOf(tree, run.run_id).out);
    terminal.out(`${run.run_id}\t${shellText(cmd)}`);
  }
  const finished = scan ? `, ${counted(scan.count, "run")} of them finished already` : "";
  terminal.say(
    `${counted(plannedCount(config), "run")} planned in ${tree.path}${finished}; none started`,
  );
  for (const line of withoutPlace(config)) terminal.warn(line);
  return EXIT.good;
}

function sayPlan(plan: SweepPlan, config: SweepConfig, resume: boolean, terminal: Terminal): void {
  const to_do = plan.runs - plan.finished;
  const finished = resume ? `, ${grouped(plan.finished)} finished already` : "";
  if (plan.built_in) terminal.say(`no ${config.sim_binary} here: dyno's own simulator runs`);
  terminal.say(
    `${counted(plan.runs, "run")} in ${treeOf(config).path}${finished}; ` +
      (to_do > 0 ? `${config.jobs} at a time` : "nothing to do"),
  );
  for (const line of withoutPlace(config)) terminal.warn(line);
  if (plan.other_program > 0) {
    terminal.warn(
      "kept from another build of the program, or from a runner that does not say which: " +
        `${counted(plan.other_program, "run")}; --redo runs all again`,
    );
  }
}

function conclude(
  summary: SweepSummary,
  config: SweepConfig,
  { argv, json, chosen: { job }, terminal }: {
    argv: readonly string[];
    json: boolean;
    chosen: ChosenExecutor;
    terminal: Terminal;
  },
): number {
  const { ended, failed, to_do, stopped, wall_time_s } = summary;
  const exp_dir = treeOf(config).path;
  const left = to_do - ended;
  const goesOn = job !== null && !job.cancelled &&
    (stopped === "detached" || stopped === "interrupted");
  const parts = [
    `${counted(ended - failed, "run")} succeeded`,
    failed > 0 ? `${grouped(failed)} failed` : "",
    left > 0 ? `${grouped(left)} ${goesOn ? "left to Slurm" : "not run"}` : "",
  ].filter(Boolean).join(", ");
  const time = wall_time_s < 10 ? `${wall_time_s.toFixed(1)} s` : durationText(wall_time_s);
  if (to_do > 0 && stopped !== "detached") terminal.say(`${parts}, in ${time}`);
  if (stopped === "failed run") terminal.say("stopped at a failed run (--fail_fast)");
  if (failed > 0) terminal.say(`all that failed runs said is in ${exp_dir}/runs/RUN/stderr.txt`);
  if (job && left > 0 && !goesOn) terminal.say(`what tasks said is in ${exp_dir}/slurm/logs`);
  if (job && goesOn) sayJobGoesOn(job.id, exp_dir, terminal);
  else if (stopped !== "no" || left > 0) terminal.say(`continue with: ${resumeCommand(argv)}`);
  else if (failed > 0) terminal.say(`try the failed ones again with: ${resumeCommand(argv)}`);
  else terminal.say(`next: dyno collect --exp_dir ${shellText([exp_dir])}`);
  const slurm = job ? { slurm_job_id: job.id, slurm_job_cancelled: job.cancelled } : {};
  if (json) terminal.out(JSON.stringify({ exp_dir, ...summary, ...slurm }));
  if (stopped === "interrupted") return EXIT.interrupted;
  if (stopped === "detached") return EXIT.good;
  return failed > 0 || left > 0 ? EXIT.failures : EXIT.good;
}

/** The same command with --resume. */
function resumeCommand(argv: readonly string[]): string {
  return shellText([
    "dyno",
    "sweep",
    ...argv.filter((flag) => flag !== "--resume" && flag !== "--redo"),
    "--resume",
  ]);
}

/** A sweep's executor, and what the command line remembers about its job. */
interface ChosenExecutor {
  executor?: SweepExecutor;
  /** Slurm's job; null before it is submitted, and on this host. */
  job: { id: string; cancelled: boolean } | null;
}

/** Where lines about a job are printed. */
interface SlurmLines {
  terminal: Terminal;
  queue: (queue: string) => void;
}

/**
 * The executor that the flags choose.
 *
 * @throws {InputError} flags that cannot be combined, or there is no Slurm on this host.
 */
async function chosenExecutor(
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
function sayJobGoesOn(id: string, exp_dir: string, terminal: Terminal): void {
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
