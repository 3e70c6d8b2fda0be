/** dyno collect: collects a sweep's runs in one table. */
import { shellText } from "../../text/shell_text.ts";
import { counted, grouped } from "../../text/grouped.ts";
import { collectSweep } from "../../sweep/collect.ts";
import { EXIT } from "../ui/command.ts";
import { flagHelp, parseFlags, text, toggle } from "../ui/flags.ts";
import { expDirFlag, expDirOf } from "./sweep_flags.ts";
import type { Command, CommandContext } from "../ui/command.ts";

/** Warnings that are shown individually. */
const MOST_SHOWN = 10;

const flags = {
  ...expDirFlag,
  "out-csv": text("PATH", "where the table goes (EXP_DIR/aggregate/runs.csv)"),
  "json": toggle("one JSON object on standard output at the end"),
};

export const command: Command = {
  flags,
  help: [
    "dyno collect --exp_dir PATH [flags]",
    "",
    "Writes one row a run: its parameters, metrics, tiers, exit code and times. A run that is missing or",
    "broken is a row with a warning.",
    "",
    ...flagHelp(flags),
  ],

  async run(argv: string[], { terminal, signal }: CommandContext): Promise<number> {
    const { values, positional } = parseFlags(flags, argv);
    const exp_dir = expDirOf("dyno collect", values, positional);
    let shown = 0;
    const summary = await collectSweep(exp_dir, {
      out_csv: values["out-csv"],
      signal,
      onWarning: (run_id, warning) => {
        if (shown++ < MOST_SHOWN) terminal.warn(`${run_id}: ${warning}`);
      },
    });
    if (shown > MOST_SHOWN) {
      terminal.say(`and ${grouped(shown - MOST_SHOWN)} more warnings, in the table`);
    }
    const { rows, warnings, runs_csv } = summary;
    const kind = warnings === 0 ? "" : `, ${grouped(warnings)} of them with a warning`;
    terminal.say(`${counted(rows, "run")}${kind}: ${runs_csv}`);
    const table = values["out-csv"] === undefined ? "" : ` --runs_csv ${shellText([runs_csv])}`;
    terminal.say(`next: dyno report --exp_dir ${shellText([exp_dir])}${table}`);
    if (values.json) terminal.out(JSON.stringify(summary));
    return EXIT.good;
  },
};
