/** dyno sweep: a program or a job of dyno over a matrix of parameters, seeds and ablations. */
import { existsSync } from "node:fs";
import packagedDefault from "../../experiments/default.json" with { type: "json" };
import { InputError } from "../errors.ts";
import { parseJson, readJsonFile } from "../experiment/json_file.ts";
import { checkTemplate, commandOf, shellText } from "../sweep/command_line.ts";
import { sweepConfigOf } from "../sweep/config.ts";
import { plannedCount, plannedRuns } from "../sweep/plan.ts";
import { missingRuns, runSweep, scanFinished, treeOf } from "../sweep/run_sweep.ts";
import { runPathsOf } from "../sweep/tree.ts";
import { EXIT } from "./command.ts";
import { flagHelp, number, parseFlags, text, toggle } from "./flags.ts";
import { duration } from "./progress_line.ts";
import { SweepProgressLine } from "./sweep_progress.ts";
import type { SweepConfig } from "../sweep/config.ts";
import type { SweepPlan, SweepSummary } from "../sweep/run_sweep.ts";
import type { Command, CommandContext } from "./command.ts";
import type { Values } from "./flags.ts";
import type { Terminal } from "./terminal.ts";

const DEFAULT_CONFIG = "experiments/default.json";

const flags = {
  "config": text("PATH", `the experiment, a JSON file (${DEFAULT_CONFIG})`),
  "exp-name": text("NAME", "another name for the experiment"),
  "out-root": text("PATH", "another folder for experiments (bench_runs)"),
  "jobs": number("N", "runs at the same time", { min: 1, whole: true }),
  "dry-run": toggle("prints the planned runs and does nothing"),
  "resume": toggle("leaves finished runs: their results are there and meta.json matches"),
  "fail-fast": toggle("stops at the first run that fails"),
  "timeout": number("S", "seconds that a run may take", { min: 0.001 }),
  "memory-limit": number("MB", "private memory that each process of a run may take", {
    min: 0.001,
  }),
  "sample-rate": number("HZ", "hardware samples a second beside each run (0: none)"),
  "json": toggle("one JSON object on standard output at the end"),
};
export const command: Command = {
  help: [
    "dyno sweep [--config PATH] [flags]",
    "",
    "Runs a program (agent_sched_sim, any other by `command`, or dyno itself by `kind`: load or suite)",
    "for every combination of a matrix of parameters, seeds and ablations. Each run leaves a folder",
    "under OUT_ROOT/NAME/runs. Exit code: 0 every run succeeded, 1 some failed, 2 wrong input, 130",
    "interrupted (go on with --resume).",
    "",
    ...flagHelp(flags),
    "",
    "Flags may be written with underscores: --dry_run.",
    "",
    "  dyno sweep --config experiments/smoke.json --jobs 2",
    "  dyno collect --exp_dir bench_runs/smoke",
    "  dyno report --exp_dir bench_runs/smoke",
  ],

  async run(argv: string[], { terminal, signal }: CommandContext): Promise<number> {
    const { values, positional } = parseFlags(flags, argv);
    if (positional.length) {
      throw new InputError(`"${positional[0]}": dyno sweep takes only flags; a file is --config`);
    }
    const config = await configOf(values);
    if (values["dry-run"]) return dryRun(config, values.resume ?? false, terminal);
    using line = new SweepProgressLine(terminal);
    const summary = await runSweep(config, {
      resume: values.resume ?? false,
      fail_fast: values["fail-fast"] ?? false,
      notice: (said) => line.above(terminal.paint.dim(said)),
      onPlan: (plan) => sayPlan(plan, config, values.resume ?? false, terminal),
      onRun: (outcome, progress) => line.show(outcome, progress),
    }, signal);
    line[Symbol.dispose]();
    return conclude(summary, config, { argv, json: values.json ?? false, terminal });
  },
};

