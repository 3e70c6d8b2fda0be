/** dyno runs export: writes runs in formats that other programs read. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { InputError } from "../../errors.ts";
import { itemCost } from "../../compare/cost.ts";
import { spreadsheetRow } from "../../formats/csv.ts";
import { itemRows, requestRows, runRows, sliceRows } from "../../compare/export_rows.ts";
import { parquetOf, type Row, type RowTable } from "../../formats/parquet.ts";
import { telemetryRows } from "../../load/telemetry/telemetry_rows.ts";
import { runDirectoryAt } from "../../run/directory.ts";
import { perfettoTrace } from "../../report/perfetto.ts";
import { EXPORT_FORMS, exportAs } from "../../formats/export_as.ts";
import { exportable } from "../../formats/exportable.ts";
import { BASELINE_FIELD, loadBaselineOf } from "../../compare/load_baseline.ts";
import { koderzDocument } from "../../formats/koderz_document.ts";
import { readRunDirectory } from "../../run/read_run.ts";
import { makeFolder, writeFileAtomic } from "../../write.ts";
import { EXIT } from "../ui/command.ts";
import { choice, flagHelp, parseFlags, text } from "../ui/flags.ts";
import { DURATION_FORM, parseDuration } from "../../text/duration.ts";
import { pricesFlag, pricesOf } from "./prices.ts";
import { chosenRuns, filterFlags, filterOf, folderOf, withRuns } from "./query.ts";
import { itemsPage, markdown, runPage, runsPage } from "./export_pages.ts";
import { counted } from "../../text/grouped.ts";
import type { IndexedRun } from "../../run/index.ts";
import type { PriceTable } from "../../run/prices.ts";
import type { SourceForm } from "../../run/summary.ts";
import type { Terminal } from "../ui/terminal.ts";
import type { Command, CommandContext } from "../ui/command.ts";

const FORMATS = ["csv", "json", "jsonl", "parquet", "perfetto", "html", "markdown"] as const;
/** Formats of other programs, each with one file or more. */
const FORMS = ["smi_bench", "koderz", "benchmark_test_runner", "batch_eval"] as const;
const ROWS = ["items", "runs", "requests", "telemetry"] as const;

/** The least size of a part of a table that is written at once. */
const PART_CHARS = 1 << 16;

/** Formats that are tables. */
const TABLES: ReadonlySet<string> = new Set(["csv", "jsonl", "parquet"]);

const flags = {
  ...filterFlags,
  ...pricesFlag,
  "format": choice([...FORMATS, ...FORMS], "the form"),
  "rows": choice(
    ROWS,
    "rows of a table: one for each item, run, request of a load with all its times, or value of the pages " +
      "that a load recorded",
  ),
  "slice": text("TIME", "for tables: loads in slices of time, one row each, such as 10s"),
  "out": text(
    "FILE",
    "write there instead of standard output; a folder for other programs' formats",
  ),
};

