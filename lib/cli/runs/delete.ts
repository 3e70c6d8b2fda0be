/** dyno runs delete: removes runs, after a dry run. */
import { removeRunDirectory } from "../../run/directory.ts";
import { notWritten } from "../../write.ts";
import { EXIT } from "../ui/command.ts";
import { flagHelp, parseFlags, toggle } from "../ui/flags.ts";
import { filterFlags, withRuns } from "./query.ts";
import { holding, runsToRemove, shownSize, showRemoval } from "./removal.ts";
import type { Command, CommandContext } from "../ui/command.ts";

const flags = { ...filterFlags, "yes": toggle("removes them") };

export const command: Command = {
  flags,
  help: [
    "dyno runs delete RUN … | --until TIME … [--yes] [flags]",
    "",
    "Shows which runs would be removed; with --yes, removes them. What is removed is gone. A run in use is",
    "left alone.",
    "",
    ...flagHelp(flags),
    "",
    "  dyno runs delete --status failed --until 30d",
  ],

  async run(argv: string[], { terminal, signal }: CommandContext): Promise<number> {
    const { values, positional } = parseFlags(flags, argv);
    return await withRuns(values.runs, terminal, async (index) => {
      const runs = await runsToRemove("delete", index, positional, values, terminal);
      if (runs.length === 0) return EXIT.good;
      if (!values.yes) {
        showRemoval(runs, "delete", terminal);
        return EXIT.good;
      }
      for (const run of runs) {
        if (signal.aborted) return EXIT.interrupted;
        await holding(run, terminal, () => {
          try {
            removeRunDirectory(run.path);
          } catch (error) {
            throw notWritten(run.path, error);
          }
          terminal.say(`deleted ${run.run_id} (${shownSize(run.size_bytes)})`);
        });
      }
      await index.refresh();
      return EXIT.good;
    });
  },
};
