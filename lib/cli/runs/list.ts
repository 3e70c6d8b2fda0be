/** dyno runs list: lists the runs, newest first. */
import { countFigure } from "../../text/figure.ts";
import { noRuns } from "../../run/find_run.ts";
import { EXIT } from "../ui/command.ts";
import { flagHelp, number, parseOnlyFlags } from "../ui/flags.ts";
import { filterFlags, filterOf, jsonFlag, withRuns } from "./query.ts";
import { shortened, shownFigure, shownTime, shownTokens, statusNote } from "./text.ts";
import { type Column, tableLines } from "../ui/table.ts";
import { percentText } from "../../text/percent.ts";
import type { IndexedRun } from "../../run/index.ts";
import type { Command, CommandContext } from "../ui/command.ts";

const DEFAULT_LIMIT = 20;

const flags = {
  ...filterFlags,
  "limit": number("N", `at most this many (${DEFAULT_LIMIT}); 0 for all`, { whole: true }),
  ...jsonFlag,
};

/** Columns for dyno's own runs; lists with imported runs keep the words of their source. */
const columnsOf = (own: boolean, loads: boolean, scored: boolean): Column[] => [
  { title: "Run ID", align: "left" },
  { title: "Model", align: "left", cut: true },
  { title: !scored ? "Requests" : own ? "Tests" : "Packages", align: "right" },
  { title: own ? "Score" : "Hit Rate", align: "right" },
  { title: "Errors", align: "right" },
  { title: "Tokens", align: "right" },
  { title: "output tok/s", align: "right" },
  { title: "ttft ms p50", align: "right" },
  { title: "Timestamp", align: "left" },
  { title: loads ? "Suite or load" : "Suite", align: "left", cut: true },
  { title: "", align: "left" },
];

/** The position of the score among them. */
const SCORE = 3;

export const command: Command = {
  flags,
  help: [
    "dyno runs list [flags]",
    "",
    "Lists runs, newest first; of a comparative run, each mode has a line. Tests are those of a suite, the",
    "problems of a coding run or the requests of a load; Score is the mean over them (in a list that holds",
    "imported runs: Packages and Hit Rate); Errors are answers that did not come; Tokens are prompt and",
    "completion tokens; output tok/s is of all answers together. – is unknown. Answers whose",
    "evaluator failed are not judged: they are excluded from scores; the last column counts them. Loads",
    "have what they send beside their name.",
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
      const own = runs.every(({ source_form }) => source_form === "dyno");
      const loads = runs.some(({ kind }) => kind === "load");
      // loads do not have a score
      const scored = runs.some(({ kind }) => kind !== "load");
      const apply = <Cell>(cells: Cell[]) => scored ? cells : cells.toSpliced(SCORE, 1);
      tableLines(apply(columnsOf(own, loads, scored)), runs.flatMap(rows).map(apply), outPaint)
        .forEach((line) => terminal.out(line));
      const all = runs.length === limit ? index.count(filter) : runs.length;
      if (all > runs.length) {
        terminal.say(terminal.paint.dim(`${runs.length} of ${all} runs; --limit 0 shows all`));
      }
      for (const { warnings } of runs) warnings.slice(0, 2).forEach((line) => terminal.warn(line));
      return EXIT.good;
    });
  },
};

/** One line per mode of asking; facts about the whole run are in the first line. */
function rows(run: IndexedRun): string[][] {
  if (run.modes.length < 2) return [row(run)];
  const whole = row(run);
  return run.modes.map(({ mode, problems, avg_hit_rate, errors }, i) => {
    const own = [countFigure(problems), percentText(avg_hit_rate), countFigure(errors)];
    const rest = whole.slice(5, -1).map((cell) => i === 0 ? cell : "");
    const [id, model] = i === 0 ? whole : ["", ""];
    return [
      id,
      model,
      ...own,
      ...rest,
      [mode ?? "", i === 0 ? whole.at(-1)! : ""].join(" ").trim(),
    ];
  });
}

function row(run: IndexedRun): string[] {
  const { prompt_tokens, completion_tokens } = run;
  const tokens = prompt_tokens === null || completion_tokens === null
    ? null
    : prompt_tokens + completion_tokens;
  return [
    run.run_id,
    shortened(run.model, 32),
    countFigure(run.modes[0]?.problems ?? run.items_total),
    percentText(run.avg_hit_rate),
    countFigure(run.failed),
    shownTokens(tokens, run),
    shownFigure(run.output_tokens_per_s),
    shownFigure(run.ttft_p50_ms),
    shownTime(run.started_at_unix_seconds),
    [shortened(run.benchmark, 28), run.shape].filter((text) => text !== null).join(", "),
    statusNote(run),
  ];
}