export const command: Command = {
  flags,
  help: [
    "dyno runs export [RUN …] --format csv|json|jsonl|parquet|perfetto|html|markdown [flags]",
    "",
    "Exports the runs given, or all that fit the filters. json: {run_id, mode, start_time, end_time,",
    "duration_seconds, config, results[], summary}, a list for more than one run; the gate reads it as a",
    "baseline, of a load too. csv, jsonl, parquet: one row for each item, run, request of a load, or slice",
    "of its time; text in a CSV that a spreadsheet would run as a formula gets an apostrophe. perfetto:",
    "requests, host samples and alerts of a run on one timeline, of a load its stages, probes and server",
    "too, for ui.perfetto.dev. html: a run's report page; for several runs, or for one without a report, a",
    "page with a table. smi_bench, koderz, benchmark_test_runner, batch_eval: the files of that program,",
    "into the folder --out; dyno runs import reads them back.",
    "",
    ...flagHelp(flags),
    "",
    "  dyno runs export latest --format json | jq '.results[] | select(.success == false) | .problem_id'",
    "  dyno runs export --since 30d --format parquet --out runs.parquet",
  ],

  async run(argv: string[], { terminal }: CommandContext): Promise<number> {
    const { values, positional } = parseFlags(flags, argv);
    const { out } = values;
    const format = values.format ?? FORMATS.find((name) => out?.endsWith(`.${name}`));
    if (format === undefined) {
      throw new InputError(
        `--format is missing; expected ${[...FORMATS, ...FORMS].join(", ")}, or a file name that ` +
          "ends with one, as --out runs.parquet",
      );
    }
    const form = EXPORT_FORMS.find((form) => form === format);
    if (out === undefined && (form !== undefined || format === "parquet")) {
      throw new InputError(`--format ${format} needs --out ${form ? "DIR" : "FILE"}`);
    }
    const prices = await pricesOf(values.prices);
    return await withRuns(values.runs ?? folderOf(positional), terminal, async (index) => {
      const runs = await chosenRuns(index, positional, filterOf(values));
      if (form !== undefined) return await exportForm(form as SourceForm, runs, out!, terminal);
      const rows = values.slice !== undefined
        ? { slice_s: sliceOf(values.slice, values.rows) }
        : values.rows ?? (runs.length === 1 ? "items" : "runs");
      if (rows !== "items" && rows !== "runs" && !TABLES.has(format)) {
        throw new InputError(
          `--${typeof rows === "object" ? "slice" : `rows ${rows}`}: for ${
            [...TABLES].join(", ")
          }, not ` +
            `--format ${format}`,
        );
      }
      const warn = (line: string) => terminal.warn(line);
      let count = 0;
      const table = TABLES.has(format) ? await tableOf(runs, rows, prices, warn) : null;
      const parts = table
        ? await tableParts(format, { ...table, rows: counting(table.rows, () => count++) })
        : await partsOf(format, runs, rows, prices, warn);
      if (out !== undefined) {
        writeFileAtomic(out, parts);
        const lines = table ? `${counted(count, "row")} of ` : "";
        terminal.say(`${lines}${counted(runs.length, "run")} in ${out}`);
      } else terminal.printAll(parts as Iterable<string>); // parquet needs --out
      return EXIT.good;
    });
  },
};

/** The rows of a table. */
type RowsAsked = typeof ROWS[number] | { slice_s: number };

/** @throws {InputError} the text is not a duration, or another kind of rows was given too. */
function sliceOf(text: string, rows: string | undefined): number {
  const slice_s = parseDuration(text, "s");
  if (slice_s === null || !(slice_s > 0)) {
    throw new InputError(`--slice: "${text}"; expected ${DURATION_FORM}, as 10s`);
  }
  if (rows !== undefined) throw new InputError(`--rows: a slice is a row; leave it or --slice out`);
  return slice_s;
}

async function partsOf(
  format: string,
  runs: readonly IndexedRun[],
  by: RowsAsked,
  prices: PriceTable,
  warn: (line: string) => void,
): Promise<Iterable<string | Uint8Array>> {
  if (format === "perfetto") return await trace(runs);
  if (format === "markdown") return markdown(runs, prices);
  if (format === "html") {
    if (by === "runs") return await runsPage(runs, prices);
    return await (runs.length === 1
      ? runPage(runs[0], prices, warn)
      : itemsPage(runs, prices, warn));
  }
  const summaries: string[] = [];
  for (const run of runs) {
    const read = await readRunDirectory(run.path);
    read.warnings.forEach(warn);
    const price = prices.priceOf(run.model);
    const priced = read.items.map((item) => ({ ...item, cost_usd: itemCost(item, price) }));
    const whole = await exportable("koderz", { ...read, items: priced });
    const document = koderzDocument(whole);
    // the figures by which a gate compares loads
    const isOurs = run.kind === "load" && run.source_form === "dyno";
    const more = isOurs && existsSync(runDirectoryAt(run.path).results)
      ? { [BASELINE_FIELD]: await loadBaselineOf(run.path) }
      : {};
    summaries.push(JSON.stringify({ ...document, ...more }, null, 2));
  }
  return runs.length === 1 ? [summaries[0], "\n"] : ["[\n", summaries.join(",\n"), "\n]\n"];
}

