/** smi-bench: `logs/<run>/run_metadata.json` and `events.jsonl`, `results/<run>.json`. */
import { safeFileName } from "../run/file_names.ts";
import { meanScore } from "../run/problems.ts";
import type { ReadRun, RunItem } from "../run/summary.ts";
import type { ExportableRun, ExportedFile } from "./exported_file.ts";
import { Fields } from "./fields.ts";
import { jsonLinesOf } from "./foreign_file.ts";
import { keepRests, restAt } from "./keep.ts";
import { elapsedOf, millisecondsOf } from "./times.ts";
import { Stated } from "./stated.ts";
import {
  DistinctIds,
  idInSource,
  nestingOf,
  NO_LOAD,
  readNesting,
  shareOrNull,
  totalsOf,
  unknownItem,
} from "./totals.ts";
import { isJsonObject, objectOr } from "../json_fields.ts";

const METADATA_VERSION = 1;
const RESULTS_VERSION = 2;

/** Whether a parsed file is smi-bench's results. */
export function isSmiResults(value: unknown): boolean {
  return isJsonObject(value) && isJsonObject(value.aggregate) && Array.isArray(value.packages) &&
    (value.packages.length === 0 ||
      (isJsonObject(value.packages[0]) && "package_id" in value.packages[0]));
}

/** Whether a parsed file is smi-bench's metadata of a run. */
export function isSmiMetadata(value: unknown): boolean {
  return isJsonObject(value) && typeof value.benchmark === "string" && "agent" in value &&
    "started_at_unix_seconds" in value && !isJsonObject(value.software);
}

/** Whether the first line of a JSON lines file is one of smi-bench's events. */
export function isSmiEvent(value: unknown): boolean {
  return isJsonObject(value) && typeof value.event === "string" && typeof value.t === "number";
}

/** Whether the first line of a JSON lines file is one of smi-bench's packages. */
export function isSmiPackage(value: unknown): boolean {
  return isJsonObject(value) && "package_id" in value && !("event" in value) &&
    ("score" in value || "elapsed_seconds" in value);
}

/** The files of one run; any of them may be missing. */
export interface SmiFiles {
  run_id: string;
  /** JSON lines of packages, which the program writes while it runs. */
  packages: string | null;
  metadata: { path: string; value: unknown } | null;
  results: { path: string; value: unknown } | null;
  events: string | null;
}

/**
 * Reads a run. Without results, its items are those of packages.jsonl, or the packages that its
 * events report as finished; if the events do not say that the run finished, it was interrupted.
 * What the results state about the whole run is kept, even if it disagrees with the packages.
 */
export async function readSmiRun(
  { run_id, metadata, results, events, packages: lines }: SmiFiles,
): Promise<ReadRun> {
  const path = results?.path ?? metadata?.path ?? lines ?? events ?? run_id;
  const written = results === null && lines !== null ? await readPackages(lines) : null;
  const log = events === null ? null : await readEvents(events, results === null && !written);
  const file = results && new Fields(results.path, results.value);
  const aggregate = file?.childOrNull("aggregate") ?? null;
  const ids = new DistinctIds();
  const packages = file ? file.objects("packages") : written?.packages ?? log?.finished ?? [];
  const items = packages.map((entry) => readPackage(entry, ids));
  const facts = metadata && new Fields(metadata.path, metadata.value);
  const totals = totalsOf(items);
  const started = file?.timeOrNull("started_at_unix_seconds") ??
    facts?.timeOrNull("started_at_unix_seconds") ?? log?.started ?? null;
  const ended = file?.timeOrNull("finished_at_unix_seconds") ?? log?.ended ?? null;
  const agent = file?.textOrNull("agent") ?? facts?.textOrNull("agent") ?? log?.agent ?? null;
  const model = file?.textOrNull("model") ?? facts?.textOrNull("model") ?? null;
  const seed = file?.numberOrNull("seed") ?? facts?.numberOrNull("seed") ?? log?.seed ?? null;
  if (facts) skipSame(facts, { started_at_unix_seconds: started, agent, model, seed });
  const stated = new Stated();
  const sum = (tokens: "total_prompt_tokens" | "total_completion_tokens", own: number | null) => {
    const value = aggregate?.countOrNull(tokens) ?? null;
    stated.check(tokens, value, own);
    return value ?? own;
  };
  const scores = items.flatMap(({ score }) => score ?? []);
  stated.check("avg_hit_rate", aggregate?.numberOrNull("avg_hit_rate") ?? null, scoreOf(items));
  stated.check("max_hit_rate", aggregate?.numberOrNull("max_hit_rate") ?? null, mostOf(scores));
  stated.check("errors", aggregate?.countOrNull("errors") ?? null, totals.failed);
  const cost_usd = aggregate?.amountOrNull("total_cost_usd") ?? totals.cost_usd;
  stated.check("total_cost_usd", cost_usd, totals.cost_usd);
  const interrupted = file?.peek("status") === "incomplete";
  if (interrupted) file?.skip("status");
  if (file?.peek("schema_version") === RESULTS_VERSION) file.skip("schema_version");
  if (facts?.peek("schema_version") === METADATA_VERSION) facts.skip("schema_version");
  const run: ReadRun = {
    summary: {
      run_id,
      path,
      source_form: "smi_bench",
      kind: "suite",
      benchmark: facts?.text("benchmark") ?? "unknown",
      // our own files have both: the mode of asking, and that nothing was simulated
      mode: facts?.keys().includes("mode")
        ? facts.textOrNull("mode")
        : facts?.textOrNull("simulation_mode") ?? null,
      model: model ?? "unknown",
      agent,
      status: (results || ended !== null) && !interrupted ? "complete" : "incomplete",
      started_at_unix_seconds: started,
      duration_s: aggregate?.amountOrNull("duration_seconds") ??
        (started !== null && ended !== null && ended >= started ? ended - started : null),
      ...totals,
      prompt_tokens: sum("total_prompt_tokens", totals.prompt_tokens),
      completion_tokens: sum("total_completion_tokens", totals.completion_tokens),
      cost_usd,
      ...NO_LOAD,
      tags: (facts?.listOrNull("tags") ?? []).map(String),
    },
    items,
    unmapped: {},
    seed,
    ...stated.found(),
  };
  const metadata_rest = facts?.rest() ?? {};
  run.unmapped = {
    ...file?.rest(),
    ...(Object.keys(metadata_rest).length ? { metadata: metadata_rest } : {}),
    ...keepRests("packages", packages.map((entry) => entry.rest())),
    ...(written?.torn ? { packages_end: written.torn } : {}),
    ...(log?.torn ? { events_end: log.torn } : {}),
  };
  return run;
}

