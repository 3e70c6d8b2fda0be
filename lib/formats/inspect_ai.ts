/** inspect_ai's evaluation logs in JSON: one log is a run, one sample of one epoch an item. */
import type { ReadRun, RunItem, RunSummary } from "../run/summary.ts";
import { Fields } from "./fields.ts";
import { isRecord, KEEP_SMALL } from "./keep.ts";
import { millisecondsOf } from "./times.ts";
import { DistinctIds, NO_LOAD, shareOrNull, totalsOf, unknownItem } from "./totals.ts";

const STATUS = new Map<string, RunSummary["status"]>([
  ["success", "complete"],
  ["started", "incomplete"],
  ["cancelled", "incomplete"],
  ["error", "failed"],
]);
/** Correct, incorrect, partly correct, no answer. */
const GRADES = new Map([["C", 1], ["I", 0], ["P", 0.5], ["N", 0], ["yes", 1], ["no", 0]]);
const TIME_LIMITS = new Set(["time", "working"]);

/** Whether a parsed file is an inspect_ai log. */
export function isInspectLog(value: unknown): boolean {
  return isRecord(value) && typeof value.status === "string" && STATUS.has(value.status) &&
    isRecord(value.eval) && "task" in value.eval && "model" in value.eval;
}

/** Reads a log. Where several scorers judged a sample, the first one counts. */
export function readInspectLog(path: string, value: unknown): ReadRun {
  const file = new Fields(path, value);
  const spec = file.child("eval"), results = file.childOrNull("results");
  const stats = file.childOrNull("stats");
  const epochs = spec.childOrNull("config")?.countOrNull("epochs") ?? 1;
  const ids = new DistinctIds();
  const samples = file.has("samples") ? file.objects("samples") : [];
  const items = samples.map((sample) => readSample(sample, epochs, ids));
  const started = stats?.timeOrNull("started_at") ?? spec.timeOrNull("created");
  const ended = stats?.timeOrNull("completed_at") ?? null;
  const usage = stats?.childOrNull("model_usage") ?? null;
  const totals = totalsOf(items);
  const total = results?.countOrNull("total_samples") ?? items.length;
  const completed = results?.countOrNull("completed_samples") ?? null;
  const status = file.text("status");
  const known = STATUS.get(status);
  if (!known) throw file.wrong("status", status, `one of ${[...STATUS.keys()].join(", ")}`);
  const summary: RunSummary = {
    run_id: spec.labelOrNull("eval_id") ??
      `${spec.labelOrNull("run_id") ?? "inspect"}_${spec.labelOrNull("task_id") ?? "log"}`,
    path,
    source_form: "inspect_ai",
    kind: "suite",
    benchmark: spec.text("task"),
    mode: null,
    model: spec.text("model"),
    agent: spec.textOrNull("solver"),
    status: known,
    started_at_unix_seconds: started,
    duration_s: started !== null && ended !== null && ended >= started
      ? Number((ended - started).toFixed(6))
      : null,
    ...totals,
    items_total: Math.max(total, items.length),
    prompt_tokens: usageSum(usage, "input_tokens") ?? totals.prompt_tokens,
    completion_tokens: usageSum(usage, "output_tokens") ?? totals.completion_tokens,
    cost_usd: usageSum(usage, "total_cost") ?? totals.cost_usd,
    ...NO_LOAD,
    tags: (spec.listOrNull("tags") ?? []).map(String),
  };
  if (items.length === 0 && completed !== null) {
    summary.successful = completed;
    summary.failed = Math.max(0, total - completed);
  }
  return { summary, items, unmapped: file.rest(KEEP_SMALL) };
}

function readSample(sample: Fields, epochs: number, ids: DistinctIds): RunItem {
  const id = sample.label("id"), epoch = sample.countOrNull("epoch") ?? 1;
  const usage = sample.childOrNull("model_usage");
  const failure = sample.childOrNull("error");
  const error = failure?.textOrNull("message") ?? (failure ? "error" : null);
  const limit = sample.childOrNull("limit")?.textOrNull("type") ?? null;
  const { score, passed } = firstScore(sample);
  const late = limit !== null && TIME_LIMITS.has(limit);
  const total_s = sample.amountOrNull("total_time");
  const metadata = sample.peek("metadata");
  const category = isRecord(metadata) ? metadata.category ?? metadata.subject : null;
  return {
    ...unknownItem(ids.next(epochs > 1 ? `${id}#${epoch}` : id), id, id),
    category: typeof category === "string" ? category : null,
    success: error === null && !late,
    timed_out: late,
    passed,
    score: shareOrNull(score),
    latency_ms: total_s === null ? null : millisecondsOf(total_s),
    prompt_tokens: usageSum(usage, "input_tokens"),
    completion_tokens: usageSum(usage, "output_tokens"),
    cost_usd: usageSum(usage, "total_cost"),
    error: error ?? (limit === null ? null : `stopped at its ${limit} limit`),
  };
}

/** A grade says whether the answer is right; a number only where it is all or nothing. */
function firstScore(sample: Fields): { score: number | null; passed: boolean | null } {
  const single = sample.peek("score");
  const value = sample.childOrNull("scores")?.entries()[0]?.[1].peek("value") ??
    (isRecord(single) ? single.value : null);
  const grade = typeof value === "string" ? GRADES.get(value) : undefined;
  if (grade !== undefined) return { score: grade, passed: grade === 1 };
  if (typeof value === "boolean") return { score: value ? 1 : 0, passed: value };
  if (typeof value !== "number" || !Number.isFinite(value)) return { score: null, passed: null };
  return { score: value, passed: value === 1 ? true : value === 0 ? false : null };
}

/** The sum over the models that were used; unknown where one has none. */
function usageSum(usage: Fields | null, key: string): number | null {
  const models = usage?.entries() ?? [];
  if (models.length === 0) return null;
  let sum = 0;
  for (const [, model] of models) {
    const value = model.amountOrNull(key);
    if (value === null) return null;
    sum += value;
  }
  return sum;
}
