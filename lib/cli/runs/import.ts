/** dyno runs import: turns other programs' results into runs. */
import { countFigure } from "../../text/figure.ts";
import { InputError } from "../../errors.ts";
import { CancelledError } from "../../execute/scope.ts";
import { type ImportedRun, type ImportReport, importRuns } from "../../formats/import_runs.ts";
import { EXIT } from "../ui/command.ts";
import { flagHelp, parseFlags, toggle } from "../ui/flags.ts";
import { folderFlag, jsonFlag } from "./query.ts";
import { shortened, shownTime } from "./text.ts";
import { ProgressLine, progressText } from "../ui/progress_line.ts";
import { type Column, tableLines } from "../ui/table.ts";
import { counted } from "../../text/grouped.ts";
import type { Command, CommandContext } from "../ui/command.ts";
import type { Terminal } from "../ui/terminal.ts";

const SHOWN_RUNS = 40;
const SHOWN_NAMES = 8;
const SHOWN_WARNINGS = 20;

const flags = {
  ...folderFlag,
  "dry-run": toggle("print what it would do, and write nothing"),
  ...jsonFlag,
};

const COLUMNS: Column[] = [
  { title: "Run ID", align: "left" },
  { title: "", align: "left" },
  { title: "Form", align: "left" },
  { title: "Model", align: "left", cut: true },
  { title: "Packages", align: "right" },
  { title: "Timestamp", align: "left" },
  { title: "Suite", align: "left", cut: true },
];

export const command: Command = {
  flags,
  help: [
    "dyno runs import PATH … [flags]",
    "",
    "Imports other programs' results into the folder of runs, where every query reads them; the",
    "originals are not changed. A PATH is a file, or a folder that holds any of these: smi-bench's",
    "logs/ and results/, koderz's bench_*.json, BenchmarkTestRunner's batch_results_*.json and",
    "*_result.json, batch_eval_metrics.json and .csv, bench_runs/ of sweeps, vLLM's bench serve, SGLang's",
    "bench_serving, GuideLLM, AIPerf (JSON or CSV), inference-perf, inspect_ai (JSON or .eval),",
    "lm-evaluation-harness, promptfoo. What is there already adds nothing; a run whose source has changed",
    "since is written again. A figure that a file states is kept; if its own items give another one, both",
    "are shown. Fields without a place in a run are listed, and kept in its unmapped.json. With --json:",
    "{new, changed, there, dry_run, runs[], warnings[]}.",
    "",
    ...flagHelp(flags),
    "",
    "  dyno runs import ~/results --dry-run",
    "  dyno runs import vllm-results/*.json bench_runs/smoke",
  ],

  async run(argv: string[], { terminal, signal }: CommandContext): Promise<number> {
    const { values, positional } = parseFlags(flags, argv);
    if (positional.length === 0) {
      throw new InputError(
        "dyno runs import takes a file or a folder; see dyno runs import --help",
      );
    }
    const root = values.runs ?? "runs", dry_run = values["dry-run"] ?? false;
    let done = 0, seen = 0;
    using line = new ProgressLine(terminal);
    const started_ms = performance.now();
    const onPath = (path: string) => line.show(() => `reading ${path}`);
    const onRun = ({ run_id, outcome }: ImportedRun, runs: number) => {
      done += Number(outcome !== "there");
      seen++;
      const rate_per_s = seen / Math.max((performance.now() - started_ms) / 1000, 1e-3);
      line.show((bar) =>
        progressText({
          noun: "runs",
          done: seen,
          total: runs,
          rate_per_s,
          left_s: (runs - seen) / rate_per_s,
          more: [run_id],
        }, bar)
      );
    };
    let report: ImportReport;
    try {
      report = await importRuns(positional, root, { dry_run, signal, onPath, onRun });
    } catch (error) {
      if (!(error instanceof CancelledError)) throw error;
      terminal.say(`${counted(done, "run")} imported; the same command continues`);
      return EXIT.interrupted;
    }
    line[Symbol.dispose]();
    const { runs, warnings } = report;
    if (values.json) terminal.json(asJson(report, dry_run));
    else if (runs.length > 0) showRuns(runs, root, dry_run, terminal);
    for (const line of warnings.slice(0, SHOWN_WARNINGS)) terminal.warn(shortened(line, 500));
    const more = warnings.length - SHOWN_WARNINGS;
    if (more > 0) terminal.warn(`${more} more; --json has all`);
    if (runs.length === 0) terminal.say("nothing was imported: check the path and the names above");
    return runs.length === 0 ? EXIT.wrongInput : EXIT.good;
  },
};

function showRuns(
  runs: readonly ImportedRun[],
  root: string,
  dry_run: boolean,
  terminal: Terminal,
): void {
  const shown = [...runs].sort((a, b) =>
    Number(a.outcome === "there") - Number(b.outcome === "there")
  )
    .slice(0, SHOWN_RUNS);
  tableLines(COLUMNS, shown.map(row), terminal.outPaint).forEach((line) => terminal.out(line));
  const { dim } = terminal.paint;
  if (runs.length > shown.length) {
    terminal.say(dim(`and ${counted(runs.length - shown.length, "run")} more`));
  }
  for (const line of unmappedLines(runs)) terminal.say(dim(line));
  const { fresh, changed, there } = counts(runs);
  const parts = [
    `${counted(fresh, "run")} ${dry_run ? "would be imported" : "imported"} into ${root}`,
    ...(changed ? [`${changed} ${dry_run ? "would be written" : "written"} again`] : []),
    ...(there ? [`${there} there already`] : []),
  ];
  terminal.say(parts.join(", ") + (dry_run ? "; nothing was written" : ""));
}

function row({ run_id, outcome, summary }: ImportedRun): string[] {
  return [
    run_id,
    outcome,
    summary.source_form,
    shortened(summary.model, 32),
    countFigure(summary.items_total),
    shownTime(summary.started_at_unix_seconds),
    shortened(summary.benchmark, 28),
  ];
}

/** What was not mapped, by format. */
function unmappedLines(runs: readonly ImportedRun[]): string[] {
  const names = new Map<string, Set<string>>();
  for (const { source, outcome, unmapped } of runs) {
    if (outcome === "there" || unmapped.length === 0) continue;
    const all = names.get(source.form) ?? new Set();
    names.set(source.form, all);
    unmapped.forEach((name) => all.add(name));
  }
  return [...names].map(([form, all]) => {
    const shown = [...all].slice(0, SHOWN_NAMES).map((name) => shortened(name, 60)).join(", ");
    const more = all.size > SHOWN_NAMES ? `, and ${all.size - SHOWN_NAMES} more` : "";
    return `${form}: not mapped, kept in unmapped.json: ${shown}${more}`;
  });
}

function asJson({ runs, warnings }: ImportReport, dry_run: boolean) {
  const { fresh, changed, there } = counts(runs);
  return {
    new: fresh,
    changed,
    there,
    dry_run,
    runs: runs.map(({ run_id, outcome, source, summary, unmapped }) => ({
      run_id,
      outcome,
      source,
      model: summary.model,
      benchmark: summary.benchmark,
      items_total: summary.items_total,
      status: summary.status,
      unmapped,
    })),
    warnings,
  };
}

function counts(runs: readonly ImportedRun[]) {
  const of = (outcome: ImportedRun["outcome"]) =>
    runs.filter((run) => run.outcome === outcome).length;
  return { fresh: of("new"), changed: of("changed"), there: of("there") };
}
