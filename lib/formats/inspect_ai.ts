/**
 * inspect_ai's evaluation logs, JSON or .eval: a log becomes a run, a sample of one epoch an item.
 */
import { InputError } from "../errors.ts";
import { mean } from "../stats/quantile.ts";
import type { ReadRun, RunItem, RunSummary } from "../run/summary.ts";
import { Fields } from "./fields.ts";
import { KEEP_SMALL } from "./keep.ts";
import { parseForeignJson } from "./foreign_file.ts";
import { Stated } from "./stated.ts";
import { millisecondsOf } from "./times.ts";
import { ZipFile } from "./zip.ts";
import { DistinctIds, NO_LOAD, shareOrNull, totalsOf, unknownItem } from "./totals.ts";
import { isJsonObject, objectOr } from "../json_fields.ts";

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
  return isJsonObject(value) && typeof value.status === "string" && STATUS.has(value.status) &&
    isJsonObject(value.eval) && "task" in value.eval && "model" in value.eval;
}

/** The fields of a sample that are read: its messages and events may be a hundred times as long. */
const SAMPLE_FIELDS = [
  "id",
  "epoch",
  "model_usage",
  "error",
  "limit",
  "scores",
  "score",
  "metadata",
  "working_time",
];

/**
 * Reads a log in its archive format, sample by sample; an unfinished log has only the samples
 * written so far.
 *
 * @throws {InputError} it is not such an archive, or a part of it is damaged or too large.
 */
export async function readEvalArchive(path: string): Promise<ReadRun> {
  await using archive = await ZipFile.open(path);
  const named = (name: string) => archive.entries.find((entry) => entry.name === name);
  const head = named("header.json") ?? named("_journal/start.json");
  if (head === undefined) {
    throw new InputError(`${path}: an archive without header.json, so not an inspect_ai log`);
  }
  const parsed = async (entry: typeof head) =>
    parseForeignJson(`${path}, ${entry.name}`, await archive.text(entry));
  const header = objectOr(await parsed(head));
  const samples: unknown[] = [];
  for (const entry of archive.entries.filter(({ name }) => /^samples\/.+\.json$/.test(name))) {
    const sample = await parsed(entry);
    const kept = SAMPLE_FIELDS.map((name) => [name, objectOr(sample)[name]] as const);
    samples.push({
      ...Object.fromEntries(kept.filter(([, value]) => value !== undefined)),
      model_time: modelTime(sample),
    });
  }
  return readInspectLog(path, { status: "started", ...header, samples });
}

/**
 * Seconds that the model worked on a sample, without waiting in queues: summed over its requests,
 * or the log's own value for the sample; null if the log has neither.
 */
function modelTime(sample: unknown): number | null {
  const { events, output, working_time, model_time } = objectOr(sample);
  if (typeof model_time === "number") return model_time;
  let sum = 0, found = false;
  for (const event of Array.isArray(events) ? events : []) {
    if (!isJsonObject(event) || event.event !== "model") continue;
    const time = objectOr(event.output).time ?? event.working_time;
    if (typeof time !== "number" || !(time >= 0)) continue;
    [sum, found] = [sum + time, true];
  }
  if (found) return sum;
  const last = objectOr(output).time ?? working_time;
  return typeof last === "number" && last >= 0 ? last : null;
}

/**
 * Reads a log. If several scorers judged a sample, the first one counts. Prompt tokens are all
 * tokens that the model read, including cached ones, which inspect_ai counts separately.
 */
export function readInspectLog(path: string, value: unknown): ReadRun {
  const file = new Fields(path, value);
  const spec = file.child("eval"), results = file.childOrNull("results");
  const stats = file.childOrNull("stats");
  const epochs = spec.childOrNull("config")?.countOrNull("epochs") ?? 1;
  const ids = new DistinctIds();
  const samples = file.has("samples") ? file.objects("samples") : [];
  const items = samples.map((sample) => readSample(sample, epochs, ids));
  const stated = new Stated();
  const started = stats?.timeOrNull("started_at") ?? spec.timeOrNull("created");
  const ended = stats?.timeOrNull("completed_at") ?? null;
  const usage = stats?.childOrNull("model_usage") ?? null;
  const totals = totalsOf(items);
  const prompt_tokens = promptTokens(usage), completion_tokens = usageSum(usage, "output_tokens");
  const all = totalsOf(items.map((item) => ({ ...item, success: true })));
  stated.check("prompt_tokens", prompt_tokens, all.prompt_tokens);
  stated.check("completion_tokens", completion_tokens, all.completion_tokens);
  stateScores(results, items, stated);
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
    prompt_tokens: prompt_tokens ?? totals.prompt_tokens,
    completion_tokens: completion_tokens ?? totals.completion_tokens,
    cost_usd: usageSum(usage, "total_cost") ?? totals.cost_usd,
    ...NO_LOAD,
    tags: (spec.listOrNull("tags") ?? []).map(String),
  };
  if (items.length === 0 && completed !== null) {
    summary.successful = completed;
    summary.failed = Math.max(0, total - completed);
  }
  return { summary, items, unmapped: file.rest(KEEP_SMALL), ...stated.found() };
}

