/** dyno run with coding problems: flags, runs and output. */
import { basename, join } from "node:path";
import process from "node:process";
import { configureApi } from "../../endpoint/api.ts";
import { openTransport } from "../../endpoint/open_transport.ts";
import { InputError } from "../../errors.ts";
import { loadProblems, selectRange } from "../../coding/problems/load_problems.ts";
import { writeSuiteReport } from "../../report/suite/suite_report.ts";
import { checkWritable } from "../../run/directory.ts";
import { runToResume } from "../../run/find_run.ts";
import { commandWords } from "../../run/command_words.ts";
import { makeFolder, writeFileAtomic } from "../../write.ts";
import { checkModules } from "../../coding/needed_modules.ts";
import { languageFolders } from "../../coding/language.ts";
import { runCoding } from "../../coding/run_coding.ts";
import { ONLY_PYTHON, Sandbox } from "../../coding/sandbox/sandbox.ts";
import { budgetEnd, checkPriced } from "../ui/budget_flags.ts";
import { codingLines } from "./coding_lines.ts";
import { EXIT } from "../ui/command.ts";
import { outFlag } from "../ui/flags.ts";
import { ProgressLine } from "../ui/progress_line.ts";
import { suiteListeners } from "./suite_progress.ts";
import { rememberRun } from "./memory_lines.ts";
import { endOfSuite } from "./run_ends.ts";
import { shortPath } from "../../text/short_path.ts";
import { suiteTable } from "./suite_table.ts";
import { CODING_PARAMETERS, SAMPLES_TEMPERATURE } from "../../settings/coding.ts";
import type { z } from "zod";
import type { codingHostSettings, codingSettings } from "../../settings/coding.ts";
import type { CodingSettings, Mode } from "../../coding/problems_suite.ts";
import type { CommandContext } from "../ui/command.ts";
import type { SuiteRequest } from "./suite_runs.ts";

/** The folder of summaries: next to the folder of runs, or the folder that was given. */
const BENCHMARK_RESULTS = "benchmark_results";

/** All settings of coding problems, and the choice of problems. */
type CodingRunSettings =
  & z.output<typeof codingSettings>
  & z.output<typeof codingHostSettings>
  & { limit?: number };

/** What `dyno run` has already decided. */
export interface CodingRequest extends Omit<SuiteRequest, "suite"> {
  path: string;
  settings: CodingRunSettings;
}

/**
 * Runs coding problems against one model.
 *
 * @returns the exit code: 1 if a problem had no answer or the budget ended the run.
 * @throws {InputError} input is wrong or there is no sandbox, before anything is written.
 */
