/** dyno runs analyze: shows a run item by item. */
import { countFigure } from "../../text/figure.ts";
import { analyzeItems, type PackageStats, type RunAnalysis } from "../../compare/package_stats.ts";
import { priceMissing, tokensMissing } from "../../compare/cost.ts";
import { EXIT } from "../ui/command.ts";
import { flagHelp, number, otherwise, parseFlags } from "../ui/flags.ts";
import { pricesFlag, pricesOf } from "./prices.ts";
import { folderFlag, folderOf, jsonFlag, onlyOne, readOne, withRuns } from "./query.ts";
import { costText } from "../../text/dollars.ts";
import { shortened } from "./text.ts";
import { type Column, tableLines } from "../ui/table.ts";
import type { Command, CommandContext } from "../ui/command.ts";
import type { RunSummary } from "../../run/summary.ts";
import type { Palette } from "../ui/terminal.ts";

const flags = {
  ...folderFlag,
  ...pricesFlag,
  "top": otherwise(5, number("N", "how many of each kind", { min: 1, whole: true })),
  ...jsonFlag,
};

/** Columns for dyno's own runs; imported runs keep the words of their source. */
const columnsOf = (own: boolean, load: boolean): Column[] => [
  { title: load ? "Request" : own ? "Test" : "Package", align: "left" },
  { title: "Category", align: "left" },
  { title: "Seconds", align: "right" },
  ...(load ? [] : [{ title: own ? "Score" : "Hit Rate", align: "right" } as const]),
  { title: "Tokens", align: "right" },
  { title: "Cost", align: "right" },
  { title: "Error", align: "left" },
];

export const command: Command = {
  flags,
  help: [
    "dyno runs analyze RUN [flags]",
    "",
    "Shows a run's slowest items, those that failed and the most expensive ones. successful counts",
    "items with an answer, right or wrong; a load's items are its requests. With --json:",
    "{total_packages, successful, failed, timed_out, not_judged, per_package_stats[], slowest[], failing[],",
    "most_expensive[]}.",
    "",
    ...flagHelp(flags),
    "",
    "  dyno runs analyze latest --json | \\",
    "    jq '.per_package_stats | sort_by(.elapsed_seconds) | reverse | .[0:5]'",
  ],

  async run(argv: string[], { terminal }: CommandContext): Promise<number> {
    const { values, positional } = parseFlags(flags, argv);
    const given = onlyOne("analyze", positional);
    const prices = await pricesOf(values.prices);
    return await withRuns(values.runs ?? folderOf(positional), terminal, async (index) => {
      const run = await readOne(index, given, terminal);
      const price = prices.priceOf(run.summary.model);
      const top = values.top;
      const analysis = analyzeItems(run.items, price, top);
      if (values.json) {
        terminal.json(analysis);
        return EXIT.good;
      }
      terminal.out(counts(analysis, run.summary.kind));
      sections(analysis, top, run.summary, terminal.outPaint).forEach((line) => terminal.out(line));
      if (analysis.most_expensive.length === 0) {
        const counted = run.items.some(({ completion_tokens }) => completion_tokens !== null);
        const { model } = run.summary;
        terminal.say(counted ? priceMissing(model, prices) : tokensMissing(run.summary));
      }
      return EXIT.good;
    });
  },
};

function counts(
  { total_packages, successful, failed, timed_out, not_judged }: RunAnalysis,
  kind: string,
): string {
  const items = countFigure(total_packages) +
    (kind === "load" ? " requests, those outside of the measured windows too" : " items");
  return `${items}: ${countFigure(successful)} answered, ${
    countFigure(failed)
  } without an answer, ` +
    `${countFigure(timed_out)} of them timed out` +
    (not_judged ? `; ${countFigure(not_judged)} not judged` : "");
}

function sections(
  analysis: RunAnalysis,
  top: number,
  { source_form, kind }: RunSummary,
  paint: Palette,
): string[] {
  const columns = columnsOf(source_form === "dyno", kind === "load");
  const stats = new Map(analysis.per_package_stats.map((entry) => [entry.package_id, entry]));
  const of = (title: string, ids: readonly string[]) =>
    ids.length === 0 ? [] : [
      "",
      paint.bold(title),
      ...tableLines(
        columns,
        ids.slice(0, top).map((id) => row(stats.get(id)!, kind === "load")),
        paint,
      ),
    ];
  const { failing } = analysis;
  const more = failing.length > top ? `, the first ${top} of ${countFigure(failing.length)}` : "";
  return [
    ...of("slowest", analysis.slowest),
    ...of(`failing${more}`, failing),
    ...of("most expensive", analysis.most_expensive),
  ];
}

function row(entry: PackageStats, load: boolean): string[] {
  const { prompt_tokens, completion_tokens } = entry;
  const tokens = prompt_tokens === null || completion_tokens === null
    ? "–"
    : String(prompt_tokens + completion_tokens);
  return [
    shortened(entry.package_id, 40),
    shortened(entry.category ?? "–", 20),
    entry.elapsed_seconds?.toFixed(2) ?? "–",
    ...(load ? [] : [entry.hit_rate?.toFixed(2) ?? "–"]),
    tokens,
    costText(entry.cost_usd),
    shortened(entry.error ?? (entry.passed === false ? "wrong" : ""), 60),
  ];
}
