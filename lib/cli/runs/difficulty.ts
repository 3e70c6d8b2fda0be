/** dyno runs difficulty: shows how often each problem was solved. */
import { InputError } from "../../errors.ts";
import { difficulties } from "../../compare/difficulty.ts";
import { EXIT } from "../ui/command.ts";
import { flagHelp, number, parseFlags } from "../ui/flags.ts";
import { chosenRuns, filterFlags, filterOf, jsonFlag, withRuns } from "./query.ts";
import { shortened } from "./text.ts";
import { type Column, tableLines } from "../ui/table.ts";
import { percentText } from "../../text/percent.ts";
import { counted } from "../../text/grouped.ts";
import type { Command, CommandContext } from "../ui/command.ts";

const flags = {
  ...filterFlags,
  "below": number("SHARE", "only problems with a success rate below this share, e.g. 0.3"),
  "limit": number("N", "at most this many, the hardest (30); 0 for all", { whole: true }),
  ...jsonFlag,
};

const COLUMNS: Column[] = [
  { title: "Problem", align: "left" },
  { title: "Name", align: "left" },
  { title: "Right", align: "right" },
  { title: "Answers", align: "right" },
  { title: "Runs", align: "right" },
  { title: "Success Rate", align: "right" },
  { title: "95 %", align: "left" },
];

export const command: Command = {
  flags,
  help: [
    "dyno runs difficulty [RUN …] [flags]",
    "",
    "For each problem, the mean over runs of the share of their answers that solved it, hardest first; the",
    "answers of both modes of a comparative run count. The interval is over runs, too (Wilson's if each run",
    "has one answer); it assumes independent runs, which runs of one model are less than they seem. A",
    "problem without an answer counts as not solved.",
    "",
    ...flagHelp(flags),
    "",
    "  dyno runs difficulty --suite humaneval --below 0.3",
  ],

  async run(argv: string[], { terminal }: CommandContext): Promise<number> {
    const { values, positional } = parseFlags(flags, argv);
    return await withRuns(values.runs, terminal, async (index) => {
      const runs = await chosenRuns(index, positional, filterOf(values));
      const run_ids = runs.map(({ run_id }) => run_id);
      const outcomes = await index.outcomes({ run_ids });
      const all = difficulties(outcomes);
      if (all.length === 0) {
        throw new InputError(
          `none of the ${runs.length} runs has judged items; give tests an evaluator`,
        );
      }
      const chosen = all.filter(({ success_rate }) => success_rate.value < (values.below ?? 2));
      const limit = values.limit === 0 ? Infinity : values.limit ?? (values.json ? Infinity : 30);
      const shown = chosen.slice(0, limit);
      if (values.json) {
        terminal.json(shown);
        return EXIT.good;
      }
      const rows = shown.map(({ problem_id, name, runs, answers, successes, success_rate }) => [
        shortened(problem_id, 40),
        shortened(name, 40),
        String(successes),
        String(answers),
        String(runs),
        percentText(success_rate.value),
        `${percentText(success_rate.low, 0)} – ${percentText(success_rate.high, 0)}`,
      ]);
      tableLines(COLUMNS, rows, terminal.outPaint).forEach((line) => terminal.out(line));
      const judged = new Set(outcomes.flatMap((run) => /[01]/.test(run.marks) ? run.run_id : []));
      const suites = new Set(
        runs.flatMap(({ run_id, benchmark }) => judged.has(run_id) ? benchmark : []),
      ).size;
      const mixed = suites > 1 ? `, of ${suites} suites together` : "";
      terminal.say(terminal.paint.dim(
        `${shown.length} of ${all.length} problems over ${counted(judged.size, "run")}${mixed}`,
      ));
      return EXIT.good;
    });
  },
};