function tableOf(
  runs: readonly IndexedRun[],
  by: RowsAsked,
  prices: PriceTable,
  warn: (line: string) => void,
): Promise<RowTable> {
  if (typeof by === "object") return sliceRows(runs, by.slice_s);
  if (by === "requests") return requestRows(runs);
  if (by === "telemetry") return telemetryRows(runs.map(({ path }) => runDirectoryAt(path)));
  return by === "runs" ? runRows(runs, prices) : itemRows(runs, prices, warn);
}

async function tableParts(
  format: string,
  table: RowTable,
): Promise<Iterable<string | Uint8Array>> {
  if (format === "parquet") return [await parquetOf(table)];
  return joined(format === "jsonl" ? jsonLines(table) : spreadsheet(table));
}

function* counting(rows: Iterable<Row>, onRow: () => void): Generator<Row> {
  for (const row of rows) {
    onRow();
    yield row;
  }
}

/** Joins rows, so that a file of a million rows is not a million writes. */
function* joined(rows: Iterable<string>): Generator<string> {
  let text = "";
  for (const row of rows) {
    text += row;
    if (text.length < PART_CHARS) continue;
    yield text;
    text = "";
  }
  yield text;
}

function* jsonLines({ rows }: RowTable): Generator<string> {
  for (const row of rows) yield `${JSON.stringify(row)}\n`;
}

function* spreadsheet({ columns, rows }: RowTable): Generator<string> {
  const names = columns.map(({ name }) => name);
  yield spreadsheetRow(names);
  for (const row of rows) yield spreadsheetRow(names.map((name) => row[name]));
}

/** Writes runs in another program's format; existing files are not overwritten. */
async function exportForm(
  form: SourceForm,
  runs: readonly IndexedRun[],
  out: string,
  terminal: Terminal,
): Promise<number> {
  const written = new Set<string>();
  for (const { path, run_id } of runs) {
    const read = await readRunDirectory(path);
    read.warnings.forEach((line) => terminal.warn(line));
    const files = exportAs(form, await exportable(form, read));
    // a file name that does not identify the run, such as batch_eval_metrics.json, gets the run's
    // folder
    const alone = runs.length > 1 && files.some(({ path }) => !path.includes(run_id));
    for (const file of files) {
      const target = join(out, alone || written.has(join(out, file.path)) ? run_id : "", file.path);
      if (existsSync(target)) {
        throw new InputError(`${target}: exists already; give another folder with --out`);
      }
      makeFolder(dirname(target));
      writeFileAtomic(target, file.text);
      written.add(target);
    }
  }
  const [first] = written;
  const files = written.size === 1 ? first : `${counted(written.size, "file")} in ${out}`;
  terminal.say(`${counted(runs.length, "run")}, ${files}`);
  return EXIT.good;
}

async function trace(runs: readonly IndexedRun[]): Promise<string[]> {
  if (runs.length !== 1) {
    throw new InputError(`--format perfetto takes one run, ${runs.length} given`);
  }
  const [{ kind, path, run_id, source_form }] = runs;
  const directory = runDirectoryAt(path);
  if (source_form !== "dyno") {
    throw new InputError(
      `${run_id}: from ${source_form}, which does not record when requests were sent`,
    );
  }
  if (!existsSync(directory.results)) {
    throw new InputError(
      `${run_id}: has no results.json yet; finish it with dyno ${
        kind === "load" ? "load" : "run …"
      } --resume`,
    );
  }
  return await Array.fromAsync(perfettoTrace(directory));
}
