/** dyno runs agreement: how well a run's judges agree with people. */
import { InputError } from "../../errors.ts";
import { judgeAgreement, labelledTests } from "../../compare/judge_agreement.ts";
import { resolveRun } from "../../run/find_run.ts";
import { foldJournal } from "../../run/fold.ts";
import { runDirectoryAt } from "../../run/directory.ts";
import { EXIT } from "../ui/command.ts";
import { flagHelp, parseFlags } from "../ui/flags.ts";
import { folderFlag, folderOf, jsonFlag, onlyOne, withRuns } from "./query.ts";
import { shortened } from "./text.ts";
import { type Column, tableLines } from "../ui/table.ts";
import { percentText } from "../../text/percent.ts";
import type { JudgeAgreement } from "../../compare/judge_agreement.ts";
import type { Command, CommandContext } from "../ui/command.ts";

const flags = { ...folderFlag, ...jsonFlag };

const COLUMNS: Column[] = [
  { title: "Judge", align: "left" },
  { title: "Tests", align: "right" },
  { title: "No choice", align: "right" },
  { title: "Agreed", align: "right" },
  { title: "Kappa", align: "right" },
  { title: "95 %", align: "left" },
];

export const command: Command = {
  flags,
  help: [
    "dyno runs agreement RUN [flags]",
    "",
    "Of a suite whose tests have a label (what people chose) and a judge: the share of tests on which each",
    "judge chose the same, and Cohen's kappa, which is that beyond chance: 1 always, 0 as often as chance.",
    "Its interval is one over problems. With --json: [{judge, n, without_choice, agreed, kappa, estimate,",
    "table[{label, choice, tests}]}].",
    "",
    ...flagHelp(flags),
    "",
    "  dyno run labelled.json --endpoint URL --model JUDGE && dyno runs agreement latest",
  ],

  async run(argv: string[], { terminal }: CommandContext): Promise<number> {
    const { values, positional } = parseFlags(flags, argv);
    const given = onlyOne("agreement", positional);
    return await withRuns(values.runs ?? folderOf(positional), terminal, async (index) => {
      const path = await resolveRun(index, given, {});
      const { state } = await foldJournal(runDirectoryAt(path).journal, labelledTests);
      const judges = judgeAgreement(state.values());
      if (judges.length === 0) {
        throw new InputError(
          `${given}: no judged test has a label; give tests "label", and the suite a judge`,
        );
      }
      if (values.json) {
        terminal.json(judges);
        return EXIT.good;
      }
      tableLines(COLUMNS, judges.map(row), terminal.outPaint).forEach((line) => terminal.out(line));
      for (const { judge, table } of judges) {
        const wrong = table.filter(({ label, choice }) => label !== choice).slice(0, 5);
        const cells = wrong.map(({ label, choice, tests }) =>
          `${tests} × "${choice}" where people chose "${label}"`
        );
        if (cells.length > 0) terminal.say(terminal.paint.dim(`${judge}: ${cells.join(", ")}`));
      }
      return EXIT.good;
    });
  },
};

function row({ judge, n, without_choice, agreed, kappa, estimate }: JudgeAgreement): string[] {
  return [
    shortened(judge, 40),
    String(n),
    String(without_choice),
    agreed === null ? "–" : percentText(agreed.value),
    kappa === null ? "–" : kappa.toFixed(2),
    estimate === null ? "–" : `${estimate.low.toFixed(2)} – ${estimate.high.toFixed(2)}`,
  ];
}
