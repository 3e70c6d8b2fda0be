/**
 * promptfoo's `eval --output results.json`: each provider becomes a run, each test with a prompt an
 * item. One model with several labels counts as several providers.
 */
import { basename } from "node:path";
import type { ReadRun, RunItem } from "../run/summary.ts";
import { Fields } from "./fields.ts";
import { KEEP_SMALL } from "./keep.ts";
import { Stated } from "./stated.ts";
import { DistinctIds, NO_LOAD, saysTimeout, shareOrNull, totalsOf, unknownItem } from "./totals.ts";
import { isJsonObject, objectOr } from "../json_fields.ts";

/** The failureReason of an error; 1 means that an assertion failed. */
const ERROR = 2;

/** Whether a parsed file is promptfoo's results. */
export function isPromptfoo(value: unknown): boolean {
  if (!isJsonObject(value) || !isJsonObject(value.results)) return false;
  const { results, stats, prompts } = value.results;
  return Array.isArray(results) && isJsonObject(stats) &&
    (Array.isArray(prompts) || "evalId" in value);
}

/**
 * Reads results. Answers from promptfoo's cache have no latency and no tokens, because no request
 * was sent. The counts that the file states for a provider are compared with its results. Repeats
 * of a test (`--repeat`) are separate tests in the file; here they become answers to one problem.
 */
export function readPromptfoo(path: string, value: unknown): ReadRun[] {
  const file = new Fields(path, value);
  const table = file.child("results");
  const results = table.objects("results");
  const started = table.timeOrNull("timestamp");
  const id = file.labelOrNull("evalId") ?? basename(path).replace(/\.json$/, "");
  const named = file.childOrNull("config")?.peek("description");
  const prompts = (table.listOrNull("prompts") ?? []).filter(isJsonObject);
  const groups = Map.groupBy(results, labelOf);
  const stats = objectOr(table.peek("stats"));
  const took_ms = groups.size === 1 ? Number(stats.durationMs ?? NaN) : NaN;
  const ended = [stats.successes, stats.failures, stats.errors].map(Number);
  const whole = ended.some(Number.isNaN) || ended.reduce((a, b) => a + b) === results.length;
  const problems = problemsOf(results);
  const kept = file.rest(KEEP_SMALL);
  return [...groups].map(([label, own]): ReadRun => {
    const ids = new DistinctIds();
    const severalPrompts = new Set(own.map((result) => result.peek("promptIdx"))).size > 1;
    const items = own.map((result) => readResult(result, problems, severalPrompts, ids));
    const totals = totalsOf(items);
    const stated = new Stated();
    const metrics = prompts.filter((prompt) => prompt.provider === label)
      .map((prompt) => objectOr(prompt.metrics));
    const sum = (key: string, of = metrics): number | null => {
      const values = of.map((each) => each[key]);
      if (values.length === 0 || values.some((each) => typeof each !== "number")) return null;
      return values.reduce<number>((total, each) => total + Number(each), 0);
    };
    const wrong = items.filter(({ success, passed }) => success && passed === false).length;
    stated.check("test_pass_count", sum("testPassCount"), totals.passed ?? 0);
    stated.check("test_fail_count", sum("testFailCount"), wrong);
    stated.check("test_error_count", sum("testErrorCount"), totals.failed);
    const usage = metrics.map(({ tokenUsage }) => objectOr(tokenUsage));
    const tokens = {
      prompt_tokens: sum("prompt", usage),
      completion_tokens: sum("completion", usage),
    };
    stated.check("prompt_tokens", tokens.prompt_tokens, totals.prompt_tokens);
    stated.check("completion_tokens", tokens.completion_tokens, totals.completion_tokens);
    const cost = sum("cost");
    if (cost !== null && cost > 0) stated.check("cost_usd", cost, totals.cost_usd);
    return {
      summary: {
        run_id: groups.size === 1 ? id : `${id}_${label}`,
        path,
        source_form: "promptfoo",
        kind: "suite",
        benchmark: typeof named === "string" && named !== "" ? named : "promptfoo",
        mode: null,
        model: providerOf(own[0]).id,
        agent: null,
        status: whole ? "complete" : "incomplete",
        started_at_unix_seconds: started,
        duration_s: Number.isFinite(took_ms) && took_ms >= 0 ? took_ms / 1000 : null,
        ...totals,
        prompt_tokens: tokens.prompt_tokens ?? totals.prompt_tokens,
        completion_tokens: tokens.completion_tokens ?? totals.completion_tokens,
        cost_usd: totals.cost_usd ?? (cost !== null && cost > 0 ? cost : null),
        ...NO_LOAD,
        tags: [],
      },
      items,
      unmapped: kept,
      ...stated.found(),
    };
  });
}

