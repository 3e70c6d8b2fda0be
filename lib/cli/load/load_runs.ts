/** Runs loads one at a time, with a live view, a summary and a report for each. */
import process from "node:process";
import { collectGarbage } from "../../execute/garbage.ts";
import { placesText } from "../../endpoint/endpoint_choice.ts";
import { type Brief, reportAs, type ReportRow, type ReportTool } from "../../load/report_as.ts";
import { resumeLoad } from "../../load/resume.ts";
import { isNarrow, type Until } from "../../load/repeats.ts";
import { measureLoad, runLoads } from "../../load/run_loads.ts";
import { TokenFileReader } from "../../run/token_file.ts";
import { isInside } from "../../load/window.ts";
import { writeLoadReport } from "../../report/load/load_report.ts";
import { runToResume } from "../../run/find_run.ts";
import { budgetEnd, checkPriced } from "../ui/budget_flags.ts";
import { EXIT } from "../ui/command.ts";
import { endOfLoad } from "../run/run_ends.ts";
import { shortPath } from "../../text/short_path.ts";
import { loadTable, matrixTable } from "./load_table.ts";
import { ProgressLine } from "../ui/progress_line.ts";
import { loadLine, loadRows } from "./live_view.ts";
import { type LoadPoint, showPoints } from "./load_points.ts";
import { tableLines } from "../ui/table.ts";
import type { LoadSettings } from "../../settings/load.ts";
import type { LoadExperiment } from "../../settings/load_experiment.ts";
import type { LoadRun } from "../../load/conclude_run.ts";
import type { LoadsOptions } from "../../load/loads_options.ts";
import type { LoadSpread } from "../../load/shards/executor.ts";
import type { RunDirectory } from "../../run/directory.ts";
import type { Budget } from "../../run/budget.ts";
import type { PriceTable } from "../../run/prices.ts";
import type { CommandContext } from "../ui/command.ts";
import type { Palette } from "../ui/terminal.ts";

/** How to show and judge the results. */
export interface LoadShown {
  /** The folder of runs. */
  out: string;
  json: boolean;
  /** Whether a verdict other than trusted is a failure. */
  requireTrusted: boolean;
  reportAs: ReportTool | null;
  /** Omits the summary of each run. */
  terse?: boolean;
}

/** What to run; the settings of one invocation. */
export interface LoadRequest extends LoadShown {
  experiment: LoadExperiment;
  /** Runs of each load; 1 by default. */
  rounds?: number;
  until?: Until | null;
  /** GPUs that serve the endpoint; null if unknown. */
  gpus?: number | null;
  run_id?: string;
  /** For all runs together. */
  budget: Budget;
  prices: PriceTable;
  /** Spreads each load over several processes. */
  spread?: LoadSpread | undefined;
  /** Shows one line of progress, even if there is room for more. */
  one_line?: boolean;
  /** Notices already shown, which several runs would repeat. */
  told?: Set<string>;
  agent?: string;
  tags?: readonly string[];
  /** Called with each run's directory. */
  onDirectory?: (directory: RunDirectory) => void;
}

/** The part of a finished run that is kept. */
interface LoadEnd extends Pick<LoadRun, "directory" | "results"> {
  /** Requests with a good answer, without warm-up. */
  answered: number;
}

/**
 * Runs every load of an experiment.
 *
 * @returns the exit code: 1 if a run had no answered request, 130 if interrupted.
 * @throws {InputError} wrong input, before anything is written.
 */
export async function showLoads(request: LoadRequest, context: CommandContext): Promise<number> {
  const { experiment, rounds = 1, until = null, gpus = null } = request;
  const { terminal } = context;
  const names: string[] = [];
  const told = new Set<string>();
  using shown = loadShown({ ...request, told }, context);
  const nameOf = (varied: object) =>
    Object.entries(varied).map(([key, value]) => `${key} ${value}`).join(", ");
  const points: LoadPoint[] = experiment.runs.map((
    { varied: { rate, concurrency, ...others }, varied },
  ) => ({
    name: nameOf(varied),
    others: nameOf(others),
    level: [rate, concurrency].find((level) => typeof level === "number") ?? null,
    runs: [],
  }));
  const runs = await runLoads(experiment, shown.options, {
    rounds,
    isEnough: (index) => until !== null && isNarrow(until, points[index].runs),
    onBegin: (index, _varied, round) => {
      const run = rounds > 1 ? `run ${round + 1}` : "";
      const what = [points[index].name, run].filter(Boolean).join(", ");
      names.push(what);
      if (!what) return;
      terminal.say();
      const place = points.length > 1 ? `${index + 1} of ${points.length}: ` : "";
      terminal.say(`${place}${what}`);
    },
    keep: async (run, index) => {
      points[index].runs.push(run.results);
      return await shown.keep(run);
    },
  });
  if (runs.length > 1) {
    terminal.say();
    matrixTable(
      runs.map(({ results }, i) => ({ name: names[i], results })),
      terminal.paint,
    ).forEach((row) => terminal.say(row));
  }
  const points_told = await showPoints(points, { ...request, gpus, until }, context);
  const left = points.filter((point) => point.runs.length === 0).length;
  const loads = left ? `${left} of ${experiment.runs.length} loads were not begun` : "";
  if (request.budget.ended) {
    terminal.say([budgetEnd(request.budget), loads].filter(Boolean).join("; "));
  } else if (context.signal.aborted && left) terminal.say(`interrupted: ${loads}`);
  return ended(request, runs, context, request.budget.ended, points_told);
}

/**
 * Summarises a load that was interrupted, and shows it.
 *
 * @returns the exit code.
 * @throws {InputError} there is no such run, or it cannot be summarised.
 */
