/** Makes attempts at coding problems: asks, extracts the code, runs it in the sandbox, and asks again. */
import { messageOf } from "../errors.ts";
import { CancelledError } from "../execute/scope.ts";
import { requestBody } from "../endpoint/forms/forms.ts";
import { extractCode } from "./extract/extract_code.ts";
import { extractProgram } from "./extract/program.ts";
import { passRate } from "./sandbox/outcome.ts";
import { AnswerJudge } from "./judge_answer.ts";
import { isPlateau } from "./plateau.ts";
import { type CodingSettings, type CodingTest, experimentId } from "./problems_suite.ts";
import { firstQuestion, nextQuestion, reviewQuestion } from "./questions.ts";
import type { EndpointClient } from "../endpoint/client.ts";
import type { ProblemLanguage } from "./problems/problem.ts";
import type { TestCase } from "../settings/suite.ts";
import type { Budget, Spent } from "../run/budget.ts";
import type { Fold } from "../run/fold.ts";
import { answerEntry } from "../run/ledger.ts";
import { totalOf, totalOfEntries } from "../run/ledger_totals.ts";
import { countsOfReply } from "../run/ledger_entry.ts";
import { addedSpent, type RequestCost, spentOf } from "../run/request_cost.ts";
import { exchangesOf } from "../suite/spans.ts";
import type { CategoryHandler, HandlerContext } from "../suite/execution.ts";
import type { Sandbox } from "./sandbox/sandbox.ts";
import type { CodingOutcome, TestResult } from "../run/test_result.ts";
import type { Attempt } from "../run/attempt.ts";

/** The attempts and reviews in a journal, by experiment. */
export interface Recalled {
  attempts: Map<string, Attempt[]>;
  /** The latest advice. */
  reviews: Map<string, string>;
}

/** Reads the attempts and reviews from a journal. */
export const recalled: Fold<"run", Recalled> = {
  kind: "run",
  begin: () => ({ attempts: new Map(), reviews: new Map() }),
  take({ attempts, reviews }, event) {
    if (event.event === "attempt_finished") {
      const { attempt } = event;
      const list = attempts.get(attempt.experiment_id) ?? [];
      list.push(attempt);
      attempts.set(attempt.experiment_id, list);
    } else if (event.event === "review_finished") {
      reviews.set(event.experiment_id, event.advice);
    }
  },
};

export interface SolverParts {
  /** The run to which the experiments belong. */
  run_id: string;
  settings: CodingSettings;
  chat: boolean;
  sandbox: Sandbox;
  /** The reviewer's client; null for no reviewer. */
  reviewer: EndpointClient | null;
  budget: Budget;
  /** The cost of reviews; null for no reviewer. */
  reviewCost: RequestCost | null;
  onNotice(line: string): void;
}

type Execute = (test: TestCase) => Promise<TestResult>;

/** Solves the tests of a coding suite. Use its handler for the category of every mode. */
export class Solver {
  readonly #parts: SolverParts;
  readonly #judge: AnswerJudge;
  readonly #earlier = new Map<string, Attempt[]>();
  readonly #reviews = new Map<string, string>();
  /** First attempts that both modes of a comparison share, by problem and sample. */
  readonly #shared = new Map<string, Promise<Attempt>>();

  constructor(parts: SolverParts) {
    this.#parts = parts;
    const { test_timeout_s: timeout_s, memory_bytes } = parts.settings;
    this.#judge = new AnswerJudge(parts.sandbox, { timeout_s, memory_bytes });
  }

  /** Takes over what an earlier session's journal has, so that its attempts are not repeated. */
  recall({ attempts, reviews }: Recalled): void {
    for (const [experiment_id, known] of attempts) this.#earlier.set(experiment_id, known);
    for (const [experiment_id, advice] of reviews) this.#reviews.set(experiment_id, advice);
  }

