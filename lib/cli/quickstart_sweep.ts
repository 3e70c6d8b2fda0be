/** The quickstart's sweep: a few policies of the simulator, with a report. */
import smoke from "../../experiments/smoke.json" with { type: "json" };
import { join } from "node:path";
import { InputError } from "../errors.ts";
import { parseJson } from "../settings/json_file.ts";
import { writeSweepReport } from "../report/sweep/sweep_report.ts";
import { collectSweep } from "../sweep/collect.ts";
import { sweepConfigOf } from "../sweep/config.ts";
import { runSweep, treeOf } from "../sweep/run_sweep.ts";
import { EXIT } from "./exit_codes.ts";
import { shortPath } from "../text/short_path.ts";
import type { CommandContext } from "./ui/command.ts";

/** Runs the smoke sweep under `out`; says what it needs where it cannot. Gives the exit code. */
export async function quickstartSweep(
  out: string,
  { terminal, signal }: CommandContext,
): Promise<number> {
  const file = parseJson("experiments/smoke.json", JSON.stringify(smoke, null, 2));
  const config = { ...sweepConfigOf(file), out_root: join(out, "sweeps") };
  const exp_dir = treeOf(config).path;
  try {
    const { ended, failed, stopped, wall_time_s } = await runSweep(config, {
      resume: false,
      fail_fast: false,
      notice: (line) => terminal.say(terminal.paint.dim(line)),
      onPlan: () => {},
      onRun: () => {},
    }, signal);
    if (stopped === "interrupted") return EXIT.interrupted;
    await collectSweep(exp_dir, { signal, onWarning: (_, line) => terminal.warn(line) });
    const { index } = await writeSweepReport(exp_dir, {});
    terminal.say(
      `${ended - failed} of ${ended} simulator runs of a scheduler's policies succeeded, ` +
        `in ${wall_time_s.toFixed(1)} s`,
    );
    terminal.say(`report  ${terminal.paint.accent(shortPath(index))}`);
    return failed > 0 ? EXIT.failures : EXIT.good;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    terminal.warn(`no sweep: ${error.message}`); // no compiler here, say
    return EXIT.good;
  }
}
