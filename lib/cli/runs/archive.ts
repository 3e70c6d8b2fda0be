/** dyno runs archive: packs runs, after a dry run. */
import { join } from "node:path";
import { archiveFolder } from "../../run/archive.ts";
import { removeRunDirectory } from "../../run/directory.ts";
import { makeFolder } from "../../write.ts";
import { EXIT } from "../ui/command.ts";
import { flagHelp, parseFlags, text, toggle } from "../ui/flags.ts";
import { filterFlags, withRuns } from "./query.ts";
import { holding, runsToRemove, shownSize, showRemoval } from "./removal.ts";
import type { Command, CommandContext } from "../ui/command.ts";

const flags = {
  ...filterFlags,
  "to": text("DIR", "where the archives go (archive beside the runs: runs/archive)"),
  "keep": toggle("keep the run's folder"),
  "yes": toggle("does it"),
};

export const command: Command = {
  flags,
  help: [
    "dyno runs archive RUN … | --until TIME … [--yes] [flags]",
    "",
    "Shows which runs would be packed; with --yes, packs each into RUN_ID.tar.gz and removes its folder",
    "once the archive is safe on the disk. tar -xzf into the folder of runs brings it back. A run in use",
    "is left alone.",
    "",
    ...flagHelp(flags),
    "",
    "  dyno runs archive --until 90d --yes",
  ],

  async run(argv: string[], { terminal, signal }: CommandContext): Promise<number> {
    const { values, positional } = parseFlags(flags, argv);
    return await withRuns(values.runs, terminal, async (index) => {
      const runs = await runsToRemove("archive", index, positional, values, terminal);
      if (runs.length === 0) return EXIT.good;
      const folder = values.to ?? join(index.root, "archive");
      if (!values.yes) {
        showRemoval(runs, `pack into ${folder}`, terminal);
        return EXIT.good;
      }
      makeFolder(folder);
      for (const run of runs) {
        if (signal.aborted) return EXIT.interrupted;
        await holding(run, terminal, async () => {
          const target = join(folder, `${run.run_id}.tar.gz`);
          const size = await archiveFolder(run.path, run.run_id, target);
          if (!values.keep) removeRunDirectory(run.path);
          terminal.say(`${target}  ${shownSize(run.size_bytes)} → ${shownSize(size)}`);
        });
      }
      await index.refresh();
      return EXIT.good;
    });
  },
};
