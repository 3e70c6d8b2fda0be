/** promptfoo's `eval --output results.json`: each provider is a run, each test with a prompt an item. */
import { basename } from "node:path";
import type { ReadRun, RunItem } from "../run/summary.ts";
import { Fields } from "./fields.ts";
import { KEEP_SMALL } from "./keep.ts";
import { Stated } from "./stated.ts";
import { DistinctIds, NO_LOAD, saysTimeout, shareOrNull, totalsOf, unknownItem } from "./totals.ts";
import { isJsonObject, objectOr } from "../json_fields.ts";

/** failureReason of a result that is an error; 1 is an assertion that failed. */
const ERROR = 2;

/** Whether a parsed file is promptfoo's results. */
export function isPromptfoo(value: unknown): boolean {
  if (!isJsonObject(value) || !isJsonObject(value.results)) return false;
  const { results, stats, prompts } = value.results;
  return Array.isArray(results) && isJsonObject(stats) &&
    (Array.isArray(prompts) || "evalId" in value);
}

/**
 * Reads results. What came from promptfoo's cache has no latency: nothing was asked. Counts that the
 * file states of a provider are compared with its results.
 */
export function readPromptfoo(path: string, value: unknown): ReadRun[] {
  const file = new Fields(path, value);
  const table = file.child("results");
  const results = table.objects("results");
  const started = table.timeOrNull("timestamp");
  const id = file.labelOrNull("evalId") ?? basename(path).replace(/\.json$/, "");
  const named = file.childOrNull("config")?.peek("description");
  const prompts = (table.listOrNull("prompts") ?? []).filter(isJsonObject);
  const groups = new Map<string, Fields[]>();
  for (const result of results) {
    const provider = providerOf(result);
    groups.set(provider, [...groups.get(provider) ?? [], result]);
  }
  const kept = file.rest(KEEP_SMALL);
  return [...groups].map(([provider, own]): ReadRun => {
    const ids = new DistinctIds();
    const severalPrompts = new Set(own.map((result) => result.peek("promptIdx"))).size > 1;
    const items = own.map((result) => readResult(result, severalPrompts, ids));
    const totals = totalsOf(items);
    const stated = new Stated();
    const metrics = prompts.filter((prompt) => prompt.provider === provider)
      .map((prompt) => objectOr(prompt.metrics));
    const sum = (key: string): number | null => {
      const values = metrics.map((metric) => metric[key]);
      if (values.length === 0 || values.some((each) => typeof each !== "number")) return null;
      return values.reduce<number>((total, each) => total + Number(each), 0);
    };
    const wrong = items.filter(({ success, passed }) => success && passed === false).length;
    stated.check("test_pass_count", sum("testPassCount"), totals.passed ?? 0);
    stated.check("test_fail_count", sum("testFailCount"), wrong);
    stated.check("test_error_count", sum("testErrorCount"), totals.failed);
    const cost = sum("cost");
    if (cost !== null && cost > 0) stated.check("cost_usd", cost, totals.cost_usd);
    return {
      summary: {
        run_id: groups.size === 1 ? id : `${id}_${provider}`,
        path,
        source_form: "promptfoo",
        kind: "suite",
        benchmark: typeof named === "string" && named !== "" ? named : "promptfoo",
        mode: null,
        model: provider,
        agent: null,
        status: "complete",
        started_at_unix_seconds: started,
        duration_s: null,
        ...totals,
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

function providerOf(result: Fields): string {
  const provider = result.peek("provider");
  const { id } = objectOr(provider);
  return typeof id === "string" ? id : typeof provider === "string" ? provider : "unknown";
}

function readResult(result: Fields, severalPrompts: boolean, ids: DistinctIds): RunItem {
  const test = result.countOrNull("testIdx"), prompt = result.countOrNull("promptIdx") ?? 0;
  const response = result.childOrNull("response");
  const reason = result.numberOrNull("failureReason");
  const complaint = result.textOrNull("error") || response?.labelOrNull("error") || null;
  const passed = result.flagOrNull("success");
  // older files have no reason: an error without any answer is one
  const failed = reason === null
    ? complaint !== null && (response === null || !response.has("output"))
    : reason === ERROR;
  const cached = response?.peek("cached") === true;
  const { prompt: asked, completion } = objectOr(response?.peek("tokenUsage"));
  const tokens = (value: unknown) => typeof value === "number" && value >= 0 ? value : null;
  const problem = test === null ? "test" : `test ${test + 1}`;
  const { description } = objectOr(result.peek("testCase"));
  const id = severalPrompts ? `${problem}, prompt ${prompt + 1}` : problem;
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
    cost_usd: cached ? 0 : result.amountOrNull("cost"),
    error: failed ? complaint ?? "error" : null,
  };
}
