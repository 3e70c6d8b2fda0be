/** dyno quickstart: everything once, on the built-in mock endpoint. */
import experiment from "../../experiments/quickstart.json" with { type: "json" };
import answers from "../../experiments/suites/quickstart_answers.json" with { type: "json" };
import suite from "../../experiments/suites/quickstart.json" with { type: "json" };
import { suiteOf } from "../experiment/load_suite.ts";
import { MockEndpoint } from "../mock/server.ts";
import { flagHelp, parseFlags, text, toggle } from "./flags.ts";
import { runSuites } from "./suite_runs.ts";
import type { MockScript } from "../mock/script.ts";
import type { Command, CommandContext } from "./command.ts";

const flags = {
  "out": text("DIR", "the folder of runs (runs)"),
  "json": toggle("one JSON object on standard output at the end"),
};

export const command: Command = {
  help: [
    "dyno quickstart [flags]",
    "",
    "Starts the built-in mock endpoint on a free port, runs a small suite on it with hardware sampling,",
    "judges the answers (two of them are wrong on purpose) and writes a run directory with a report.",
    "",
    ...flagHelp(flags),
  ],

  async run(argv: string[], context: CommandContext): Promise<number> {
    const { values } = parseFlags(flags, argv);
    const { terminal } = context;
    const { delay_s, tokens_per_second } = experiment.mock;
    await using mock = await MockEndpoint.start({
      script: answers as MockScript,
      behaviour: { delay_s, tokens_per_second },
      model: experiment.model,
    });
    terminal.say(`mock endpoint at ${mock.url}, ${tokens_per_second} tokens/s a stream`);
    const path = "experiments/suites/quickstart.json";
    const code = await runSuites({
      suite: suiteOf({ path, text: JSON.stringify(suite, null, 2), value: suite }),
      api: { endpoint: `${mock.url}/v1` },
      models: [experiment.model],
      selection: {},
      workers: experiment.workers,
      out: values.out ?? "runs",
      resume: [],
      agent: "mock",
      json: values.json ?? false,
    }, context);
    terminal.say();
    terminal.say("next: dyno run SUITE --endpoint URL --model NAME, with a server of your own");
    return code;
  },
};
