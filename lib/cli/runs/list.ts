/** dyno runs list: the runs, newest first. */
import { noRuns } from "../../run/index_filter.ts";
import { EXIT } from "../ui/command.ts";
import { flagHelp, number, parseOnlyFlags } from "../ui/flags.ts";
import { filterFlags, filterOf, jsonFlag, withRuns } from "./query.ts";
import { shortened, shownCount, shownShare, shownTime, statusNote } from "./text.ts";
import { tableLines } from "../ui/table.ts";
import type { IndexedRun } from "../../run/index.ts";
import type { Command, CommandContext } from "../ui/command.ts";
import type { Column } from "../ui/table.ts";

const DEFAULT_LIMIT = 20;

const flags = {
  ...filterFlags,
  "limit": number("N", `at most so many (${DEFAULT_LIMIT}); 0 for all`, { whole: true }),
  ...jsonFlag,
};

const COLUMNS: Column[] = [
  { title: "Run ID", align: "left" },
  { title: "Model", align: "left", cut: true },
  { title: "Packages", align: "right" },
  { title: "Hit Rate", align: "right" },
  { title: "Errors", align: "right" },
  { title: "Tokens", align: "right" },
  { title: "Timestamp", align: "left" },
  { title: "Suite", align: "left", cut: true },
  { title: "", align: "left" },
];

export const command: Command = {
  flags,
  help: [
    "dyno runs list [flags]",
    "",
    "Lists runs, newest first. Hit Rate is the mean score of the judged items; Errors are items without",
    "an answer; Tokens are prompt and completion tokens. – is unknown.",
    "",
    ...flagHelp(flags),
    "",
    "  dyno runs list --model gpt-4o --since 7d",
    "  dyno runs list --limit 0 --json | jq -r '.[] | select(.status == \"failed\") | .run_id'",
  ],

  async run(argv: string[], { terminal }: CommandContext): Promise<number> {
    const values = parseOnlyFlags("dyno runs list", flags, argv);
    const filter = filterOf(values);
    const limit = values.limit === 0 ? undefined : values.limit ?? DEFAULT_LIMIT;
    return await withRuns(values.runs, terminal, async (index) => {
      const runs = await index.list({ ...filter, limit });
      if (values.json) {
        terminal.json(runs);
        return EXIT.good;
      }
      if (runs.length === 0) {
        terminal.say(noRuns(index, filter));
        return EXIT.good;
      }
      const { outPaint } = terminal;
      tableLines(COLUMNS, runs.map(row), outPaint).forEach((line) => terminal.out(line));
      const all = runs.length === limit ? index.count(filter) : runs.length;
      if (all > runs.length) {
        terminal.say(terminal.paint.dim(`${runs.length} of ${all} runs; --limit 0 shows all`));
      }
      for (const { warnings } of runs) warnings.slice(0, 2).forEach((line) => terminal.warn(line));
      return EXIT.good;
    });
  },
};

function row(run: IndexedRun): string[] {
  const { prompt_tokens, completion_tokens } = run;
  const tokens = prompt_tokens === null || completion_tokens === null
    ? null
    : prompt_tokens + completion_tokens;
  return [
    run.run_id,
    shortened(run.model, 32),
    shownCount(run.items_total),
    shownShare(run.avg_hit_rate),
    shownCount(run.failed),
    shownCount(tokens),
    shownTime(run.started_at_unix_seconds),
    shortened(run.benchmark, 28),
    statusNote(run),
  ];
}
