/** Runs a coding benchmark against one model: a suite run whose tests are solved, not just asked. */
import { EndpointClient } from "../endpoint/client.ts";
import { Budget, type BudgetLimits, type Spent } from "../run/budget.ts";
import { findRun } from "../run/directory.ts";
import { newRunId } from "../run/run_id.ts";
import { runSpan } from "../run/read_run.ts";
import { foldJournal } from "../run/fold.ts";
import { RequestCost } from "../run/request_cost.ts";
import { writeFileAtomic } from "../write.ts";
import { runSuite, type SuiteRun, type SuiteRunOptions } from "../suite/run_suite.ts";
import { type CodingSettings, codingSuite } from "./problems_suite.ts";
import { recalled, Solver } from "./solver.ts";
import { codingStatistics, summaryOf } from "./summary.ts";
import type { APIConfiguration } from "../endpoint/api.ts";
import type { Problem } from "./problems/problem.ts";
import type { PriceTable } from "../run/prices.ts";
import type { Sandbox } from "./sandbox/sandbox.ts";
import type { BenchmarkSummary, CodingStatistics } from "./summary.ts";

/** The options of a coding benchmark: problems, model, sandbox. */
export interface CodingRunOptions
  extends Omit<SuiteRunOptions, "suite" | "handlers" | "tests" | "budget"> {
  /** The benchmark's name, e.g. "HumanEval". */
  name: string;
  /** The file of the problems. */
  path: string;
  /** The problems, in the order in which they are asked. */
  problems: readonly Problem[];
  /** How the problems were chosen, in words; for the summary. */
  range: string;
  /** Settings of the requests and the judging. */
  settings: CodingSettings;
  /** The sandbox in which answers run. */
  sandbox: Sandbox;
  /** How to reach the second model, which reviews failed attempts. */
  reviewer: APIConfiguration | null;
  /** Stops the run before this budget is exceeded. */
  budget: BudgetLimits;
  /** Called once, when 80 % of the budget is spent. */
  onBudget?: (line: string) => void;
  /** Prices of tokens; unknown models cost null. */
  prices: PriceTable;
}

/** The outcome of a coding run. */
export interface CodingRun extends SuiteRun {
  /** The figures under the names of benchmark_results/<run_id>.json. */
  summary: BenchmarkSummary;
  /** Rates with intervals, and the comparison of both modes. */
  statistics: CodingStatistics;
  /** What the run spent; a part is null when any price or count is unknown. */
  budget_spent: { usd: number; tokens: number };
  /** The most that the refused request could have cost; null when none was refused, or this is unknown. */
  budget_refused: Spent | null;
  /** Whether the budget stopped the run before its end. */
  budget_ended: boolean;
}

/**
 * Runs coding problems, or the part of them that is missing. Every attempt is journaled when it ends; a
 * resumed run continues after the last one.
 *
 * @throws {InputError} as {@linkcode runSuite}.
 */
export async function runCoding(options: CodingRunOptions): Promise<CodingRun> {
  const { settings, api, transport, problems, prices, onNotice = () => {} } = options;
  const budget = new Budget(options.budget, (line) => {
    onNotice(line);
    options.onBudget?.(line);
  });
  const earlier = options.resume === undefined
    ? null
    : findRun(options.resume, options.out ?? "runs");
  const run_id = earlier?.run_id ?? options.run_id ?? newRunId();
  const solver = new Solver({
    run_id,
    settings,
    chat: api.api_type !== "completions",
    sandbox: options.sandbox,
    reviewer: options.reviewer && new EndpointClient(options.reviewer, transport),
    budget,
    reviewCost: options.reviewer && new RequestCost(options.reviewer.model, prices, onNotice),
    onNotice,
  });
  if (earlier !== null) solver.recall((await foldJournal(earlier.journal, recalled)).state);
  const run = await runSuite({
    ...options,
    run_id,
    budget,
    suite: codingSuite(options.name, options.path, problems, settings, api.model),
    handlers: { "zero-shot": solver.handler, "iterative": solver.handler },
    config: {
      coding: { ...settings, problems: options.range },
      sandbox: options.sandbox.description,
    },
  });
  const summary = summaryOf(run, options, runSpan(run.directory).started_at_unix_seconds);
  writeFileAtomic(`${run.directory.path}/summary.json`, JSON.stringify(summary, null, 2) + "\n");
  return {
    ...run,
    summary,
    statistics: codingStatistics(run.results.items, settings),
    budget_spent: budget.spent,
    budget_refused: budget.refused,
    budget_ended: budget.ended,
  };
}
