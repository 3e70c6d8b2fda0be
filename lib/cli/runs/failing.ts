/** dyno runs failing: lists what was not answered, answered wrong or not judged. */
import { readRunDirectory } from "../../run/read_run.ts";
import { isFailing, isUnjudged } from "../../run/problems.ts";
import { EXIT } from "../ui/command.ts";
import { flagHelp, parseFlags } from "../ui/flags.ts";
import { chosenRuns, filterFlags, filterOf, jsonFlag, withRuns } from "./query.ts";
import { shortened } from "./text.ts";
import { type Column, tableLines } from "../ui/table.ts";
import type { RunItem } from "../../run/summary.ts";
import type { Command, CommandContext } from "../ui/command.ts";

const flags = { ...filterFlags, ...jsonFlag };

const COLUMNS: Column[] = [
  { title: "Run ID", align: "left" },
  { title: "Problem", align: "left" },
  { title: "Category", align: "left" },
  { title: "Why", align: "left" },
];

export const command: Command = {
  flags,
  help: [
    "dyno runs failing [RUN …] [flags]",
    "",
    "Lists the problems without an answer, with a wrong one, or not judged because the evaluator failed,",
    "for the given runs, or the latest that fits the filters. With --json: [{run_id, problem_id, name,",
    "category, success, timed_out, not_judged, error}].",
    "",
    ...flagHelp(flags),
    "",
    "  dyno runs failing latest latest~1 --json | jq -r '.[].problem_id' | sort | uniq -d",
  ],

  async run(argv: string[], { terminal }: CommandContext): Promise<number> {
    const { values, positional } = parseFlags(flags, argv);
    return await withRuns(values.runs, terminal, async (index) => {
      const names = positional.length ? positional : ["latest"];
      const runs = await chosenRuns(index, names, filterOf(values));
      const failing: { run_id: string; item: RunItem }[] = [];
      for (const { run_id, path } of runs) {
        const { items, warnings } = await readRunDirectory(path);
        warnings.forEach((line) => terminal.warn(line));
        failing.push(...items.filter(isFailing).map((item) => ({ run_id, item })));
      }
      if (values.json) {
        terminal.json(failing.map(asJson));
      } else if (failing.length === 0) {
        terminal.say(`no failing problems in ${runs.map(({ run_id }) => run_id).join(", ")}`);
      } else {
        const rows = failing.map(({ run_id, item }) => [
          run_id,
          shortened(item.item_id, 48),
          shortened(item.category ?? "–", 20),
          shortened(
            isUnjudged(item) ? `not judged: ${item.error}` : item.error ?? "wrong answer",
            70,
          ),
        ]);
        tableLines(COLUMNS, rows, terminal.outPaint).forEach((line) => terminal.out(line));
      }
      return EXIT.good;
    });
  },
};

function asJson({ run_id, item }: { run_id: string; item: RunItem }) {
  const { item_id: problem_id, name, category, timed_out, error } = item;
  return {
    run_id,
    problem_id,
    name,
    category,
    success: false,
    timed_out,
    not_judged: isUnjudged(item),
    error,
  };
}