/** Values that are the same in both files are kept only once. */
function skipSame(facts: Fields, known: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(known)) {
    if (facts.peek(key) === value) facts.skip(key);
  }
}

async function readPackages(path: string): Promise<{ packages: Fields[]; torn: string | null }> {
  const packages: Fields[] = [];
  let torn: string | null = null;
  for await (const { value, line } of jsonLinesOf(path, (message) => torn = message)) {
    packages.push(new Fields(`${path}:${line}`, value));
  }
  return { packages, torn };
}

function readPackage(entry: Fields, ids: DistinctIds): RunItem {
  const id = entry.label("package_id");
  const score = entry.childOrNull("score");
  const targets = score?.amountOrNull("targets") ?? null;
  const created_hits = score?.amountOrNull("created_hits") ?? null;
  const counted = targets !== null && created_hits !== null && targets > 0
    ? created_hits / targets
    : null;
  const elapsed_s = entry.amountOrNull("elapsed_seconds"), e2e_ms = entry.amountOrNull("e2e_ms");
  const error = entry.labelOrNull("error");
  return {
    ...unknownItem(ids.next(id), entry.labelOrNull("name") ?? id, id),
    ...readNesting(entry),
    category: entry.textOrNull("category"),
    success: error === null && !(entry.peek("timed_out") ?? false),
    timed_out: entry.flagOrNull("timed_out") ?? false,
    passed: entry.flagOrNull("passed"),
    score: shareOrNull(score?.numberOrNull("hit_rate") ?? counted),
    targets,
    created_hits,
    latency_ms: e2e_ms ?? (elapsed_s === null ? null : millisecondsOf(elapsed_s)),
    elapsed_s: e2e_ms === null ? null : elapsed_s,
    ttft_ms: entry.amountOrNull("ttft_ms"),
    prompt_tokens: entry.countOrNull("prompt_tokens"),
    completion_tokens: entry.countOrNull("completion_tokens"),
    cost_usd: entry.amountOrNull("cost_usd"),
    iterations: entry.countOrNull("plan_attempts"),
    error,
  };
}

interface EventLog {
  agent: string | null;
  seed: number | null;
  started: number | null;
  ended: number | null;
  finished: Fields[];
  /** What is wrong with the last line: the program was killed while writing it. */
  torn: string | null;
}

