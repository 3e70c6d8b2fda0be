/** dyno run on coding problems: their flags, their runs and what they print. */
import { mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import process from "node:process";
import { configureApi } from "../../endpoint/api.ts";
import { openTransport } from "../../endpoint/open_transport.ts";
import { InputError } from "../../errors.ts";
import { loadProblems, selectRange } from "../../coding/problems/load_problems.ts";
import { writeSuiteReport } from "../../report/suite/suite_report.ts";
import { checkWritable } from "../../run/directory.ts";
import { commandWords } from "../../run/command_words.ts";
import { writeFileAtomic } from "../../write.ts";
import { languageFolders } from "../../coding/language.ts";
import { runCoding } from "../../coding/run_coding.ts";
import { ONLY_PYTHON, Sandbox } from "../../coding/sandbox/sandbox.ts";
import { budgetEnd, budgetOf, checkPriced } from "../ui/budget_flags.ts";
import { codingLines } from "./coding_lines.ts";
import { EXIT } from "../ui/command.ts";
import { choice, json, number, text } from "../ui/flags.ts";
import { ProgressLine, progressText } from "../ui/progress_line.ts";
import { rememberRun } from "./memory_lines.ts";
import { endOfSuite } from "./run_ends.ts";
import { pricesOf } from "../runs/prices.ts";
import { shortPath } from "../../text/short_path.ts";
import { suiteTable } from "./suite_table.ts";
import type { ApiOptions } from "../../endpoint/api.ts";
import type { RunDirectory } from "../../run/directory.ts";
import type { CodingSettings, Mode } from "../../coding/problems_suite.ts";
import type { budgetFlags } from "../ui/budget_flags.ts";
import type { CommandContext } from "../ui/command.ts";
import type { Values } from "../ui/flags.ts";

export const codingFlags = {
  "mode": choice(["zero-shot", "iterative", "comparative"], "of coding problems (zero-shot)"),
  "range": text("PLACES", "problems by place, such as 0-10 (the end is not included) or 0,3,7-9"),
  "max-iterations": number("N", "attempts at a problem in iterative mode (10)", {
    min: 1,
    whole: true,
  }),
  "samples": number("K", "answers to each problem, for pass@k (1)", { min: 1, whole: true }),
  "parameters": json("JSON", 'sampling parameters ({"max_tokens": 2048, "temperature": 0})'),
  "checkpoint-model": text("NAME", "a second model that reviews what keeps failing"),
  "checkpoint-every": number("N", "attempts between reviews (5)", { min: 1, whole: true }),
  "sandbox": choice(
    ["auto", "bubblewrap", "pyodide", "none"],
    "what confines answers (auto: bubblewrap, else pyodide); none is unsafe",
  ),
  "python": text("PATH", "the Python that runs them (python3)"),
  "test-timeout": number("S", "seconds for a program and its checks (10)", { min: 0.1 }),
  "test-memory": number("MB", "memory of a program (1024)", { min: 64, whole: true }),
  "export-dir": text("DIR", "also write the summary to DIR/<run_id>.json"),
  "memory": text("COMMAND", "also store it in this MCP memory server, started as a program"),
};

/** What the rest of `dyno run` settles. */
export interface CodingRequest {
  path: string;
  values: Values<typeof codingFlags & typeof budgetFlags>;
  api: Omit<ApiOptions, "model">;
  models: string[];
  workers?: number | "auto";
  limit?: number;
  out: string;
  run_id?: string;
  resume: string[];
  sample_rate_hz?: number;
  tags?: readonly string[];
  /** Told of the run's directory. */
  onDirectory?: (directory: RunDirectory) => void;
  json: boolean;
}

/** Whether a file holds coding problems rather than a suite. */
export function holdsProblems(path: string): boolean {
  return /\.jsonl(\.gz)?$/.test(path);
}

/**
 * Runs coding problems against one model.
 *
 * @returns the exit code: 1 when a problem had no answer or the budget ended the run.
 * @throws {InputError} wrong input, or no sandbox here, before anything is written.
 */
export async function runProblems(
  request: CodingRequest,
  { terminal, signal, callbacks }: CommandContext,
): Promise<number> {
  const { path, values, out, models } = request;
  const { paint } = terminal;
  if (models.length > 1 || request.resume.length > 1) {
    throw new InputError("coding problems are run against one model at a time");
  }
  const all = await loadProblems(path);
  const chosen = values.range === undefined ? all : selectRange(all, values.range);
  const problems = chosen.slice(0, request.limit ?? chosen.length);
  const prices = await pricesOf(values.prices);
  const budget = budgetOf(values);
  const memory = values.memory === undefined ? null : commandWords(values.memory, "--memory");
  const folders = languageFolders(problems);
  checkWritable(out);
  const quiet = (line: string) => terminal.say(paint.dim(line));
  const warn = (line: string) => terminal.warn(line);
  await using transport = await openTransport({ notice: quiet });
  const api = await configureApi({ ...request.api, model: models[0] }, transport, warn, signal);
  const reviewModel = values["checkpoint-model"];
  const reviewer = reviewModel === undefined
    ? null
    : await configureApi({ ...request.api, model: reviewModel }, transport, warn, signal);
  for (const each of reviewer ? [api, reviewer] : [api]) checkPriced(budget, each.model, prices);
  await using sandbox = await Sandbox.open({
    sandbox: values.sandbox,
    python: values.python,
    folders,
  });
  if (!sandbox.runsCommands && problems.some(({ tests }) => tests.form === "program")) {
    throw new InputError(ONLY_PYTHON);
  }
  if (!sandbox.confined) warn("--sandbox none: answers of the model run unconfined on this host");
  const settings = settingsOf(values);
  const name = basename(path).replace(/\.jsonl(\.gz)?$/, "");
  using line = new ProgressLine(terminal);
  const range = values.range ?? `0-${problems.length}`;
  heading(name, range, api.model, settings).forEach((each) => terminal.say(each));
  quiet(`sandbox: ${sandbox.description}`);
  const run = await runCoding({
    name,
    path,
    problems,
    range,
    settings,
    sandbox,
    api,
    reviewer,
    transport,
    prices,
    onBudget: (message) => callbacks?.alert(message),
    budget,
    workers: request.workers,
    out,
    run_id: request.run_id,
    resume: request.resume[0],
    sample_rate_hz: request.sample_rate_hz,
    tags: request.tags,
    argv: process.argv.slice(2),
    signal,
    onDirectory: request.onDirectory,
    onProgress: (progress) =>
      line.show(
        (bar) => progressText(progress, bar),
        progress.completed_tests === progress.total_tests,
      ),
    onNotice: (notice) => line.above(paint.dim(notice)),
  });
  line[Symbol.dispose]();
  const report = await writeSuiteReport(run.directory, run.results);
  callbacks?.ended(endOfSuite(run, signal));
  terminal.say();
  suiteTable(run.results, run.wall_s, paint).forEach((row) => terminal.say(row));
  terminal.say();
  codingLines(run, paint).forEach((row) => terminal.say(row));
  const exported = values["export-dir"] && join(values["export-dir"], `${run.run_id}.json`);
  if (exported) {
    mkdirSync(values["export-dir"]!, { recursive: true });
    writeFileAtomic(exported, JSON.stringify(run.summary, null, 2) + "\n");
  }
  terminal.say();
  terminal.say(`summary ${shortPath(exported || join(run.directory.path, "summary.json"))}`);
  terminal.say(`run     ${shortPath(run.directory.path)}`);
  terminal.say(`report  ${paint.accent(shortPath(report))}`);
  const remembered = memory && await rememberRun(run, memory, { terminal, signal });
  const code = signal.aborted
    ? EXIT.interrupted
    : run.budget_ended || run.results.aggregate.errors > 0
    ? EXIT.failures
    : EXIT.good;
  if (!run.results.complete) {
    terminal.say(
      run.budget_ended
        ? `${
          budgetEnd({ limits: budget, spent: run.budget_spent, refused: run.budget_refused })
        }. ` +
          "With a larger one the same command goes on"
        : "interrupted; what was finished is saved. The same command goes on",
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

function settingsOf(values: Values<typeof codingFlags>): CodingSettings {
  const mode = values.mode ?? "zero-shot";
  const modes: Mode[] = mode === "comparative" ? ["zero-shot", "iterative"] : [mode];
  const samples = values.samples ?? 1;
  const model = values["checkpoint-model"];
  return {
    modes,
    max_iterations: values["max-iterations"] ?? 10,
    samples,
    parameters: { max_tokens: 2048, temperature: samples > 1 ? 0.8 : 0, ...values.parameters },
    test_timeout_s: values["test-timeout"] ?? 10,
    memory_bytes: (values["test-memory"] ?? 1024) * 1024 * 1024,
    checkpoint: model === undefined ? null : { model, every: values["checkpoint-every"] ?? 5 },
  };
}

function heading(
  name: string,
  range: string,
  model: string,
  { modes, max_iterations, samples }: CodingSettings,
): string[] {
  const iterations = modes.includes("iterative") ? `, at most ${max_iterations} attempts` : "";
  const answers = samples > 1 ? `, ${samples} answers each` : "";
  return [`${name} ${range} on ${model}: ${modes.join(" and ")}${iterations}${answers}`];
}
