/** dyno runs report: one page for a run, or for several runs side by side. */
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { InputError } from "../../errors.ts";
import { readRecords } from "../../load/load_journal.ts";
import { writeComparedReport } from "../../report/compare/compared_report.ts";
import { writeLoadReport } from "../../report/load/load_report.ts";
import { writeSuiteReport } from "../../report/suite/suite_report.ts";
import { runDirectoryAt } from "../../run/directory.ts";
import { makeFolder, writeFileAtomic } from "../../write.ts";
import { EXIT } from "../ui/command.ts";
import { flagHelp, parseFlags, text } from "../ui/flags.ts";
import { pricesFlag, pricesOf } from "./prices.ts";
import { folderFlag, folderOf, readOne, withRuns } from "./query.ts";
import { shortPath } from "../../text/short_path.ts";
import { plainText } from "../../run/plain_file.ts";
import type { ComparedRun } from "../../compare/compare.ts";
import type { PriceTable } from "../../run/prices.ts";
import type { Command, CommandContext } from "../ui/command.ts";

const flags = {
  ...folderFlag,
  ...pricesFlag,
  "output": text(
    "FILE",
    "where the page goes (of one run: its report/index.html; else report.html); also --out",
  ),
};

export const command: Command = {
  flags,
  help: [
    "dyno runs report RUN … [--output FILE] [flags]",
    "",
    "Writes one HTML page that opens from the disk with no network. Of one run: its report, made again;",
    "of an imported one what is known.",
    "Of several, the first being what the others are compared with: their numbers with 95 % intervals side",
    "by side, differences and whether they may be chance, success by category, distributions of",
    "latencies over one another, the tests that flipped, and a table of all tests with each run's answer",
    "and score. Up to six runs.",
    "",
    ...flagHelp(flags),
    "",
    "  dyno runs report latest~1 latest --output compared.html",
  ],

  async run(argv: string[], { terminal }: CommandContext): Promise<number> {
    const named = argv.map((word) => word.replace(/^--out(?=$|=)/, "--output"));
    const { values, positional } = parseFlags(flags, named);
    if (positional.length === 0) throw new InputError("dyno runs report takes one run or more");
    const prices = await pricesOf(values.prices);
    return await withRuns(values.runs ?? folderOf(positional), terminal, async (index) => {
      const runs = new Map<string, ComparedRun>();
      for (const given of positional) {
        const run = await readOne(index, given, terminal, { items: false });
        runs.set(run.summary.path, { ...run, price: prices.priceOf(run.summary.model) });
      }
      const path = await writeReport([...runs.values()], prices, values.output);
      terminal.say(`report: ${shortPath(path)}`);
      return EXIT.good;
    });
  },
};

async function writeReport(
  runs: readonly ComparedRun[],
  prices: PriceTable,
  output?: string,
): Promise<string> {
  if (output !== undefined) makeFolder(dirname(resolve(output)));
  if (runs.length === 1) {
    const own = await ownReport(runs[0], output);
    if (own !== null) return own;
    const { summary, items } = runs[0];
    if (summary.source_form !== "dyno" && items.length === 0) {
      const { importedPage } = await import("./export_pages.ts");
      const path = output === undefined ? runDirectoryAt(summary.path).report : resolve(output);
      makeFolder(dirname(path));
      writeFileAtomic(path, importedPage(summary, prices));
      return path;
    }
  }
  for (const { summary: { run_id, path, kind, status, source_form }, items } of runs) {
    if (kind === "load" && source_form === "dyno") {
      if (existsSync(runDirectoryAt(path).results)) continue; // its requests are in its journal
      throw new InputError(`${run_id}: was cut off; dyno load --resume ${path} sums it up`);
    }
    if (items.length > 0) continue;
    if (source_form !== "dyno") {
      throw new InputError(
        `${run_id}: its source (${source_form}) tells figures but no items, which runs are ` +
          "compared by; dyno runs report of it alone shows the figures",
      );
    }
    throw new InputError(`${run_id}: has no results to report on (${status})`);
  }
  return await writeComparedReport(runs, resolve(output ?? "report.html"));
}

/** The report of one of our runs; null for another program's run and for an interrupted one. */
async function ownReport({ summary }: ComparedRun, output?: string): Promise<string | null> {
  const { path, source_form, kind } = summary;
  const directory = runDirectoryAt(path);
  const report = output === undefined ? directory.report : resolve(output);
  const at = { ...directory, report };
  if (source_form !== "dyno" || !existsSync(directory.metadata)) return null;
  let results;
  try {
    results = JSON.parse(plainText(directory.results));
  } catch {
    return null; // missing or damaged: that was reported when the run was read
  }
  if (kind === "suite") return results.statistics ? await writeSuiteReport(at, results) : null;
  if (kind !== "load" || !results.total) return null;
  return await writeLoadReport(at, results, await readRecords(directory));
}
