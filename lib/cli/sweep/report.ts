/** dyno report: writes a sweep's report, or the dashboard of runs and batches as files. */
import { existsSync, statSync } from "node:fs";
import { InputError } from "../../errors.ts";
import { counted } from "../../text/grouped.ts";
import { writeSweepReport } from "../../report/sweep/sweep_report.ts";
import { collectSweep } from "../../sweep/collect.ts";
import { type SweepTree, sweepTreeAt } from "../../sweep/tree.ts";
import { EXIT } from "../ui/command.ts";
import { flagHelp, otherwise, parseFlags, text, toggle, type Values } from "../ui/flags.ts";
import { expDirFlag, expDirOf } from "./sweep_flags.ts";
import type { Command, CommandContext } from "../ui/command.ts";
import type { Terminal } from "../ui/terminal.ts";

const flags = {
  ...expDirFlag,
  "runs-csv": text("PATH", "the table of dyno collect (EXP_DIR/aggregate/runs.csv)"),
  "out-dir": text("PATH", "where the report goes (EXP_DIR/report)"),
  "dashboard": toggle("the dashboard of dyno serve as files, instead of a sweep's report"),
  "runs": otherwise("runs", text("DIR", "with --dashboard: the folder of runs")),
  "batches": otherwise("batches", text("DIR", "with --dashboard: the folder of batches")),
  "out": otherwise("dashboard", text("DIR", "with --dashboard: where it goes")),
  "json": toggle("one JSON object on standard output at the end"),
};

export const command: Command = {
  flags,
  help: [
    "dyno report --exp_dir PATH [flags]",
    "dyno report --dashboard [--runs DIR] [--batches DIR] [--out DIR]",
    "",
    "Writes index.html, which opens from the disk with no network, report.md, and the charts under assets/.",
    "Without a table, the runs are collected first.",
    "",
    ...flagHelp(flags),
  ],

  async run(argv: string[], { terminal, signal }: CommandContext): Promise<number> {
    const { values, positional } = parseFlags(flags, argv);
    if (values.dashboard) {
      const given = positional[0] ?? values["exp-dir"] ?? values["runs-csv"] ?? values["out-dir"];
      if (given === undefined) return await writeCopy(values, terminal);
      throw new InputError(
        `"${given}": dyno report --dashboard takes --runs, --batches and --out alone`,
      );
    }
    const exp_dir = expDirOf("dyno report", values, positional);
    if (values["runs-csv"] === undefined && !existsSync(sweepTreeAt(exp_dir).runs_csv)) {
      const { runs_csv, rows } = await collectSweep(exp_dir, { signal });
      terminal.say(`collected ${counted(rows, "run")} into ${runs_csv}`);
    }
    if (values["runs-csv"] === undefined && isOlder(sweepTreeAt(exp_dir))) {
      terminal.warn(
        `the sweep ran after its table was written: dyno collect --exp_dir ${exp_dir} renews it`,
      );
    }
    const report = await writeSweepReport(exp_dir, {
      runs_csv: values["runs-csv"],
      out_dir: values["out-dir"],
    });
    if (report.no_png) terminal.warn(`${report.no_png}; the charts are SVG files instead`);
    if (report.measured === 0) {
      terminal.warn("no run has results: the report holds its warnings only");
    }
    terminal.say(`report: ${report.index}`);
    if (values.json) terminal.out(JSON.stringify(report));
    return EXIT.good;
  },
};

async function writeCopy(values: Values<typeof flags>, terminal: Terminal): Promise<number> {
  const { writeDashboard } = await import("../../server/dashboard_copy.ts");
  const copy = await writeDashboard({
    runs: values.runs,
    batches: values.batches,
    out: values.out,
    onNotice: (line) => terminal.warn(line),
  });
  const { runs, pages, batches } = copy;
  if (runs + batches === 0) {
    terminal.warn(
      "there are no runs and no batches here: --runs DIR and --batches DIR name others",
    );
  }
  if (pages < runs) terminal.say(`the newest ${pages} runs have their own page`);
  terminal.say(
    `dashboard: ${copy.index} (${counted(runs, "run")}, ${batches} ${
      batches === 1 ? "batch" : "batches"
    })`,
  );
  if (values.json) terminal.out(JSON.stringify(copy));
  return EXIT.good;
}

/** Whether a sweep was started in the folder after its table was written. */
function isOlder({ runs_csv, experiment }: SweepTree): boolean {
  const written = (path: string) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return written(experiment) > written(runs_csv);
}
