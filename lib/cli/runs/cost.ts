/** dyno runs cost: the cost of runs, and totals. */
import { countFigure } from "../../text/figure.ts";
import { COST_GROUPS, type PricedRun, priceRunByRequest, totalCosts } from "../../compare/cost.ts";
import { EXIT } from "../ui/command.ts";
import { choice, flagHelp, parseFlags } from "../ui/flags.ts";
import { pricesFlag, pricesOf } from "./prices.ts";
import { chosenRuns, filterFlags, filterOf, jsonFlag, withRuns } from "./query.ts";
import { costText, exactUsd } from "../../text/dollars.ts";
import { shortened } from "./text.ts";
import { type Column, tableLines } from "../ui/table.ts";
import type { IndexedRun } from "../../run/index.ts";
import type { Command, CommandContext } from "../ui/command.ts";
import type { Terminal } from "../ui/terminal.ts";

const flags = {
  ...filterFlags,
  ...pricesFlag,
  "by": choice(COST_GROUPS, "totals by local day, model or suite, instead of single runs"),
  ...jsonFlag,
};

const RUN_COLUMNS: Column[] = [
  { title: "Run ID", align: "left" },
  { title: "Model", align: "left", cut: true },
  { title: "Prompt", align: "right", group: "tokens" },
  { title: "Completion", align: "right", group: "tokens" },
  { title: "Input", align: "right", group: "cost" },
  { title: "Output", align: "right", group: "cost" },
  { title: "Total", align: "right", group: "cost" },
];

type Priced = PricedRun & { run: IndexedRun };

export const command: Command = {
  flags,
  help: [
    "dyno runs cost [RUN …] [flags]",
    "",
    "What runs cost by their ledgers, in which every request is: retries, warm-up and reviews too. Runs",
    "without one are priced by their tokens and experiments/prices.json, a table with dates; --prices FILE",
    "prices all of them again by another one, each request by the model that was asked: a judge's too.",
    "Without a run, all that fit the filters. An unknown price is null, never 0; a total is the sum of",
    "what is known, with how many requests are not in it. With --json: one object for one run (run_id,",
    "model, prompt_tokens, completion_tokens, total_tokens, input_cost_usd, output_cost_usd,",
    "total_cost_usd, cached_prompt_tokens, requests_of_unknown_cost, requests_cut_off), a list otherwise.",
    "Tokens that a provider's cache had cost what the table says of them.",
    "",
    ...flagHelp(flags),
    "",
    "  dyno runs cost latest --json | jq .total_cost_usd",
    "  dyno runs cost --since today --json | jq 'map(.total_cost_usd) | add'",
    "  dyno runs cost --since 30d --by model",
  ],

  async run(argv: string[], { terminal }: CommandContext): Promise<number> {
    const { values, positional } = parseFlags(flags, argv);
    const prices = await pricesOf(values.prices);
    const again = values.prices !== undefined;
    return await withRuns(values.runs, terminal, async (index) => {
      const runs = await chosenRuns(index, positional, filterOf(values));
      const priced: Priced[] = [];
      for (const run of runs) {
        priced.push({ run, ...await priceRunByRequest(run, prices, { again }) });
      }
      if (values.by) totals(priced, values.by, values.json ?? false, terminal);
      else if (!values.json) table(priced, terminal);
      else {
        const costs = priced.map(({ cost }) => cost);
        terminal.json(positional.length === 1 ? costs[0] : costs);
      }
      explain(priced, terminal);
      return EXIT.good;
    });
  },
};

function table(priced: readonly Priced[], terminal: Terminal): void {
  const rows: (string[] | null)[] = priced.map(({ cost }) => [
    cost.run_id,
    shortened(cost.model, 32),
    countFigure(cost.prompt_tokens),
    countFigure(cost.completion_tokens),
    costText(cost.input_cost_usd),
    costText(cost.output_cost_usd),
    costText(cost.total_cost_usd, cost.requests_of_unknown_cost, cost.requests_cut_off),
  ]);
  if (priced.length > 1) {
    const known = priced.flatMap(({ cost }) => cost.total_cost_usd ?? []);
    const total = known.length ? exactUsd(known.reduce((a, b) => a + b, 0)) : null;
    const sumOf = (name: "requests_of_unknown_cost" | "requests_cut_off") =>
      priced.reduce((sum, { cost }) => sum + (cost[name] ?? 0), 0);
    const sum = costText(total, sumOf("requests_of_unknown_cost"), sumOf("requests_cut_off"));
    rows.push(null, [`${known.length} of ${priced.length} runs`, "", "", "", "", "", sum]);
  }
  tableLines(RUN_COLUMNS, rows, terminal.outPaint).forEach((line) => terminal.out(line));
}

function totals(
  priced: readonly Priced[],
  by: typeof COST_GROUPS[number],
  json: boolean,
  terminal: Terminal,
): void {
  const groups = totalCosts(priced, by);
  if (json) return terminal.json(groups);
  const columns: Column[] = [
    { title: by, align: "left" },
    ...["runs", "prompt tokens", "completion tokens", "cost", "runs of unknown cost"].map((title) =>
      ({ title, align: "right" }) as const
    ),
  ];
  const rows = groups.map((total) => [
    shortened(total.group, 40),
    countFigure(total.runs),
    countFigure(total.prompt_tokens),
    countFigure(total.completion_tokens),
    costText(total.total_cost_usd, total.requests_of_unknown_cost, total.requests_cut_off),
    countFigure(total.runs_of_unknown_cost),
  ]);
  tableLines(columns, rows, terminal.outPaint).forEach((line) => terminal.out(line));
}

const MOST_PROBLEMS = 5;

/** Says which prices were used, and why a cost is unknown. */
function explain(priced: readonly Priced[], terminal: Terminal): void {
  const taken = new Map(
    priced.flatMap(({ prices, cost }) =>
      cost.total_cost_usd === null ? [] : prices.map((price) => [price.model, price] as const)
    ),
  );
  for (const { model, input, output, tiers = [], date, source } of taken.values()) {
    terminal.say(terminal.paint.dim(
      `price ${model}: $${input} in, $${output} out for a million tokens` +
        tiers.map((tier) =>
          `, above ${
            countFigure(tier.above_prompt_tokens)
          } prompt tokens $${tier.input} and $${tier.output}`
        ).join("") + `, as of ${date}, ${source}`,
    ));
  }
  const problems = [...new Set(priced.flatMap(({ problem }) => problem ?? []))];
  problems.slice(0, MOST_PROBLEMS).forEach((line) => terminal.warn(line));
  if (problems.length > MOST_PROBLEMS) terminal.warn(`… and ${problems.length - 5} more`);
}