async function configOf(values: Values<typeof flags>): Promise<SweepConfig> {
  const path = values.config ?? DEFAULT_CONFIG;
  const packaged = values.config === undefined && !existsSync(path);
  const file = packaged
    ? parseJson(DEFAULT_CONFIG, JSON.stringify(packagedDefault, null, 2))
    : await readJsonFile(path);
  const config = sweepConfigOf(file);
  const name = values["exp-name"] ?? config.name;
  if (/[/\0]/.test(name) || name.startsWith(".")) {
    throw new InputError(`--exp_name: "${name}" is not a folder's name; the place is --out_root`);
  }
  const memory_mb = values["memory-limit"];
  return {
    ...config,
    name,
    out_root: values["out-root"] ?? config.out_root,
    jobs: values.jobs ?? config.jobs,
    timeout_s: values.timeout ?? config.timeout_s,
    memory_bytes: memory_mb === undefined ? config.memory_bytes : memory_mb * 1e6,
    sample_rate_hz: values["sample-rate"] ?? config.sample_rate_hz,
  };
}

/** The planned runs on standard output: the id, a tab, the command. */
function dryRun(config: SweepConfig, resume: boolean, terminal: Terminal): number {
  checkTemplate(config);
  const tree = treeOf(config);
  const scan = resume ? scanFinished(config, tree, null) : null;
  for (const run of scan ? missingRuns(config, scan) : plannedRuns(config)) {
    const cmd = commandOf(config, run, runPathsOf(tree, run.run_id).out);
    terminal.out(`${run.run_id}\t${shellText(cmd)}`);
  }
  const finished = scan ? `, ${counted(scan.count)} of them finished already` : "";
  terminal.say(`${counted(plannedCount(config))} planned in ${tree.path}${finished}; none started`);
  return EXIT.good;
}

function sayPlan(plan: SweepPlan, config: SweepConfig, resume: boolean, terminal: Terminal): void {
  const to_do = plan.runs - plan.finished;
  const finished = resume ? `, ${plan.finished.toLocaleString("en")} finished already` : "";
  if (plan.built_in) terminal.say(`no ${config.sim_binary} here: dyno's own simulator runs`);
  terminal.say(
    `${counted(plan.runs)} in ${treeOf(config).path}${finished}; ` +
      (to_do > 0 ? `${config.jobs} at a time` : "nothing to do"),
  );
  if (plan.other_program > 0) {
    terminal.warn(
      "kept from another build of the program, or from a runner that does not say which: " +
        `${counted(plan.other_program)}; without --resume all are run again`,
    );
  }
}

function conclude(
  summary: SweepSummary,
  config: SweepConfig,
  { argv, json, terminal }: { argv: readonly string[]; json: boolean; terminal: Terminal },
): number {
  const { ended, failed, to_do, stopped, wall_time_s } = summary;
  const exp_dir = treeOf(config).path;
  const left = to_do - ended;
  const parts = [
    `${counted(ended - failed)} succeeded`,
    failed > 0 ? `${failed.toLocaleString("en")} failed` : "",
    left > 0 ? `${left.toLocaleString("en")} not run` : "",
  ].filter(Boolean).join(", ");
  const time = wall_time_s < 10 ? `${wall_time_s.toFixed(1)} s` : duration(wall_time_s);
  if (to_do > 0) terminal.say(`${parts}, in ${time}`);
  if (stopped === "failed run") terminal.say("stopped at a failed run (--fail_fast)");
  if (failed > 0) terminal.say(`all that failed runs said is in ${exp_dir}/runs/RUN/stderr.txt`);
  if (stopped !== "no") terminal.say(`go on with: ${resumeCommand(argv)}`);
  else if (failed > 0) terminal.say(`try the failed ones again with: ${resumeCommand(argv)}`);
  else terminal.say(`next: dyno collect --exp_dir ${shellText([exp_dir])}`);
  if (json) terminal.out(JSON.stringify({ exp_dir, ...summary }));
  if (stopped === "interrupted") return EXIT.interrupted;
  return failed > 0 || left > 0 ? EXIT.failures : EXIT.good;
}

/** The same command with --resume. */
function resumeCommand(argv: readonly string[]): string {
  return shellText(["dyno", "sweep", ...argv.filter((flag) => flag !== "--resume"), "--resume"]);
}

function counted(runs: number): string {
  return `${runs.toLocaleString("en")} ${runs === 1 ? "run" : "runs"}`;
}