export async function runProblems(
  request: CodingRequest,
  { terminal, signal, callbacks }: CommandContext,
): Promise<number> {
  const { path, settings, out, models, prices, budget } = request;
  const { paint } = terminal;
  if (models.length > 1 || request.resume.length > 1) {
    throw new InputError("coding problems are run against one model at a time");
  }
  const [earlier] = request.resume;
  const resume = earlier && (await runToResume(earlier, out)).path;
  const all = await loadProblems(path);
  const chosen = settings.range === undefined ? all : selectRange(all, settings.range);
  const problems = chosen.slice(0, settings.limit ?? chosen.length);
  const memory = settings.memory === undefined ? null : commandWords(settings.memory, "--memory");
  const folders = languageFolders(problems);
  checkWritable(out);
  const export_dir = settings.export_dir ??
    join(out === outFlag.otherwise ? "." : out, BENCHMARK_RESULTS);
  checkWritable(export_dir);
  const quiet = (line: string) => terminal.say(paint.dim(line));
  const warn = (line: string) => terminal.warn(line);
  await using transport = await openTransport({ notice: quiet });
  const api = await configureApi({ ...request.api, model: models[0] }, transport, warn, signal);
  const reviewModel = settings.checkpoint_model;
  const reviewer = reviewModel === undefined
    ? null
    : await configureApi({ ...request.api, model: reviewModel }, transport, warn, signal);
  for (const each of reviewer ? [api, reviewer] : [api]) checkPriced(budget, each.model, prices);
  await using sandbox = await Sandbox.open({
    sandbox: settings.sandbox,
    python: settings.python,
    folders,
    hidden: [path],
  });
  await checkModules(sandbox, problems);
  if (!sandbox.runsCommands && problems.some(({ tests }) => tests.form === "program")) {
    throw new InputError(ONLY_PYTHON);
  }
  if (!sandbox.confined) {
    warn("--sandbox none: the model's answers run on this host without a sandbox");
  }
  const coding = codingOf(settings);
  const name = basename(path).replace(/\.jsonl(\.gz)?$/, "");
  using line = new ProgressLine(terminal);
  const range = settings.range ?? `0-${problems.length}`;
  const run = await runCoding({
    ...request,
    name,
    problems,
    range,
    settings: coding,
    sandbox,
    api,
    reviewer,
    transport,
    onBudget: (message) => callbacks?.alert(message),
    resume,
    argv: process.argv.slice(2),
    signal,
    onDirectory: (directory) => {
      heading(directory.run_id, name, range, api.model, coding).forEach((each) =>
        terminal.say(each)
      );
      quiet(`sandbox: ${sandbox.description}`);
      request.onDirectory?.(directory);
    },
    ...suiteListeners(line, terminal),
  });
  line[Symbol.dispose]();
  const report = await writeSuiteReport(run.directory, run.results);
  callbacks?.ended(endOfSuite(run, signal, request.agent));
  terminal.say();
  suiteTable(run, paint).forEach((row) => terminal.say(row));
  terminal.say();
  codingLines(run, paint).forEach((row) => terminal.say(row));
  const exported = join(export_dir, `${run.run_id}.json`);
  makeFolder(export_dir);
  writeFileAtomic(exported, JSON.stringify(run.summary, null, 2) + "\n");
  terminal.say();
  terminal.say(`summary ${shortPath(exported)}`);
  terminal.say(`run     ${shortPath(run.directory.path)}`);
  terminal.say(`report  ${paint.accent(shortPath(report))}`);
  const remembered = memory && await rememberRun(run, memory, { terminal, signal });
  const code = signal.aborted
    ? EXIT.interrupted
    : run.budget_ended || run.results.aggregate.errors + run.results.aggregate.not_judged > 0
    ? EXIT.failures
    : EXIT.good;
  if (!run.results.complete) {
    terminal.say(
      run.budget_ended
        ? `${
          budgetEnd({ limits: budget, spent: run.budget_spent, refused: run.budget_refused })
        }. ` +
          "With a larger one, the same command continues"
        : "interrupted; what was finished is saved. The same command continues",
    );
    terminal.say(`  with --resume ${shortPath(run.directory.path)}`);
  }
  if (request.json) {
    const { summary, statistics, budget_spent, directory } = run;
    terminal.out(JSON.stringify({
      summary,
      statistics,
      budget_spent,
      directory: directory.path,
      report,
      ...(remembered ? { memory: remembered } : {}),
      exit_code: code,
    }));
  }
  return code;
}

function codingOf(settings: CodingRunSettings): CodingSettings {
  const { mode, max_iterations, samples, test_timeout_s, checkpoint_model: model } = settings;
  const modes: Mode[] = mode === "comparative" ? ["zero-shot", "iterative"] : [mode];
  return {
    modes,
    max_iterations,
    samples,
    stop_on_plateau: settings.stop_on_plateau ?? null,
    parameters: {
      ...CODING_PARAMETERS,
      ...(samples > 1 ? { temperature: SAMPLES_TEMPERATURE } : {}),
      ...settings.parameters,
    },
    test_timeout_s,
    memory_bytes: settings.test_memory_mb * 1024 * 1024,
    checkpoint: model === undefined ? null : { model, every: settings.checkpoint_every },
  };
}

/** The heading of a run: the lines of the original format, and other settings that matter. */
function heading(
  run_id: string,
  name: string,
  range: string,
  model: string,
  { modes, max_iterations, samples }: CodingSettings,
): string[] {
  return [
    `Benchmark Run ID: ${run_id}`,
    `Problems: ${name}`,
    `Range: ${range.replace(/^(\d+)-(\d+)$/, "$1 to $2")}`,
    `Local model: ${model}`,
    modes.length > 1 ? "Testing both zero-shot and iterative modes" : `Mode: ${modes[0]}`,
    ...(modes.includes("iterative") ? [`Attempts: at most ${max_iterations}`] : []),
    ...(samples > 1 ? [`Answers: ${samples} each`] : []),
    "",
  ];
}
