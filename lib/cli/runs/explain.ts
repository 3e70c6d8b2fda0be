/** dyno explain: says what a run shows, what it cannot show, and what to run next. */
import { readFileSync } from "node:fs";
import { InputError } from "../../errors.ts";
import { runDirectoryAt } from "../../run/directory.ts";
import { explained } from "../../report/explained.ts";
import { EXIT } from "../ui/command.ts";
import { flagHelp, parseFlags } from "../ui/flags.ts";
import { folderFlag, folderOf, onlyOne, readOne, withRuns } from "./query.ts";
import type { LoadResults } from "../../load/results.ts";
import type { SuiteResults } from "../../suite/results.ts";
import type { RunSummary } from "../../run/summary.ts";
import type { Command, CommandContext } from "../ui/command.ts";

const flags = { ...folderFlag };

export const command: Command = {
  flags,
  help: [
    "dyno explain RUN [flags]",
    "",
    "Says in about ten lines what a run shows, what it cannot show, and what to run next. RUN is an id,",
    "the beginning of one, latest, latest~1, or a folder. For two runs: dyno runs compare.",
    "",
    ...flagHelp(flags),
    "",
    "  dyno explain latest",
  ],

  async run(argv: string[], { terminal }: CommandContext): Promise<number> {
    const { values, positional } = parseFlags(flags, argv);
    const given = onlyOne("explain", positional, "dyno");
    const folder = values.runs ?? folderOf(positional);
    return await withRuns(folder, terminal, async (index) => {
      const { summary } = await readOne(index, given, terminal, { items: false });
      for (const [head, lines] of explained(summary, resultsOf(summary), folder)) {
        terminal.out(terminal.outPaint.bold(head));
        lines.forEach((line) => terminal.out(`  ${line}`));
      }
      return EXIT.good;
    });
  },
};

/** The content of results.json; null if the run was interrupted before it was written. */
function resultsOf({ path, source_form, run_id }: RunSummary): SuiteResults | LoadResults | null {
  if (source_form !== "dyno") {
    throw new InputError(`${run_id}: was imported; dyno runs show ${run_id} shows it`);
  }
  try {
    return JSON.parse(readFileSync(runDirectoryAt(path).results, "utf8"));
  } catch {
    return null;
  }
}