  readonly handler: CategoryHandler = async (test, execute, signal, context) => {
    const { coding } = test as CodingTest;
    const attempts = [...this.#earlier.get(this.#idOf(test as CodingTest)) ?? []];
    for (;;) {
      const stopped = this.#stop(coding.mode, attempts);
      if (stopped) return this.#conclude(test as CodingTest, attempts, stopped, context);
      const attempt = attempts.length === 0
        ? await this.#first(test as CodingTest, execute, signal, context)
        : await this.#next(test as CodingTest, attempts, execute, signal, context);
      attempts.push(attempt);
      context.journal.append({ event: "attempt_finished", attempt });
    }
  };

  #idOf(test: CodingTest): string {
    return experimentId(this.#parts.run_id, test);
  }

  #stop(
    mode: CodingOutcome["mode"],
    attempts: readonly Attempt[],
  ): CodingOutcome["stopped"] | null {
    const last = attempts.at(-1);
    if (!last) return null;
    if (last.passed) return "success";
    if (!last.result.success) return "no_answer";
    if (last.outcome === "sandbox_error") return "unjudged";
    const limit = mode === "iterative" ? this.#parts.settings.max_iterations : 1;
    if (attempts.length >= limit) return "limit";
    const { stop_on_plateau } = this.#parts.settings;
    return stop_on_plateau !== null && isPlateau(attempts, stop_on_plateau) ? "plateau" : null;
  }

