/** Reads a run directory, complete, interrupted or damaged, into the form that all runs share. */
import { existsSync } from "node:fs";
import { crc32 } from "node:zlib";
import { messageOf } from "../errors.ts";
import { type RunDirectory, runDirectoryAt } from "./directory.ts";
import { importedFigures, importRecord, statedFigures } from "./imported.ts";
import { both, type Fold, foldJournal, leftOut, newestClocks, resultsCrc } from "./fold.ts";
import { checksumText, isIntact, notAsWritten } from "../seal.ts";
import { asObject, booleanAt, numberAt, objectAt, textAt } from "../json_fields.ts";
import { type Ledger, ledgerOf } from "./ledger.ts";
import { spentBy } from "./ledger_totals.ts";
import { isLocked } from "./lock.ts";
import { itemOfRequest, loadFigures, loadShape } from "./load_items.ts";
import { isTime, type RunState, runState } from "./run_state.ts";
import { itemOfTest, itemsOfResults } from "./suite_items.ts";
import { tagsOf } from "./tags.ts";
import { plainText } from "./plain_file.ts";
import type { JsonObject } from "../json_fields.ts";
import { NO_LEDGER } from "./summary.ts";
import type { ModelSpending, ReadRun, RunItem, RunSummary, Spending } from "./summary.ts";

/** A run that was read from a directory. */
export interface RunReading extends ReadRun {
  /** A load's stages in words, as {@linkcode loadShape} has them; null for other runs. */
  shape: string | null;
  /** Problems with its files, one line each. */
  warnings: string[];
  /** Whether its results are final, so that only a person will change them. */
  settled: boolean;
}

/**
 * Reads the run at `path`. Problems with its files never throw: a damaged run is `failed`; one
 * without results is `incomplete`, and read from its journal.
 *
 * @param items false skips the requests of a load with results, which are in its journal.
 */
export async function readRunDirectory(
  path: string,
  { items: wanted = true } = {},
): Promise<RunReading> {
  const directory = runDirectoryAt(path);
  const warnings: string[] = [];
  const metadata = jsonOf(directory.metadata, warnings);
  const imported = importRecord(metadata);
  // an imported run's journal, if any, comes from the other program
  const crc = imported === null ? resultsCrc(directory.journal) : null;
  const results = jsonOf(directory.results, warnings, crc);
  const kind = kindOf(metadata, results);
  const ownLoad = kind === "load" && imported === null; // its requests are in its journal
  const whole = results !== null && (ownLoad || Array.isArray(results.items));
  if (results !== null && !whole) warnings.push(`${directory.results}: has no items`);
  if (results === null && imported) warnings.push(`${directory.results}: is missing; import again`);
  const journalNeeded = !whole || (ownLoad && wanted);
  const journal = journalNeeded ? await itemsOfJournal(directory, warnings) : null;
  const found = whole && !ownLoad ? itemsOfResults(results) : journal?.items ?? [];
  const isLoad = kind === "load" || (kind === null && journal?.load === true);
  const damaged = warnings.length > 0;
  const complete = whole && booleanAt(results, "complete") !== false;
  const span = spanOf(directory, metadata, journal);
  const summary: RunSummary = {
    run_id: directory.run_id,
    path: directory.path,
    source_form: imported?.form ?? "dyno",
    kind: isLoad ? "load" : kind ?? "suite",
    benchmark: textAt(metadata, "benchmark") ?? textAt(results, "benchmark") ?? "unknown",
    mode: modeOf(metadata),
    model: textAt(metadata, "model") ?? textAt(results, "model") ?? "unknown",
    agent: textAt(metadata, "agent"),
    status: damaged && !complete ? "failed" : complete ? "complete" : "incomplete",
    ...span,
    ...NO_LEDGER,
    cost_usd: numberAt(objectAt(results, "aggregate"), "total_cost_usd"),
    ...(ownLoad && whole ? loadFigures(results) : countsOf(found)),
    ...(whole && !ownLoad ? suiteFigures(results) : {}),
    passed: passedOf(found),
    ...(imported ? {} : await spendingOf(directory, results, journal)),
    tags: tagsOf(metadata),
    ...(imported && whole ? importedFigures(results) : {}),
  };
  const settled = (complete || imported !== null) && !damaged;
  const seed = numberAt(metadata, "seed");
  const score_measure = imported && textAt(results, "score_measure");
  const stated = imported ? statedFigures(results) : undefined;
  return {
    summary,
    items: found,
    unmapped: {},
    ...(stated ? { stated } : {}),
    ...(score_measure ? { score_measure } : {}),
    seed,
    shape: loadShape(metadata),
    warnings,
    settled,
  };
}

