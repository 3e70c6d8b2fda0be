/** Runs a suite on one or more models, with live progress, a summary and a report. */
import process from "node:process";
import { InputError } from "../../errors.ts";
import { type APIConfiguration, type ApiOptions, configureApi } from "../../endpoint/api.ts";
import { commonTransport, openTransport } from "../../endpoint/open_transport.ts";
import { placesText } from "../../endpoint/endpoint_choice.ts";
import { endpointsOf } from "../../settings/endpoint.ts";
import { writeSuiteReport } from "../../report/suite/suite_report.ts";
import { checkWritable } from "../../run/directory.ts";
import { counted } from "../../text/grouped.ts";
import { runToResume } from "../../run/find_run.ts";
import { readMetadata } from "../../run/metadata.ts";
import { modelsOf, planTests } from "../../suite/plan.ts";
import { runSuite, type SuiteRun, type SuiteRunOptions } from "../../suite/run_suite.ts";
import { budgetEnd, checkPriced, warningBudget } from "../ui/budget_flags.ts";
import { EXIT } from "../ui/command.ts";
import { endOfSuite } from "./run_ends.ts";
import { shortPath } from "../../text/short_path.ts";
import { ProgressLine } from "../ui/progress_line.ts";
import { suiteListeners } from "./suite_progress.ts";
import { suiteTable } from "./suite_table.ts";
import type { Transport } from "../../endpoint/transport.ts";
import type { Budget, BudgetLimits } from "../../run/budget.ts";
import type { PriceTable } from "../../run/prices.ts";
import type { CommandContext } from "../ui/command.ts";
import type { Listeners } from "../../suite/execution.ts";

/** What to run; the settings of one invocation. */
export interface SuiteRequest
  extends Omit<SuiteRunOptions, "api" | "transport" | "resume" | "budget" | keyof Listeners> {
  api: Omit<ApiOptions, "model">;
  /** Run one at a time, so that none disturbs another. Empty: the only model that is served. */
  models: string[];
  out: string;
  /** Runs to continue, at most one per model. */
  resume: string[];
  /** The command can continue a run with --resume, as most can. */
  resumable?: boolean;
  /** For all models together. */
  budget: BudgetLimits;
  prices: PriceTable;
  json: boolean;
}

/**
 * Checks everything that can be checked, then runs.
 *
 * @returns the exit code: 1 if a test had no answer or was not judged, 130 if interrupted.
 * @throws {InputError} wrong input, before anything is written.
 */
export async function runSuites(request: SuiteRequest, context: CommandContext): Promise<number> {
  const { terminal, signal } = context;
  const { suite, models } = request;
  checkWritable(request.out);
  if (request.run_id !== undefined && (models.length > 1 || request.resume.length > 0)) {
    throw new InputError(
      `--run-id ${request.run_id}: is for one new run; leave it out, or the others`,
    );
  }
  const notice = (line: string) => terminal.say(terminal.paint.dim(line));
  await using transport = await openTransport({
    only: await commonTransport(endpointsOf(request.api), notice),
    notice,
  });
  const apis: APIConfiguration[] = [];
  for (const model of models.length ? models : [undefined]) {
    const warn = (line: string) => terminal.warn(line);
    const api = await configureApi({ ...request.api, model }, transport, warn, signal);
    checkPriced(request.budget, api.model, request.prices);
    const plan = await planTests(suite, api, request, {}, request.keys); // throws before any test runs
    for (const { model } of modelsOf(plan, api)) checkPriced(request.budget, model, request.prices);
    apis.push(api);
  }
  const resume = await runsByModel(request, apis.map((api) => api.model));
  const runs: SuiteRun[] = [];
  const budget = warningBudget(request.budget, context);
  for (const api of apis) {
    if (signal.aborted || budget.ended) break;
    runs.push(await runOne(request, api, resume.get(api.model), budget, transport, context));
  }
  const code = exitCode(runs, budget, signal);
  if (request.json) terminal.out(JSON.stringify({ runs: runs.map(summary), exit_code: code }));
  if (request.resumable === false) {
    if (code === EXIT.interrupted) terminal.say("interrupted; what was finished is saved");
  } else if (code === EXIT.interrupted || budget.ended) {
    const ids = runs.filter((run) => !run.results.complete).map((run) => run.directory.path);
    terminal.say(
      code === EXIT.interrupted
        ? "interrupted; what was finished is saved. To continue, run the same command with"
        : `${budgetEnd(budget)}. With a larger one, the same command continues with`,
    );
    const left = apis.slice(runs.length).map(({ model }) => model);
    terminal.say(`  --resume ${ids.map(shortPath).join(" --resume ")}`);
    if (left.length) terminal.say(`  not begun: ${left.join(", ")}`);
  }
  return code;
}

async function runOne(
  request: SuiteRequest,
  api: APIConfiguration,
  resume: string | undefined,
  budget: Budget,
  transport: Transport,
  { terminal, signal, callbacks }: CommandContext,
): Promise<SuiteRun> {
  const { paint } = terminal;
  terminal.say(
    `${paint.bold(request.suite.suite.test_suite_id)} on ${paint.accent(api.model)} at ${
      placesText(api)
    }`,
  );
  using line = new ProgressLine(terminal);
  const run = await runSuite({
    ...request,
    api,
    transport,
    resume,
    budget,
    argv: process.argv.slice(2),
    signal,
    ...suiteListeners(line, terminal),
  });
  line[Symbol.dispose]();
  const report = await writeSuiteReport(run.directory, run.results);
  callbacks?.ended(endOfSuite(run, signal, request.agent));
  if (run.resumed_tests) {
    const before = counted(run.resumed_tests, "test");
    terminal.say(`finished before: ${before}`);
  }
  terminal.say();
  suiteTable(run, paint).forEach((row) => terminal.say(row));
  terminal.say();
  terminal.say(`run     ${shortPath(run.directory.path)}`);
  terminal.say(`report  ${paint.accent(shortPath(report))}`);
  return run;
}

/** The runs to continue, by model. @throws {InputError} a run belongs to none of the models. */
async function runsByModel(
  { resume, out }: SuiteRequest,
  models: readonly string[],
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const run of resume) {
    const directory = await runToResume(run, out);
    const { path } = directory;
    const { model } = await readMetadata(directory);
    if (!models.includes(model)) {
      throw new InputError(
        `--resume ${run}: that run is of model "${model}"; add --model ${model}`,
      );
    }
    if (found.has(model)) {
      throw new InputError(
        `--resume ${run}: is a second run of model "${model}"; give one for a model`,
      );
    }
    found.set(model, path);
  }
  return found;
}

function exitCode(runs: readonly SuiteRun[], budget: Budget, signal: AbortSignal): number {
  if (signal.aborted) return EXIT.interrupted;
  return budget.ended ||
      runs.some(({ results }) => results.aggregate.errors + results.aggregate.not_judged > 0)
    ? EXIT.failures
    : EXIT.good;
}

/** The JSON summary of a run. */
function summary({ run_id, directory, results, ...session }: SuiteRun) {
  const { items: _items, ...rest } = results;
  return {
    ...rest,
    run_id,
    directory: directory.path,
    report: directory.report,
    ...session,
  };
}
