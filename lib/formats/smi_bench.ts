/** smi-bench: `logs/<run>/run_metadata.json` and `events.jsonl`, `results/<run>.json`. */
import { safeFileName } from "../run/file_names.ts";
import type { ReadRun, RunItem } from "../run/summary.ts";
import type { ExportedFile } from "./exported_file.ts";
import { Fields } from "./fields.ts";
import { jsonLinesOf } from "./foreign_file.ts";
import { isRecord, keepRests, recordOr, restAt } from "./keep.ts";
import { millisecondsOf, secondsOf } from "./times.ts";
import { DistinctIds, idInSource, NO_LOAD, shareOrNull, totalsOf, unknownItem } from "./totals.ts";

const METADATA_VERSION = 1;
const RESULTS_VERSION = 2;

/** Whether a parsed file is smi-bench's results. */
export function isSmiResults(value: unknown): boolean {
  return isRecord(value) && isRecord(value.aggregate) && Array.isArray(value.packages) &&
    (value.packages.length === 0 ||
      (isRecord(value.packages[0]) && "package_id" in value.packages[0]));
}

/** Whether a parsed file is smi-bench's metadata of a run. */
export function isSmiMetadata(value: unknown): boolean {
  return isRecord(value) && typeof value.benchmark === "string" && "agent" in value &&
    "started_at_unix_seconds" in value && !isRecord(value.software);
}

/** Whether the first line of a JSON lines file is one of smi-bench's events. */
export function isSmiEvent(value: unknown): boolean {
  return isRecord(value) && typeof value.event === "string" && typeof value.t === "number";
}

/** The files of one run; any of them may be missing. */
export interface SmiFiles {
  run_id: string;
  metadata: { path: string; value: unknown } | null;
  results: { path: string; value: unknown } | null;
  events: string | null;
}

/**
 * Reads a run. Without results its items are the packages that its events say were finished; where
 * the events do not say that the run was, it was interrupted.
 */
export async function readSmiRun(
  { run_id, metadata, results, events }: SmiFiles,
): Promise<ReadRun> {
  const path = results?.path ?? metadata?.path ?? events ?? run_id;
  const log = events === null ? null : await readEvents(events, results === null);
  const file = results && new Fields(results.path, results.value);
  const aggregate = file?.childOrNull("aggregate") ?? null;
  const ids = new DistinctIds();
  const packages = file ? file.objects("packages") : log?.finished ?? [];
  const items = packages.map((entry) => readPackage(entry, ids));
  const facts = metadata && new Fields(metadata.path, metadata.value);
  const totals = totalsOf(items);
  const started = facts?.timeOrNull("started_at_unix_seconds") ?? log?.started ?? null;
  const ended = log?.ended ?? null;
  aggregate?.skip("avg_hit_rate", "max_hit_rate", "errors");
  if (file?.peek("schema_version") === RESULTS_VERSION) file.skip("schema_version");
  if (facts?.peek("schema_version") === METADATA_VERSION) facts.skip("schema_version");
  const run: ReadRun = {
    summary: {
      run_id,
      path,
      source_form: "smi_bench",
      kind: "suite",
      benchmark: facts?.text("benchmark") ?? "unknown",
      mode: facts?.textOrNull("simulation_mode") ?? null,
      model: facts?.textOrNull("model") ?? "unknown",
      agent: facts?.textOrNull("agent") ?? null,
      status: results || ended !== null ? "complete" : "incomplete",
      started_at_unix_seconds: started,
      duration_s: aggregate?.amountOrNull("duration_seconds") ??
        (started !== null && ended !== null && ended >= started ? ended - started : null),
      ...totals,
      prompt_tokens: aggregate?.countOrNull("total_prompt_tokens") ?? totals.prompt_tokens,
      completion_tokens: aggregate?.countOrNull("total_completion_tokens") ??
        totals.completion_tokens,
      cost_usd: aggregate?.amountOrNull("total_cost_usd") ?? totals.cost_usd,
      ...NO_LOAD,
      tags: (facts?.listOrNull("tags") ?? []).map(String),
    },
    items,
    unmapped: {},
  };
  const metadata_rest = facts?.rest() ?? {};
  run.unmapped = {
    ...file?.rest(),
    ...(Object.keys(metadata_rest).length ? { metadata: metadata_rest } : {}),
    ...keepRests("packages", packages.map((entry) => entry.rest())),
    ...(log?.torn ? { events_end: log.torn } : {}),
  };
  return run;
}

