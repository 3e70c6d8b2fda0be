/** dyno quickstart: shows everything once, on the built-in mock endpoint. */
import experiment from "../../experiments/quickstart.json" with { type: "json" };
import load from "../../experiments/quickstart_load.json" with { type: "json" };
import answers from "../../experiments/suites/quickstart_answers.json" with { type: "json" };
import suite from "../../experiments/suites/quickstart.json" with { type: "json" };
import { Budget } from "../run/budget.ts";
import { builtinPrices } from "../run/prices.ts";
import { EXIT } from "./ui/command.ts";
import { showLoads } from "./load/load_runs.ts";
import { suiteOf } from "../settings/load_suite.ts";
import { MockEndpoint } from "../mock/server.ts";
import { flagHelp, outFlag, parseOnlyFlags, toggle } from "./ui/flags.ts";
import { runSuites } from "./run/suite_runs.ts";
import smoke from "../../experiments/smoke.json" with { type: "json" };
import { join } from "node:path";
import { InputError } from "../errors.ts";
import { parseJson } from "../settings/json_file.ts";
import { writeSweepReport } from "../report/sweep/sweep_report.ts";
import { collectSweep } from "../sweep/collect.ts";
import { sweepConfigOf } from "../sweep/config.ts";
import { runSweep, treeOf } from "../sweep/run_sweep.ts";
import { shortPath } from "../text/short_path.ts";
import type { LoadSettings } from "../settings/load.ts";
import type { MockScript } from "../mock/script.ts";
import type { Command, CommandContext } from "./ui/command.ts";

const flags = {
  "out": outFlag,
  "json": toggle("the JSON of the suite and of the load on standard output, one line each"),
};

const NO_BUDGET = { usd: null, tokens: null };

/** The mock's answers to the load. */
const ANSWER =
  "An answer of sixteen words, as a model would give it to a made-up question about nothing.";

export const command: Command = {
  flags,
  help: [
    "dyno quickstart [flags]",
    "",
    "Starts the built-in mock endpoint on a free port, runs a small suite on it with hardware sampling,",
    "judges the answers (two are wrong on purpose), puts a small load on it, in a closed and in",
    "an open loop, and sweeps the scheduling simulator over a few policies. Each writes a report.",
    "",
    ...flagHelp(flags),
  ],

  async run(argv: string[], context: CommandContext): Promise<number> {
    const values = parseOnlyFlags("dyno quickstart", flags, argv);
    const { terminal } = context;
    const { delay_s, tokens_per_second } = experiment.mock;
    await using mock = await MockEndpoint.start({
      script: answers as MockScript,
      behaviour: { delay_s, tokens_per_second, default_response: ANSWER },
      model: experiment.model,
    });
    terminal.say(`mock endpoint at ${mock.url}, ${tokens_per_second} tokens/s a stream`);
    const prices = builtinPrices();
    const path = "experiments/suites/quickstart.json";
    const out = values.out;
    const asked = await runSuites({
      suite: suiteOf({ path, text: JSON.stringify(suite, null, 2), value: suite }),
      api: { endpoint: `${mock.url}/v1` },
      models: [experiment.model],
      workers: experiment.workers,
      out,
      resume: [],
      resumable: false,
      budget: NO_BUDGET,
      prices,
      agent: "mock",
      json: values.json ?? false,
    }, context);
    if (asked !== EXIT.good) return asked;
    terminal.say();
    const { kind: _kind, name, ...settings } = load;
    const loaded = await showLoads({
      experiment: {
        name,
        runs: [{
          settings: { ...settings as LoadSettings, endpoint: `${mock.url}/v1` },
          varied: {},
        }],
      },
      out,
      json: values.json ?? false,
      requireTrusted: false,
      reportAs: null,
      budget: new Budget(NO_BUDGET, () => {}),
      prices,
      agent: "mock",
    }, context);
    if (loaded !== EXIT.good) return loaded;
    terminal.say();
    const code = await quickstartSweep(out, context);
    terminal.say();
    terminal.say("next, with your own server:");
    terminal.say("  dyno run SUITE --endpoint URL --model NAME");
    terminal.say("  dyno load --endpoint URL --concurrency 16 --duration 60");
    return code;
  },
};

/** Runs the smoke sweep in `out`; if it cannot, says what is missing. Returns the exit code. */
async function quickstartSweep(
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
    terminal.warn(`no sweep: ${error.message}`); // for example, there is no compiler
    return EXIT.good;
  }
}
