/** dyno runs trend: shows a metric over time. */
import { InputError } from "../../errors.ts";
import { priceRunByRequest } from "../../compare/cost.ts";
import { describeValue } from "../../measures/describe.ts";
import { isTrendMetric, readTrendValues, TREND_METRICS, trendOf } from "../../compare/trend.ts";
import { LIMIT_NAMES } from "../../compare/gate_limits.ts";
import { writeFileAtomic } from "../../write.ts";
import { EXIT } from "../ui/command.ts";
import { flagHelp, otherwise, parseFlags, text } from "../ui/flags.ts";
import { pricesFlag, pricesOf } from "./prices.ts";
import { chosenRuns, filterFlags, filterOf, jsonFlag, withRuns } from "./query.ts";
import { shortened, shownTime } from "./text.ts";
import { type Column, tableLines } from "../ui/table.ts";
import type { Trend } from "../../compare/trend.ts";
import type { Command, CommandContext } from "../ui/command.ts";
import type { RunSummary } from "../../run/summary.ts";
import type { Palette } from "../ui/terminal.ts";

const flags = {
  ...filterFlags,
  ...pricesFlag,
  "metric": otherwise("pass_rate", text("NAME", "what to follow, with any quantile: ttft_p95_ms")),
  "svg": text("FILE", "write a chart there"),
  ...jsonFlag,
};

const COLUMNS: Column[] = [
  { title: "Timestamp", align: "left" },
  { title: "Run ID", align: "left" },
  { title: "Model", align: "left", cut: true },
  { title: "Value", align: "right" },
  { title: "95 %", align: "left" },
];

export const command: Command = {
  flags,
  help: [
    "dyno runs trend [RUN …] [flags]",
    "",
    "Follows a metric over the runs that match, oldest first, and marks where its level changed: splits",
    "that at most 5 % of random orders of the runs have as large (binary segmentation, at least three",
    "runs on each side). Incomplete runs are left out.",
    "",
    ...flagHelp(flags),
    "",
    "  dyno runs trend --suite humaneval --model gpt-4o-mini --svg trend.svg",
  ],

  async run(argv: string[], { terminal }: CommandContext): Promise<number> {
    const { values, positional } = parseFlags(flags, argv);
    const metric = values.metric;
    if (!isTrendMetric(metric)) {
      const limits = LIMIT_NAMES.split(/[,;]? /);
      const others = TREND_METRICS.filter((name) => !limits.includes(name));
      const known = [...others, LIMIT_NAMES].join(", ");
      throw new InputError(`--metric: "${metric}" is none of ${known}`);
    }
    const prices = await pricesOf(values.prices);
    return await withRuns(values.runs, terminal, async (index) => {
      const given = filterOf(values);
      const filter = { ...given, status: given.status ?? "complete" as const };
      const chosen = await chosenRuns(index, positional, filter);
      const again = values.prices !== undefined;
      const costOf = async (run: RunSummary) =>
        (await priceRunByRequest(run, prices, { again })).cost.total_cost_usd;
      const runs = metric !== "cost_usd" ? chosen : await Promise.all(
        chosen.map(async (run) => ({ ...run, cost_usd: await costOf(run) })),
      );
      const trend = trendOf(runs, metric, await readTrendValues(runs, metric, prices));
      if (trend.points.length === 0) {
        throw new InputError(`none of the ${runs.length} runs has a known ${metric}`);
      }
      if (values.svg) {
        const { trendSvg } = await import("../../report/compare/trend_chart.ts");
        writeFileAtomic(values.svg, await trendSvg(trend, titleOf(trend)));
      }
      if (values.json) terminal.json(trend);
      else lines(trend, terminal.outPaint).forEach((line) => terminal.out(line));
      trend.notes.forEach((note) => terminal.say(terminal.paint.dim(note)));
      if (values.svg) terminal.say(`chart  ${values.svg}`);
      return EXIT.good;
    });
  },
};

function titleOf({ metric, points }: Trend): string {
  const models = [...new Set(points.map(({ model }) => model))];
  return `${metric} of ${points.length} runs, ${
    models.length === 1 ? models[0] : `${models.length} models`
  }`;
}

function lines({ metric, points, steps }: Trend, paint: Palette): string[] {
  const rows: (string[] | null)[] = [];
  points.forEach(({ run_id, started_at_unix_seconds, model, mode, value, interval }, i) => {
    if (steps.some(({ at }) => at === i)) rows.push(null);
    rows.push([
      shownTime(started_at_unix_seconds),
      run_id,
      mode === null ? shortened(model, 28) : `${shortened(model, 16)} ${mode}`,
      describeValue(metric, value),
      interval
        ? `${describeValue(metric, interval.low)} – ${describeValue(metric, interval.high)}`
        : "",
    ]);
  });
  return [
    ...tableLines(COLUMNS, rows, paint),
    ...(points.length < 6 ? [] : [""]),
    ...steps.map(({ run_id, before, after, p }) =>
      `step at ${run_id}: ${describeValue(metric, before)} → ${
        describeValue(metric, after)
      } (p = ${p})`
    ),
    ...(steps.length === 0 && points.length >= 6 ? ["no step that is more than chance"] : []),
  ];
}