function readPackage(entry: Fields, ids: DistinctIds): RunItem {
  const id = entry.label("package_id");
  const score = entry.childOrNull("score");
  const targets = score?.peek("targets"), hits = score?.peek("created_hits");
  const counted = typeof targets === "number" && typeof hits === "number" && targets > 0
    ? hits / targets
    : null;
  const elapsed_s = entry.amountOrNull("elapsed_seconds");
  const error = entry.labelOrNull("error");
  return {
    ...unknownItem(ids.next(id), entry.labelOrNull("name") ?? id, id),
    category: entry.textOrNull("category"),
    success: error === null && !(entry.peek("timed_out") ?? false),
    timed_out: entry.flagOrNull("timed_out") ?? false,
    passed: entry.flagOrNull("passed"),
    score: shareOrNull(score?.numberOrNull("hit_rate") ?? counted),
    latency_ms: elapsed_s === null ? null : millisecondsOf(elapsed_s),
    ttft_ms: entry.amountOrNull("ttft_ms"),
    prompt_tokens: entry.countOrNull("prompt_tokens"),
    completion_tokens: entry.countOrNull("completion_tokens"),
    cost_usd: entry.amountOrNull("cost_usd"),
    error,
  };
}

interface EventLog {
  started: number | null;
  ended: number | null;
  finished: Fields[];
  /** What is wrong with the last line: the program was killed while it wrote. */
  torn: string | null;
}

async function readEvents(path: string, packages: boolean): Promise<EventLog> {
  const log: EventLog = { started: null, ended: null, finished: [], torn: null };
  const torn = (message: string) => log.torn = message;
  for await (const { value, line } of jsonLinesOf(path, torn)) {
    if (!isSmiEvent(value)) continue;
    const event = new Fields(`${path}:${line}`, value);
    const name = event.text("event"), t = event.timeOrNull("t");
    if (name === "run_started") {
      log.started = event.timeOrNull("started_at_unix_seconds") ?? t;
    } else if (name === "run_finished") {
      log.ended = event.timeOrNull("finished_at_unix_seconds") ?? t;
    } else if (name === "package_finished" && packages) {
      const { targets, created_hits, ...rest } = event.rest();
      const { i: _, ...kept } = rest;
      log.finished.push(
        new Fields(`${path}:${line}`, {
          ...kept,
          package_id: event.raw("package_id"),
          score: { targets: targets ?? null, created_hits: created_hits ?? null },
        }),
      );
    }
  }
  return log;
}

/** Writes a run in smi-bench's layout. */
export function exportSmi({ summary, items, unmapped }: ReadRun): ExportedFile[] {
  const run_id = safeFileName(summary.run_id);
  const { packages: _, events_end: __, metadata, aggregate, ...rest } = unmapped;
  const scores = items.flatMap((item) => item.score ?? []);
  const started = summary.started_at_unix_seconds;
  const facts = {
    schema_version: METADATA_VERSION,
    ...recordOr(metadata),
    benchmark: summary.benchmark,
    ...(started === null ? {} : { started_at_unix_seconds: started }),
    agent: summary.agent,
    model: summary.model,
    ...(summary.mode === null ? {} : { simulation_mode: summary.mode }),
    ...(summary.tags.length ? { tags: summary.tags } : {}),
  };
  const results = {
    schema_version: RESULTS_VERSION,
    ...rest,
    aggregate: {
      ...recordOr(aggregate),
      avg_hit_rate: scores.length ? scores.reduce((a, b) => a + b, 0) / scores.length : 0,
      max_hit_rate: scores.reduce((a, b) => Math.max(a, b), 0),
      errors: summary.failed,
      total_prompt_tokens: summary.prompt_tokens,
      total_completion_tokens: summary.completion_tokens,
      ...(summary.cost_usd === null ? {} : { total_cost_usd: summary.cost_usd }),
      ...(summary.duration_s === null ? {} : { duration_seconds: summary.duration_s }),
    },
    packages: items.map((item, i) => {
      const { score, ...others } = restAt(unmapped, "packages", i);
      const judged = item.score === null ? {} : { hit_rate: item.score };
      return {
        ...others,
        package_id: idInSource(item),
        ...(item.name === idInSource(item) ? {} : { name: item.name }),
        ...(item.category === null ? {} : { category: item.category }),
        elapsed_seconds: item.latency_ms === null ? null : secondsOf(item.latency_ms),
        score: { ...recordOr(score), ...judged },
        ...optional({
          passed: item.passed,
          ttft_ms: item.ttft_ms,
          prompt_tokens: item.prompt_tokens,
          completion_tokens: item.completion_tokens,
          cost_usd: item.cost_usd,
        }),
        error: item.error,
        timed_out: item.timed_out,
      };
    }),
  };
  return [
    { path: `logs/${run_id}/run_metadata.json`, text: JSON.stringify(facts, null, 2) + "\n" },
    { path: `results/${run_id}.json`, text: JSON.stringify(results, null, 2) + "\n" },
  ];
}

function optional(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}