function readSample(sample: Fields, epochs: number, ids: DistinctIds): RunItem {
  const id = sample.label("id"), epoch = sample.countOrNull("epoch") ?? 1;
  const usage = sample.childOrNull("model_usage");
  const failure = sample.childOrNull("error");
  const error = failure?.textOrNull("message") ?? (failure ? "error" : null);
  const limit = sample.childOrNull("limit")?.textOrNull("type") ?? null;
  const { score, passed } = firstScore(sample);
  const late = limit !== null && TIME_LIMITS.has(limit);
  const total_s = modelTime(
    Object.fromEntries(
      ["events", "output", "working_time", "model_time"].map((name) => [name, sample.peek(name)]),
    ),
  );
  const metadata = sample.peek("metadata");
  const category = isJsonObject(metadata) ? metadata.category ?? metadata.subject : null;
  return {
    ...unknownItem(ids.next(epochs > 1 ? `${id}#${epoch}` : id), id, id),
    category: typeof category === "string" ? category : null,
    success: error === null && !late,
    timed_out: late,
    passed,
    score: shareOrNull(score),
    latency_ms: total_s === null ? null : millisecondsOf(total_s),
    prompt_tokens: promptTokens(usage),
    completion_tokens: usageSum(usage, "output_tokens"),
    cost_usd: usageSum(usage, "total_cost"),
    error: error ?? (limit === null ? null : `stopped at its ${limit} limit`),
  };
}

/** A grade says whether the answer is right; a number does so only if it is 0 or 1. */
function firstScore(sample: Fields): { score: number | null; passed: boolean | null } {
  const single = sample.peek("score");
  const value = sample.childOrNull("scores")?.entries()[0]?.[1].peek("value") ??
    (isJsonObject(single) ? single.value : null);
  const grade = typeof value === "string" ? GRADES.get(value) : undefined;
  if (grade !== undefined) return { score: grade, passed: grade === 1 };
  if (typeof value === "boolean") return { score: value ? 1 : 0, passed: value };
  if (typeof value !== "number" || !Number.isFinite(value)) return { score: null, passed: null };
  return { score: value, passed: value === 1 ? true : value === 0 ? false : null };
}

/**
 * Records the log's own scores; its accuracy is the mean over problems of the mean over their
 * epochs.
 */
function stateScores(results: Fields | null, items: readonly RunItem[], stated: Stated): void {
  const scores = results?.peek("scores");
  if (!Array.isArray(scores)) return;
  const problems = Map.groupBy(
    items.filter(({ score }) => score !== null),
    (item) => item.problem_id,
  );
  const means = [...problems.values()].map((own) => mean(own.map(({ score }) => score!)));
  const computed = means.length > 0 ? mean(means) : null;
  const reducers = new Set(scores.map((entry) => objectOr(entry).reducer ?? "mean"));
  for (const [i, entry] of scores.entries()) {
    const { name, scorer, reducer, metrics } = objectOr(entry);
    for (const [metric, told] of Object.entries(objectOr(metrics))) {
      const { value } = objectOr(told);
      if (typeof value !== "number" || !Number.isFinite(value)) continue;
      const suffix = reducers.size > 1 ? `_${reducer}` : "";
      const figure = `${name ?? scorer}_${metric}${suffix}`;
      stated.keep(figure, value);
      const ours = i === 0 && (reducer ?? "mean") === "mean" && /^(accuracy|mean)$/.test(metric);
      if (ours) stated.check(figure, value, computed);
    }
  }
}

/** All tokens that were read: at full price, from the cache and into the cache. */
function promptTokens(usage: Fields | null): number | null {
  const input = usageSum(usage, "input_tokens");
  if (input === null) return null;
  return (usage?.entries() ?? []).reduce(
    (sum, [, model]) =>
      sum + (model.countOrNull("input_tokens_cache_read") ?? 0) +
      (model.countOrNull("input_tokens_cache_write") ?? 0),
    input,
  );
}

/** The sum over the models used; unknown if one of them has no value. */
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
