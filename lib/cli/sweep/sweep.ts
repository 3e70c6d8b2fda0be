/** dyno sweep: runs a program or a job of dyno over a matrix of parameters, seeds and ablations. */
import process from "node:process";
import { boundKeys, KEY_ENV, keyOriginsText } from "../../endpoint/key_origins.ts";
import { InputError } from "../../errors.ts";
import { withCallbacks } from "../ui/callback_flags.ts";
import { flagHelp, parseFlags } from "../ui/flags.ts";
import { sweepFlags } from "./sweep_flags.ts";
import type { Command, CommandContext } from "../ui/command.ts";

export const command: Command = {
  flags: sweepFlags,
  help: [
    "dyno sweep [PATH] [flags]",
    "dyno sweep status --exp_dir PATH [--wait] [--json]",
    "",
    "Runs a program (agent_sched_sim, any other by `command`, or dyno itself by `kind`: load or suite)",
    "for every combination of a matrix of parameters, seeds and ablations. PATH is the same as --config",
    "PATH. Each run leaves a folder under OUT_ROOT/NAME/runs. Exit code: 0 every run succeeded, 1 some",
    "failed, 2 wrong input, 130 interrupted (continue with --resume).",
    "",
    ...flagHelp(sweepFlags),
    "",
    "Flags may be written with underscores: --dry_run.",
    "",
    "With --executor slurm the runs are an array job over a folder that all nodes share, --jobs tasks",
    "at a time; dyno waits for it. A task whose node fails or that is preempted is queued again, and",
    "a run that has ended is not repeated. At Ctrl-C dyno asks whether to cancel the job; without a",
    "terminal to ask at it does. A job that is to outlive dyno is given --detach.",
    "",
    "  dyno sweep --config experiments/smoke.json --jobs 2",
    "  dyno collect --exp_dir bench_runs/smoke",
    "  dyno report --exp_dir bench_runs/smoke",
    "  dyno sweep --executor slurm --partition long --time 30:00 --jobs 50 --detach",
    "  dyno sweep status --exp_dir bench_runs/default",
  ],

  async run(argv: string[], context: CommandContext): Promise<number> {
    const [word, ...rest] = argv;
    if (word === "exec") return await (await import("./sweep_exec.ts")).sweepExec(rest, context);
    if (word === "status") {
      return await (await import("./sweep_status.ts")).sweepStatus(rest, context);
    }
    const { terminal } = context;
    const { values, positional: [file, ...more] } = parseFlags(sweepFlags, argv);
    const second = values.config === undefined ? more[0] : file;
    if (second !== undefined) {
      throw new InputError(`"${second}": dyno sweep takes one experiment file`);
    }
    values.config ??= file;
    const { configOf, dryRun, sweep } = await import("./sweep_runs.ts");
    const config = await configOf(values);
    // jobs, including those on other nodes, check the keys in their files
    const keys = keyOriginsText(boundKeys(values["key-env"]));
    if (keys.length > 0) process.env[KEY_ENV] = keys.join(",");
    if (values["dry-run"]) return dryRun(config, values.resume ?? false, terminal);
    return await withCallbacks(
      values,
      config.out_root,
      context,
      (told) => sweep(config, values, argv, told),
    );
  },
};