/** The sums of a run's ledger, from its results or else its journal; empty where neither can be read. */
async function spendingOf(
  { journal: path, lock }: RunDirectory,
  results: JsonObject | null,
  journal: JournalItems | null,
): Promise<Partial<Spending>> {
  const told = objectAt(results, "ledger");
  const total = objectAt(told, "total");
  const [models, askers] = [objectAt(told, "by_model"), objectAt(told, "by_asker")];
  // earlier versions had no sums by model, which matters only for runs with several models
  const one = askers !== null && !("judge" in askers) && !("reviewer" in askers);
  const knowsKills = total !== null && "requests_cut_off" in total; // nor requests cut off by a kill
  if (knowsKills && (models !== null || one)) return spendingIn(total, models);
  const ofJournal = (ledger: Ledger) => {
    if (!isLocked(lock)) ledger.cutOff();
    const { total, by_model } = ledger.books();
    return spendingIn({ ...total }, { ...by_model });
  };
  if (journal !== null) return ofJournal(journal.ledger);
  try {
    return ofJournal((await foldJournal(path, ledgerOf)).state);
  } catch {
    return total === null ? {} : spendingIn(total, null);
  }
}

function spendingIn(total: JsonObject, models: JsonObject | null): Spending {
  return {
    ...spentBy((name) => numberAt(total, name)),
    by_model: models && Object.fromEntries(
      Object.entries(models).flatMap(([model, sums]) => {
        const told = asObject(sums);
        return told === null ? [] : [[model, modelSpending(told)]];
      }),
    ),
  };
}

function modelSpending(told: JsonObject): ModelSpending {
  return {
    requests: numberAt(told, "requests") ?? 0,
    prompt_tokens: numberAt(told, "prompt_tokens"),
    cached_prompt_tokens: numberAt(told, "cached_prompt_tokens"),
    cache_write_tokens: numberAt(told, "cache_write_tokens"),
    completion_tokens: numberAt(told, "completion_tokens"),
    reasoning_tokens: numberAt(told, "reasoning_tokens"),
    requests_of_unknown_tokens: numberAt(told, "requests_of_unknown_tokens") ?? 0,
    requests_cut_off: numberAt(told, "requests_cut_off") ?? 0,
  };
}

/** Whether a folder is a run directory. */
export function looksLikeRun(path: string): boolean {
  const { journal, results, metadata } = runDirectoryAt(path);
  return [results, journal, metadata].some((file) => existsSync(file));
}

/** The figures on speed in a suite's results.json. */
function suiteFigures(results: JsonObject | null) {
  const statistics = objectAt(results, "statistics");
  const ttft = objectAt(statistics, "ttft_ms");
  return {
    output_tokens_per_s: numberAt(statistics, "output_tokens_per_s"),
    ttft_p50_ms: numberAt(ttft, "p50"),
    ttft_p99_ms: numberAt(ttft, "p99"),
  };
}

/** Returns counts and sums of items; a sum of tokens is null where an answer's tokens are unknown. */
export function countsOf(items: readonly RunItem[]) {
  const answered = items.filter((item) => item.success);
  const sum = (key: "prompt_tokens" | "completion_tokens") =>
    answered.length === 0 ? null : answered.reduce<number | null>(
      (total, item) => total === null || item[key] === null ? null : total + item[key],
      0,
    );
  return {
    items_total: items.length,
    successful: answered.length,
    failed: items.length - answered.length,
    timed_out: items.filter((item) => item.timed_out).length,
    prompt_tokens: sum("prompt_tokens"),
    completion_tokens: sum("completion_tokens"),
    output_tokens_per_s: null,
    ttft_p50_ms: null,
    ttft_p99_ms: null,
  };
}

function passedOf(items: readonly RunItem[]): number | null {
  const judged = items.filter(({ passed }) => passed !== null);
  return judged.length === 0 ? null : judged.filter(({ passed }) => passed).length;
}