async function readEvents(path: string, packages: boolean): Promise<EventLog> {
  const log: EventLog = {
    agent: null,
    seed: null,
    started: null,
    ended: null,
    finished: [],
    torn: null,
  };
  const torn = (message: string) => log.torn = message;
  for await (const { value, line } of jsonLinesOf(path, torn)) {
    if (!isSmiEvent(value)) continue;
    const event = new Fields(`${path}:${line}`, value);
    const name = event.text("event"), t = event.timeOrNull("t");
    if (name === "run_started") {
      log.started = event.timeOrNull("started_at_unix_seconds") ?? t;
      log.agent = event.textOrNull("agent");
      log.seed = event.numberOrNull("seed");
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
export function exportSmi(run: ExportableRun): ExportedFile[] {
  const { summary, items, unmapped, stated } = run;
  const run_id = safeFileName(summary.run_id);
  const { packages: _, packages_end: __, events_end: ___, metadata, aggregate, ...rest } = unmapped;
  const scores = items.flatMap((item) => item.score ?? []);
  const started = summary.started_at_unix_seconds;
  const { simulation_mode, ...known } = objectOr(metadata);
  const facts = {
    schema_version: METADATA_VERSION,
    ...known,
    benchmark: summary.benchmark,
    ...(started === null ? {} : { started_at_unix_seconds: started }),
    agent: summary.agent,
    model: summary.model,
    seed: run.seed ?? null,
    ...(simulation_mode === undefined
      ? (summary.mode === null ? {} : { simulation_mode: summary.mode })
      : { simulation_mode, mode: summary.mode }),
    ...(summary.tags.length ? { tags: summary.tags } : {}),
  };
  const results = {
    schema_version: RESULTS_VERSION,
    ...rest,
    ...(summary.status === "incomplete" ? { status: summary.status } : {}),
    aggregate: {
      ...objectOr(aggregate),
      avg_hit_rate: scoreOf(items),
      max_hit_rate: mostOf(scores),
      errors: summary.failed,
      total_prompt_tokens: summary.prompt_tokens,
      total_completion_tokens: summary.completion_tokens,
      ...(summary.cost_usd === null ? {} : { total_cost_usd: summary.cost_usd }),
      ...(summary.duration_s === null ? {} : { duration_seconds: summary.duration_s }),
      ...stated?.figures,
    },
    packages: items.map((item, i) => smiPackage(item, restAt(unmapped, "packages", i))),
  };
  const events = run.events?.length ? run.events : eventsOf(run); // a load's journal has other events
  const simulated = simulation_mode ?? summary.mode;
  const lines = events.map((event) =>
    JSON.stringify(event.event === "run_started" ? { ...event, simulation_mode: simulated } : event)
  );
  return [
    { path: `logs/${run_id}/run_metadata.json`, text: JSON.stringify(facts, null, 2) + "\n" },
    ...(lines.length
      ? [{ path: `logs/${run_id}/events.jsonl`, text: lines.join("\n") + "\n" }]
      : []),
    { path: `results/${run_id}.json`, text: JSON.stringify(results, null, 2) + "\n" },
  ];
}

/** An item with the field names of smi-bench's documents, and ours where it has none. */
export function smiPackage(item: RunItem, rest: Record<string, unknown> = {}) {
  const { score, ...others } = rest;
  const id = idInSource(item);
  return {
    ...others,
    package_id: id,
    ...(item.name === id ? {} : { name: item.name }),
    ...nestingOf({ ...item, item_id: id }),
    ...(item.category === null ? {} : { category: item.category }),
    elapsed_seconds: elapsedOf(item),
    score: {
      ...objectOr(score),
      ...optional({
        targets: item.targets,
        created_hits: item.created_hits,
        hit_rate: item.score,
      }),
    },
    ...optional({
      passed: item.passed,
      plan_attempts: item.iterations,
      e2e_ms: item.elapsed_s === null ? null : item.latency_ms,
      ttft_ms: item.ttft_ms,
      prompt_tokens: item.prompt_tokens,
      completion_tokens: item.completion_tokens,
      cost_usd: item.cost_usd,
    }),
    error: item.error,
    timed_out: item.timed_out,
  };
}

/** The events of a run without such a journal; empty if its start is unknown. */
function eventsOf({ summary, items, seed }: ReadRun): Record<string, unknown>[] {
  const { started_at_unix_seconds: t, duration_s, agent, failed } = summary;
  if (t === null) return [];
  const finished = items.map((item, i) => ({
    t,
    event: "package_finished",
    package_id: idInSource(item),
    i,
    elapsed_seconds: elapsedOf(item),
    error: item.error,
    timed_out: item.timed_out,
    created_hits: item.created_hits,
    targets: item.targets,
  }));
  const end_s = t + (duration_s ?? 0);
  return [
    { t, event: "run_started", started_at_unix_seconds: t, agent, seed: seed ?? null },
    ...finished,
    ...(summary.status === "incomplete" || duration_s === null ? [] : [{
      t: end_s,
      event: "run_finished",
      finished_at_unix_seconds: end_s,
      samples: items.length,
      errors: failed,
      avg_hit_rate: scoreOf(items),
    }]),
  ];
}

/** The mean score over problems, by the usual definition. */
function scoreOf(items: readonly RunItem[]): number | null {
  return meanScore(items);
}

function mostOf(values: readonly number[]): number | null {
  return values.reduce<number | null>((most, value) => Math.max(most ?? value, value), null);
}

function optional(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}
