/** dyno runs export: runs in the forms that other programs read. */
import { existsSync } from "node:fs";
import { InputError } from "../errors.ts";
import { benchmarkSummary } from "../analysis/benchmark_summary.ts";
import { csvRow } from "../analysis/csv.ts";
import { cell } from "../analysis/gate_report.ts";
import { perfettoTrace } from "../report/perfetto.ts";
import { runDirectoryAt } from "../run/directory.ts";
import { readRunDirectory } from "../run/read_run.ts";
import { writeFileAtomic } from "../run/write.ts";
import { EXIT } from "./command.ts";
import { choice, flagHelp, parseFlags, text } from "./flags.ts";
import { pricesFlag, pricesOf } from "./runs_prices.ts";
import { chosenRuns, filterFlags, filterOf, folderOf, withRuns } from "./runs_query.ts";
import { shownCount, shownShare, shownTime } from "./runs_text.ts";
import { itemCost, priceRun } from "../analysis/cost.ts";
import type { IndexedRun } from "../run/index.ts";
import type { PriceTable } from "../run/prices.ts";
import type { RunItem } from "../run/summary.ts";
import type { Command, CommandContext } from "./command.ts";

const FORMATS = ["csv", "json", "jsonl", "perfetto", "markdown"] as const;
const ROWS = ["items", "runs"] as const;

const flags = {
  ...filterFlags,
  ...pricesFlag,
  "format": choice(FORMATS, "the form"),
  "rows": choice(ROWS, "csv, jsonl: a row an item or a row a run (items of one run, else runs)"),
  "out": text("FILE", "writes there instead of standard output"),
};

export const command: Command = {
  help: [
    "dyno runs export [RUN …] --format csv|json|jsonl|perfetto|markdown [flags]",
    "",
    "Exports the runs given, or all that fit the filters. json: {run_id, mode, start_time, end_time,",
    "duration_seconds, config, results[], summary}, a list for more than one run; the gate reads it as a",
    "baseline. csv, jsonl: a row an item, or a row a run; a text in a CSV that a spreadsheet would run as",
    "a formula gets an apostrophe. perfetto: requests, host samples and alerts of one suite run on one",
    "time line, for ui.perfetto.dev.",
    "",
    ...flagHelp(flags),
    "",
    "  dyno runs export latest --format json | jq '.results[] | select(.success == false) | .problem_id'",
    "  dyno runs export --since 30d --format csv --out runs.csv",
  ],

  async run(argv: string[], { terminal }: CommandContext): Promise<number> {
    const { values, positional } = parseFlags(flags, argv);
    const { format, out } = values;
    if (format === undefined) throw new InputError(`--format: expected ${FORMATS.join(", ")}`);
    const prices = await pricesOf(values.prices);
    return await withRuns(values.runs ?? folderOf(positional), terminal, async (index) => {
      const runs = await chosenRuns(index, positional, filterOf(values));
      const rows = values.rows ?? (runs.length === 1 ? "items" : "runs");
      const parts = await partsOf(format, runs, rows, prices, (line) => terminal.warn(line));
      if (out === undefined) terminal.out(parts.join("").trimEnd());
      else writeFileAtomic(out, parts);
      return EXIT.good;
    });
  },
};

async function partsOf(
  format: typeof FORMATS[number],
  runs: readonly IndexedRun[],
  rows: typeof ROWS[number],
  prices: PriceTable,
  warn: (line: string) => void,
): Promise<string[]> {
  if (format === "perfetto") return await trace(runs);
  if (format === "markdown") return markdown(runs, prices);
  if (format === "json") {
    const summaries: string[] = [];
    for (const run of runs) {
      const read = await readRunDirectory(run.path);
      read.warnings.forEach(warn);
      const summary = benchmarkSummary(read, prices.priceOf(run.model));
      summaries.push(JSON.stringify(summary, null, 2));
    }
    return runs.length === 1 ? [summaries[0], "\n"] : ["[\n", summaries.join(",\n"), "\n]\n"];
  }
  const entries = rows === "runs"
    ? runs.map((run) => runRow(run, prices))
    : await itemRows(runs, prices, warn);
  if (format === "jsonl") return entries.map((entry) => JSON.stringify(entry) + "\n");
  if (entries.length === 0) return ["\r\n"];
  return [csvRow(Object.keys(entries[0])), ...entries.map((entry) => csvRow(Object.values(entry)))];
}

async function trace(runs: readonly IndexedRun[]): Promise<string[]> {
  if (runs.length !== 1) {
    throw new InputError(`--format perfetto takes one run, ${runs.length} given`);
  }
  const [{ kind, path, run_id }] = runs;
  const directory = runDirectoryAt(path);
  if (kind === "load") {
    throw new InputError(`${run_id}: a load; --format perfetto is there for suite runs`);
  }
  if (!existsSync(directory.results)) {
    throw new InputError(`${run_id}: has no results.json yet; finish it with dyno run … --resume`);
  }
  return await Array.fromAsync(perfettoTrace(directory));
}

function runRow({ warnings: _warnings, tags, ...run }: IndexedRun, prices: PriceTable) {
  const { total_cost_usd } = priceRun({ ...run, tags }, prices).cost;
  return { ...run, cost_usd: total_cost_usd, tags: tags.join(" ") };
}

async function itemRows(
  runs: readonly IndexedRun[],
  prices: PriceTable,
  warn: (line: string) => void,
) {
  const rows: ({ run_id: string; model: string } & RunItem)[] = [];
  for (const { run_id, model, path } of runs) {
    const { items, warnings } = await readRunDirectory(path);
    warnings.forEach(warn);
    const price = prices.priceOf(model);
    for (const item of items) {
      rows.push({ run_id, model, ...item, cost_usd: itemCost(item, price) });
    }
  }
  return rows;
}

function markdown(runs: readonly IndexedRun[], prices: PriceTable): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |\n`;
  return [
    line(["Run", "Suite", "Model", "Status", "Items", "Passed", "Hit rate", "Cost", "Started"]),
    line(["---", "---", "---", "---", "---:", "---:", "---:", "---:", "---"]),
    ...runs.map((run) => {
      const cost = priceRun(run, prices).cost.total_cost_usd;
      return line([
        cell(run.run_id),
        cell(run.benchmark),
        cell(run.model),
        run.status,
        shownCount(run.items_total),
        shownCount(run.passed),
        shownShare(run.avg_hit_rate),
        cost === null ? "unknown" : `$${cost.toPrecision(4)}`,
        shownTime(run.started_at_unix_seconds),
      ]);
    }),
  ];
}