/** @param crc the checksum of the file as it was written; null where unknown. */
function jsonOf(path: string, warnings: string[], crc: string | null = null): JsonObject | null {
  try {
    const text = plainText(path);
    if (crc !== null && checksumText(crc32(text)) !== crc) {
      warnings.push(notAsWritten(path));
      return null;
    }
    if (!isIntact(text)) warnings.push(notAsWritten(path));
    const value = asObject(JSON.parse(text));
    if (value === null) warnings.push(`${path}: is not a JSON object`);
    return value;
  } catch (error) {
    if ((error as { code?: string }).code !== "ENOENT") {
      warnings.push(`${path}: cannot be read: ${messageOf(error)}`);
    }
    return null;
  }
}

const KINDS = ["suite", "load", "batch", "sweep"] as const;

function kindOf(metadata: JsonObject | null, results: JsonObject | null) {
  const named = textAt(metadata, "kind") ?? textAt(results, "kind");
  return KINDS.find((kind) => kind === named) ?? null;
}

/** Folds a journal into its items; for a test that ran twice, the later one counts. */
export const runItems: Fold<"run", Map<string, RunItem>> = {
  kind: "run",
  begin: () => new Map(),
  take(items, event) {
    const item = event.event === "package_finished"
      ? itemOfTest(event)
      : event.event === "request_finished"
      ? itemOfRequest(event.result)
      : null;
    if (item) items.set(item.item_id, item);
  },
};

interface JournalItems extends RunState {
  items: RunItem[];
  ledger: Ledger;
}

async function itemsOfJournal(
  directory: RunDirectory,
  warnings: string[],
): Promise<JournalItems> {
  const { journal } = directory;
  try {
    const { state: [[state, items], ledger], ...reading } = await foldJournal(
      journal,
      both(both(runState, runItems), ledgerOf),
    );
    warnings.push(...leftOut(journal, reading).slice(0, 3));
    const { length } = reading.damaged;
    if (length > 3) warnings.push(`${journal}: ${length} damaged lines in all`);
    return { ...state, items: [...items.values()], ledger };
  } catch (error) {
    const missing = (error as { code?: string }).code === "ENOENT";
    if (!missing || existsSync(directory.results)) {
      warnings.push(`${journal}: cannot be read: ${messageOf(error)}`);
    }
    return { ...runState.begin(), items: [], ledger: ledgerOf.begin() };
  }
}

/** When a run started, and the seconds from then to its newest event. */
type RunSpan = Pick<RunSummary, "started_at_unix_seconds" | "duration_s">;

/**
 * Returns the span of a run from its metadata and the end of its journal, as
 * {@linkcode readRunDirectory} does.
 */
export function runSpan(directory: RunDirectory): RunSpan {
  return spanOf(directory, jsonOf(directory.metadata, []), null);
}

/**
 * When a run started and how long it took, including pauses between sessions. Uses the wall clock,
 * which continues over restarts of the host, or the monotonic one if the wall clock was set back.
 */
function spanOf(
  directory: RunDirectory,
  metadata: JsonObject | null,
  journal: JournalItems | null,
): RunSpan {
  const told = numberAt(metadata, "started_at_unix_seconds");
  // damaged
  const started = (told !== null && isTime(told) ? told : null) ??
    journal?.first_s ?? timeOfRunId(directory.run_id);
  const { t: last_s, mono_ns: last_mono_ns } = journal?.last_s != null
    ? { t: journal.last_s, mono_ns: journal.last_mono_ns }
    : newestClocks(directory.journal);
  const wall_s = started === null || last_s === null ? null : last_s - started;
  const anchor_ns = Number(textAt(objectAt(metadata, "clock_anchor"), "mono_ns") ?? NaN);
  const mono_s = ((last_mono_ns ?? NaN) - anchor_ns) / 1e9;
  const duration_s = wall_s === null || wall_s >= 0 ? wall_s : mono_s >= 0 ? mono_s : 0;
  return { started_at_unix_seconds: started, duration_s };
}

function timeOfRunId(run_id: string): number | null {
  const parts = /_(\d{4})(\d\d)(\d\d)_(\d\d)(\d\d)(\d\d)$/.exec(run_id)?.slice(1).map(Number);
  if (parts === undefined) return null;
  const [year, month, day, hour, minute, second] = parts;
  return new Date(year, month - 1, day, hour, minute, second).getTime() / 1000;
}

function modeOf(metadata: JsonObject | null): string | null {
  const modes = objectAt(metadata, "config", "coding")?.modes;
  if (Array.isArray(modes) && modes.length > 1) return "comparative";
  const only = Array.isArray(modes) && typeof modes[0] === "string" ? modes[0] : null;
  return textAt(objectAt(metadata, "config"), "mode") ?? textAt(metadata, "mode") ?? only;
}