export async function finishLoad(
  run: string,
  request: LoadShown,
  context: CommandContext,
): Promise<number> {
  const found = await resumeLoad(await runToResume(run, request.out));
  return ended(request, [await show(found, request, context)], context);
}

/** Writes the runs as JSON if requested; returns the exit code. */
function ended(
  request: LoadShown,
  runs: readonly LoadEnd[],
  context: CommandContext,
  overBudget = false,
  points: Record<string, unknown> = {},
): number {
  const code = context.signal.aborted
    ? EXIT.interrupted
    : overBudget || runs.some((run) => isFailure(run, request))
    ? EXIT.failures
    : EXIT.good;
  if (request.json) {
    const told = runs.map(({ directory, results }) => ({
      ...results,
      directory: directory.path,
      report: directory.report,
    }));
    context.terminal.out(JSON.stringify({ runs: told, ...points, exit_code: code }));
  }
  return code;
}

/** Runs one load, prints its summary and writes its report. */
export async function runShownLoad(
  request: LoadRequest,
  settings: LoadSettings,
  context: CommandContext,
  name = request.experiment.name,
): Promise<LoadEnd> {
  using shown = loadShown(request, context);
  return await shown.keep(await measureLoad(name, settings, shown.options));
}

/** How to show loads while they run, and what to keep of each. */
function loadShown(request: LoadRequest, context: CommandContext) {
  const { terminal, signal, callbacks } = context;
  const { paint } = terminal;
  let line: ProgressLine | null = null;
  let start_ms = performance.now();
  const live = terminal.live && !request.one_line && !request.spread;
  const endLine = () => {
    line?.[Symbol.dispose]();
    line = null;
  };
  const once = (text: string, say: (text: string) => void) => {
    if (!request.told?.has(text)) say(text);
    request.told?.add(text);
  };
  const options: LoadsOptions = {
    out: request.out,
    run_id: request.run_id,
    agent: request.agent,
    tags: request.tags,
    argv: process.argv.slice(2),
    budget: request.budget,
    prices: request.prices,
    ...(request.spread ? { spread: request.spread } : {}),
    signal,
    onDirectory: (directory) => {
      line = new ProgressLine(terminal);
      start_ms = performance.now();
      request.onDirectory?.(directory);
    },
    onReached: (api, models) => {
      for (const model of models) checkPriced(request.budget.limits, model, request.prices);
      once(
        `${paint.bold(request.experiment.name)} on ${paint.accent(models.join(", "))} at ${
          placesText(api)
        }`,
        (title) => terminal.say(title),
      );
    },
    ...(live ? { onLive: (look) => line?.show((bar) => loadRows(look(), terminal, bar)) } : {
      onProgress: (progress) => {
        const elapsed_s = (performance.now() - start_ms) / 1000;
        line?.show((bar) => loadLine(progress, elapsed_s, bar));
      },
    }),
    onNotice: (notice) => once(notice, () => terminal.say(paint.dim(notice))),
    onWarning: (warning) => terminal.warn(warning),
  };
  const keep = async (run: LoadRun): Promise<LoadEnd> => {
    endLine();
    callbacks?.ended(endOfLoad(run, signal, request.agent));
    return await show(run, request, context);
  };
  return { options, keep, [Symbol.dispose]: endLine };
}

/** Writes a run's report and prints its summary. */
async function show(
  run: LoadRun,
  request: LoadShown,
  { terminal }: CommandContext,
): Promise<LoadEnd> {
  const { paint } = terminal;
  const { directory, results, records } = run;
  const answered = records.filter(({ failure, warmup }) => failure === null && !warmup).length;
  const end = { directory, results, answered };
  await collectGarbage();
  const report = await writeLoadReport(directory, results, records);
  if (request.terse) return end;
  terminal.say();
  loadTable(results, paint).forEach((row) => terminal.say(row));
  if (request.reportAs !== null) {
    using tokens = new TokenFileReader(directory);
    const { stages } = results;
    const measured = records.filter((record) =>
      !record.warmup && isInside(record, stages[record.stage].window)
    );
    const rows = reportAs(request.reportAs, measured, (record) => tokens.gapsOf(record));
    terminal.say();
    reportAsTable(request.reportAs, rows, paint).forEach((row) => terminal.say(row));
  }
  terminal.say();
  terminal.say(`run     ${shortPath(directory.path)}`);
  terminal.say(`report  ${paint.accent(shortPath(report))}`);
  return end;
}

function isFailure({ answered, results }: LoadEnd, { requireTrusted }: LoadShown): boolean {
  if (results.shards?.some(({ lost }) => lost !== null)) return true;
  return answered === 0 || (requireTrusted && results.verdict.verdict !== "trusted");
}

/** The table, with a line for each definition that differs. */
function reportAsTable(
  tool: ReportTool,
  rows: readonly ReportRow[],
  paint: Palette,
): string[] {
  const columns = [
    { title: `${tool}, ms`, align: "left" as const },
    ...["mean", "p50", "p99", "ours: mean", "p50", "p99"].map((title) => ({
      title,
      align: "right" as const,
    })),
  ];
  const lines = tableLines(
    columns,
    rows.map(({ name, theirs, ours }) => [name, ...cells(theirs), ...cells(ours)]),
    paint,
  );
  const notes = rows.filter(({ differs }) => differs)
    .map(({ name, differs }) => paint.dim(`${name}: ${differs}`));
  return [...lines, ...notes];
}

function cells(brief: Brief | null): string[] {
  if (brief === null) return ["–", "–", "–"];
  return [brief.mean, brief.p50, brief.p99].map((value) => value.toFixed(value < 10 ? 2 : 1));
}
