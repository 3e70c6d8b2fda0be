/** dyno runs: what to do with runs that are over. */
import { InputError } from "../errors.ts";
import { didYouMean } from "../nearest.ts";
import { perfettoTrace } from "../report/perfetto.ts";
import { findRun } from "../run/directory.ts";
import { writeFileAtomic } from "../run/write.ts";
import { EXIT } from "./command.ts";
import { flagHelp, parseFlags, text } from "./flags.ts";
import type { Command, CommandContext } from "./command.ts";

const FORMATS = ["perfetto"];

const flags = {
  "format": text("NAME", `the form: ${FORMATS.join(", ")}`),
  "runs": text("DIR", "the folder of runs (runs)"),
  "out": text("FILE", "writes there instead of standard output"),
};

export const command: Command = {
  help: [
    "dyno runs export RUN --format perfetto [flags]",
    "",
    "Exports a run, given by its id or its folder. perfetto: requests, host samples and alerts on one time",
    "line, as a Chrome trace; open it in ui.perfetto.dev.",
    "",
    ...flagHelp(flags),
  ],

  async run(argv: string[], { terminal }: CommandContext): Promise<number> {
    const { values, positional: [action, run, ...more] } = parseFlags(flags, argv);
    if (action !== "export") {
      throw new InputError(`dyno runs: "${action ?? ""}" is not known; expected export`);
    }
    if (run === undefined || more.length) throw new InputError("dyno runs export takes one run");
    const { format } = values;
    if (format === undefined || !FORMATS.includes(format)) {
      const hint = format === undefined ? "" : didYouMean(format, FORMATS);
      throw new InputError(`--format: expected ${FORMATS.join(", ")}${hint}`);
    }
    const parts = await Array.fromAsync(perfettoTrace(findRun(run, values.runs ?? "runs")));
    if (values.out === undefined) terminal.out(parts.join("").trimEnd());
    else writeFileAtomic(values.out, parts);
    return EXIT.good;
  },
};
