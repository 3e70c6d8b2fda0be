/**
 * lm-evaluation-harness: `results_DATE.json`, a run for each task, and `samples_TASK_DATE.jsonl`.
 */
import { basename } from "node:path";
import { mean } from "../stats/quantile.ts";
import type { ReadRun, RunItem, RunSummary } from "../run/summary.ts";
import { Fields } from "./fields.ts";
import { jsonLinesOf } from "./foreign_file.ts";
import { KEEP_SMALL } from "./keep.ts";
import { Stated } from "./stated.ts";
import { DistinctIds, NO_LOAD, shareOrNull, totalsOf, unknownItem } from "./totals.ts";
import { isJsonObject, objectOr } from "../json_fields.ts";

/** Whether a parsed file is the harness's results. */
export function isLmEval(value: unknown): boolean {
  return isJsonObject(value) && isJsonObject(value.results) && isJsonObject(value.configs) &&
    ("n-samples" in value || "versions" in value) && isJsonObject(value.config);
}

/** Whether the first line of a JSON lines file is one of the harness's samples. */
export function isLmEvalSample(value: unknown): boolean {
  return isJsonObject(value) && "doc_id" in value && "resps" in value && "filtered_resps" in value;
}

/** The task and the date in the name of a samples file; null if it has another name. */
export function samplesOf(path: string): { task: string; date: string } | null {
  const [, task, date] = /^samples_(.+)_(\d{4}-\d\d-\d\dT[\d.-]+)\.jsonl(?:\.gz)?$/.exec(
    basename(path),
  ) ?? [];
  return task === undefined ? null : { task, date };
}

/** The tasks in the results, without groups, which consist of other tasks. */
export function harnessTasks(value: unknown): string[] {
  const { results, group_subtasks } = objectOr(value);
  const groups = objectOr(group_subtasks);
  return Object.keys(objectOr(results)).filter((task) => {
    const own = groups[task];
    return !Array.isArray(own) || own.length === 0;
  });
}

/**
 * Reads a task's run from its results, its samples, or both; at least one must be given. The first
 * metric that the samples name decides whether they are right or wrong, if it is only 0 or 1. If
 * samples were filtered in several ways, the first filter counts.
 */
export async function readLmEval(
  task: string,
  results: { path: string; value: unknown } | null,
  samples: string | null,
): Promise<ReadRun> {
  const path = results?.path ?? samples ?? "";
  const file = results && new Fields(results.path, results.value);
  const read = samples === null ? null : await readSamples(samples);
  const config = file?.childOrNull("config") ?? null;
  const counts = file?.childOrNull("n-samples")?.childOrNull(task) ?? null;
  const scores = objectOr(objectOr(file?.peek("results"))[task]);
  const stated = new Stated();
  for (const [key, value] of Object.entries(scores)) {
    // such as "exact_match,strict-match"; the filter "none" has no meaning
    const [metric, filter = "none"] = key.split(",");
    if (typeof value !== "number" || !Number.isFinite(value) || !key.includes(",")) continue;
    const figure = filter === "none" ? metric : `${metric}_${filter}`;
    stated.keep(figure, value);
    const ours = read && metric === read.metric && (read.filter ?? "none") === filter;
    const own = read?.items.flatMap(({ score }) => score ?? []) ?? [];
    if (ours && own.length === read.items.length) stated.check(figure, value, mean(own));
  }
  const items = read?.items ?? [];
  const n = counts?.countOrNull("effective") ?? items.length;
  const seconds = Number(file?.peek("total_evaluation_time_seconds") ?? NaN);
  file?.skip("total_evaluation_time_seconds");
  const model = file?.textOrNull("model_name") || config?.textOrNull("model") || "unknown";
  const stem = basename(path).replace(/\.jsonl?(\.gz)?$/, "");
  const summary: RunSummary = {
    run_id: stem.includes(task) ? stem : `${stem}_${task}`,
    path,
    source_form: "lm_eval",
    kind: "suite",
    benchmark: task,
    mode: null,
    model,
    agent: config?.textOrNull("model") ?? file?.textOrNull("model_source") ?? null,
    status: items.length > 0 && items.length < n ? "incomplete" : "complete",
    started_at_unix_seconds: file?.timeOrNull("date") ?? null,
    duration_s: Number.isFinite(seconds) && seconds >= 0 ? seconds : null,
    ...totalsOf(items),
    items_total: Math.max(n, items.length),
    ...NO_LOAD,
    tags: [],
  };
  if (items.length === 0) summary.successful = n;
  const of = (key: string) => objectOr(file?.peek(key))[task] ?? null;
  return {
    summary,
    items,
    unmapped: {
      task_config: new Fields(path, { config: of("configs") }).rest(KEEP_SMALL).config,
      harness_config: config?.rest(KEEP_SMALL) ?? null,
      ...(read?.others.length ? { filters_left_out: read.others } : {}),
      ...(read?.torn ? { samples_end: read.torn } : {}),
    },
    ...stated.found(),
  };
}

interface Samples {
  items: RunItem[];
  /** The metric of their score; null if they name none. */
  metric: string | null;
  filter: string | null;
  /** Filters whose samples are ignored: they are about the same answers. */
  others: string[];
  torn: string | null;
}

async function readSamples(path: string): Promise<Samples> {
  const read: Samples = { items: [], metric: null, filter: null, others: [], torn: null };
  const ids = new DistinctIds();
  let first = true;
  for await (const { value, line } of jsonLinesOf(path, (message) => read.torn = message)) {
    const sample = new Fields(`${path}, line ${line}`, value);
    const filter = sample.textOrNull("filter");
    if (first) {
      const [named] = sample.listOrNull("metrics") ?? [];
      [read.metric, read.filter] = [typeof named === "string" ? named : null, filter];
      first = false;
    }
    if (filter !== read.filter) {
      if (filter !== null && !read.others.includes(filter)) read.others.push(filter);
      continue;
    }
    const id = sample.label("doc_id");
    const told = read.metric === null ? null : sample.peek(read.metric);
    const score = typeof told === "boolean" ? Number(told) : typeof told === "number" ? told : null;
    read.items.push({
      ...unknownItem(ids.next(id), id, id),
      score: shareOrNull(score),
      passed: score === 1 ? true : score === 0 ? false : null,
    });
  }
  return read;
}