function providerOf(result: Fields): { id: string; label: string } {
  const provider = result.peek("provider");
  const { id, label } = objectOr(provider);
  const named = typeof id === "string" ? id : typeof provider === "string" ? provider : "unknown";
  return { id: named, label: typeof label === "string" && label !== "" ? label : named };
}

function labelOf(result: Fields): string {
  return providerOf(result).label;
}

/**
 * Maps each test's number to the first equal test: with the same variables, assertions and
 * everything else.
 */
function problemsOf(results: readonly Fields[]): ReadonlyMap<number, number> {
  const first = new Map<string, number>(), problems = new Map<number, number>();
  const numbered = results.flatMap((result) => {
    const test = result.countOrNull("testIdx");
    return test === null ? [] : [{ result, test }];
  }).sort((a, b) => a.test - b.test);
  for (const { result, test } of numbered) {
    if (problems.has(test)) continue;
    const asked = result.peek("testCase");
    const key = asked === null ? String(test) : JSON.stringify(asked);
    if (!first.has(key)) first.set(key, test);
    problems.set(test, first.get(key)!);
  }
  return problems;
}

function readResult(
  result: Fields,
  problems: ReadonlyMap<number, number>,
  severalPrompts: boolean,
  ids: DistinctIds,
): RunItem {
  const test = result.countOrNull("testIdx"), prompt = result.countOrNull("promptIdx") ?? 0;
  const response = result.childOrNull("response");
  const reason = result.numberOrNull("failureReason");
  const complaint = result.textOrNull("error") || response?.labelOrNull("error") || null;
  const passed = result.flagOrNull("success");
  // older files have no reason: there, an error without any answer counts
  const failed = reason === null
    ? complaint !== null && (response === null || !response.has("output"))
    : reason === ERROR;
  const cached = response?.peek("cached") === true;
  const { prompt: asked, completion } = objectOr(response?.peek("tokenUsage"));
  const tokens = (value: unknown) => typeof value === "number" && value >= 0 ? value : null;
  const named = (test: number) => `test ${test + 1}`;
  const problem = test === null ? "test" : named(problems.get(test)!);
  const own = test === null ? problem : named(test);
  const { description } = objectOr(result.peek("testCase"));
  const id = severalPrompts ? `${own}, prompt ${prompt + 1}` : own;
  return {
    ...unknownItem(
      ids.next(id),
      typeof description === "string" && description ? description : id,
      problem,
    ),
    success: !failed,
    timed_out: failed && saysTimeout(complaint),
    passed: failed ? null : passed,
    score: failed ? null : shareOrNull(result.numberOrNull("score")),
    latency_ms: cached ? null : result.amountOrNull("latencyMs"),
    prompt_tokens: cached ? null : tokens(asked),
    completion_tokens: cached ? null : tokens(completion),
    cost_usd: cached ? 0 : costOf(result, response),
    error: failed ? complaint ?? "error" : null,
  };
}

/** promptfoo writes 0 if it knows no price; if it knows the price, the answer has its own cost. */
function costOf(result: Fields, response: Fields | null): number | null {
  return response?.amountOrNull("cost") ?? (result.amountOrNull("cost") || null);
}