  /** In a comparison the first answer counts for both modes, because its settings are the same. */
  async #first(
    test: CodingTest,
    execute: Execute,
    signal: AbortSignal,
    context: HandlerContext,
  ): Promise<Attempt> {
    const { problem, sample } = test.coding;
    const experiment_id = this.#idOf(test);
    const question = firstQuestion(problem, this.#parts.chat);
    const ask = () => this.#attempt(test, question, 1, execute, signal);
    if (this.#parts.settings.modes.length < 2) return await ask();
    const key = `${problem.problem_id} ${sample}`;
    const known = this.#shared.get(key);
    if (known) {
      const first = await known;
      const result = { ...first.result, ...identity(test, context) };
      return { ...first, experiment_id, result, reused_from: first.experiment_id };
    }
    const shared = ask();
    shared.catch(() => this.#shared.delete(key)); // the other mode asks for itself
    this.#shared.set(key, shared);
    return await shared;
  }

  async #next(
    test: CodingTest,
    attempts: readonly Attempt[],
    execute: Execute,
    signal: AbortSignal,
    context: HandlerContext,
  ): Promise<Attempt> {
    const advice = await this.#review(test, attempts, signal, context);
    const { problem } = test.coding;
    const question = nextQuestion(problem, attempts, advice, this.#parts.chat);
    return await this.#attempt(test, question, attempts.length + 1, execute, signal);
  }

  async #attempt(
    test: CodingTest,
    question: object,
    iteration: number,
    execute: Execute,
    signal: AbortSignal,
  ): Promise<Attempt> {
    const { coding, prompt: _prompt, ...rest } = test;
    const { problem } = coding;
    const experiment_id = this.#idOf(test);
    const result = await execute({ ...rest, ...question } as TestCase);
    const reply = { text: result.response_text, reasoning: result.reasoning_text };
    const found = problem.tests.form === "program"
      ? extractProgram(reply, namesOf(problem.tests.language))
      : extractCode(reply, problem);
    const ended = result.success
      ? await this.#judge.judge(problem, found.code ?? "", signal)
      : null;
    return {
      experiment_id,
      problem_id: problem.problem_id,
      iteration,
      passed: ended?.passed ?? false,
      outcome: ended?.class ?? "no_answer",
      detail: ended?.detail ?? result.error_message ?? "",
      code: found.code,
      checks: ended?.checks ?? null,
      pass_rate: ended && passRate(ended),
      how: found.how,
      cost_usd: result.cost_usd,
      reused_from: null,
      result,
    };
  }

  /**
   * A second model's advice, requested every this many attempts. The latest advice stays until the next.
   */
  async #review(
    test: CodingTest,
    attempts: readonly Attempt[],
    signal: AbortSignal,
    { journal, item_id, book }: HandlerContext,
  ): Promise<string | null> {
    const { reviewer, settings, onNotice, reviewCost, budget } = this.#parts;
    const { problem } = test.coding;
    const experiment_id = this.#idOf(test);
    const known = this.#reviews.get(experiment_id) ?? null;
    if (!reviewer || attempts.length % settings.checkpoint!.every !== 0) return known;
    const question = reviewQuestion(problem, attempts);
    const body = requestBody(question, reviewer.api);
    const reservation = await budget.reserve(() => reviewCost!.most(body), signal);
    let spent: Spent = { usd: 0, tokens: 0 };
    try {
      const { reply, error } = await reviewer.ask(question, signal, undefined, (request) => {
        const { failure, status } = request;
        const told = countsOfReply(request.reply);
        const failed = failure === null ? null : { failure, status };
        const entry = reviewCost!.entry("reviewer", item_id, told, failed);
        if (failure === null) reviewCost!.learn(body, told);
        book(entry);
        spent = addedSpent(spent, spentOf(entry));
      });
      if (error) throw error;
      this.#reviews.set(experiment_id, reply.text);
      journal.append({ event: "review_finished", experiment_id, advice: reply.text, spent: null });
      return reply.text;
    } catch (error) {
      if (error instanceof CancelledError) throw error;
      onNotice(`${problem.problem_id}: no review: ${messageOf(error)}`);
      return known;
    } finally {
      reservation.settle(spent);
    }
  }

  /** The experiment's result: its last answer, with the times and the cost of all its attempts. */
  #conclude(
    test: CodingTest,
    attempts: readonly Attempt[],
    stopped: CodingOutcome["stopped"],
    context: HandlerContext,
  ): TestResult {
    const last = attempts.at(-1)!;
    const { mode, sample, problem } = test.coding;
    const experiment_id = this.#idOf(test);
    const shared = attempts.filter(({ reused_from }) => reused_from !== null).map(({ result }) =>
      answerEntry(result)
    );
    // an answer of the other mode is part of the problem's cost in this mode too
    const bill = totalOf([context.bill(), totalOfEntries(shared)]);
    const { prompt_tokens, completion_tokens, total_cost_usd: cost_usd } = bill;
    const own = attempts.filter(({ reused_from }) => reused_from === null);
    const hits = Number(last.passed);
    return {
      ...last.result,
      ...identity(test, context),
      exchanges: exchangesOf(own.map(({ result }) => result)),
      elapsed_seconds: attempts.reduce((sum, { result }) => sum + result.elapsed_seconds, 0),
      prompt_tokens,
      completion_tokens,
      cost_usd,
      evaluation_result: stopped === "unjudged"
        ? { evaluator: "sandbox", error: `${last.outcome}: ${last.detail}` }
        : last.result.success
        ? {
          evaluator: "sandbox",
          passed: last.passed,
          targets: 1,
          created_hits: hits,
          hit_rate: hits,
          detail: last.passed
            ? `passed at attempt ${attempts.length}`
            : `${last.outcome}: ${last.detail}`,
        }
        : null,
      coding: {
        experiment_id,
        problem_id: problem.problem_id,
        mode,
        sample,
        iterations: attempts.length,
        stopped,
        outcome: last.result.success ? last.outcome : null,
        input_tokens: prompt_tokens,
        output_tokens: completion_tokens,
        cost_usd,
        requests_of_unknown_cost: bill.requests_of_unknown_cost,
      },
    };
  }
}

function namesOf({ name, extension }: ProblemLanguage): string[] {
  return [name.toLowerCase(), extension.toLowerCase()];
}

function identity(test: CodingTest, { item_id }: HandlerContext) {
  return { test_id: test.id, test_name: test.name, category: test.category, item_id };
}
