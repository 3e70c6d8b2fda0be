/**
 * The batch evaluator: `batch_eval_metrics.json` (a list of records) and `.csv` (the same). A file
 * contains the records of many batches and models; each model of each batch becomes a run. A batch
 * ends where a question is repeated for the same model.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { dirname, join } from "node:path";
import { compactTime } from "../run/run_id.ts";
import { safeFileName } from "../run/file_names.ts";
import { guarded, unguarded } from "./csv.ts";
import type { ReadRun, RunItem } from "../run/summary.ts";
import type { ExportedFile } from "./exported_file.ts";
import { Fields } from "./fields.ts";
import { InputError } from "../errors.ts";
import { isOwnFile } from "./folder.ts";
import { csvHeaderOf, csvRowsOf } from "./foreign_file.ts";
import { keepRests, restAt } from "./keep.ts";
import { agrees } from "./stated.ts";
import { isoOf, millisecondsOf, secondsOf } from "./times.ts";
import {
  DistinctIds,
  nestingOf,
  NO_LOAD,
  readNesting,
  saysTimeout,
  shareOrNull,
  totalsOf,
  unknownItem,
} from "./totals.ts";
import { isJsonObject } from "../json_fields.ts";

const NEEDED = ["llm_model", "latency_sec", "success"];

/** The original's coverage_score: a different measure from ours with the same name. */
const COVERAGE = "share of the answer's words found in the context";
/** The mark of an export whose coverage scores are ours. */
const OURS = "dyno";

/** The fields of a record and columns of the CSV file, in order. */
export const BATCH_EVAL_FIELDS = [
  "timestamp",
  "industry",
  "question",
  "llm_provider",
  "llm_model",
  "latency_sec",
  "throughput_tps",
  "success",
  "coverage_score",
  "prompt_tokens",
  "response_tokens",
] as const;

/** Whether a parsed file is a list of the batch evaluator's records. */
export function isBatchEval(value: unknown): boolean {
  return Array.isArray(value) && isJsonObject(value[0]) && NEEDED.every((key) => key in value[0]);
}

/** Whether the names in a CSV file's first row are the batch evaluator's; some may be missing. */
export function isBatchEvalHeader(names: readonly string[]): boolean {
  return names.filter((name) => BATCH_EVAL_FIELDS.some((known) => known === name)).length >= 4 &&
    names.includes("llm_model");
}

/** Reads the records of a JSON file. */
export function readBatchEval(path: string, value: unknown): ReadRun[] {
  if (!Array.isArray(value)) throw new InputError(`${path}: expected a list of records`);
  const batches = new Batches(path);
  value.forEach((record, i) => batches.add(new Fields(path, record, `[${i}]`)));
  return batches.runs();
}

/** Reads the rows of a CSV file. */
export async function readBatchEvalCsv(path: string): Promise<ReadRun[]> {
  const names = await csvHeaderOf(path);
  const missing = [...NEEDED, "question"].filter((name) => !names.includes(name));
  if (missing.length > 0) {
    const columns = missing.length === 1 ? "the column" : "the columns";
    throw new InputError(
      `${path}: lacks ${columns} ${missing.join(", ")}; a table of the batch evaluator has ` +
        BATCH_EVAL_FIELDS.join(", "),
    );
  }
  const batches = new Batches(path);
  let row = 1;
  for await (const record of csvRowsOf(path)) {
    const texts = Object.entries(record).map(([name, value]) => [name, unguarded(value)]);
    batches.add(new Fields(path, Object.fromEntries(texts), `row ${++row}`, "csv"));
  }
  return batches.runs();
}

/** Whether the records are in the folder of a dyno batch, which has a journal. */
function besideOwnJournal(path: string): boolean {
  const journal = join(dirname(path), "events.jsonl");
  if (!isOwnFile(journal)) return false;
  const head = new Uint8Array(4096), fd = openSync(journal, "r");
  try {
    const text = new TextDecoder().decode(head.subarray(0, readSync(fd, head)));
    return text.split("\n", 1)[0].includes('"event":"batch_started"');
  } finally {
    closeSync(fd);
  }
}

interface OpenRun {
  /** Whether all its coverage scores are ours. */
  ours: boolean;
  model: string;
  provider: string | null;
  started: number | null;
  ended: number | null;
  items: RunItem[];
  rests: Record<string, unknown>[];
  industries: Set<string>;
}

class Batches {
  readonly #path: string;
  /** Whether all records are dyno's. */
  readonly #own: boolean;
  readonly #runs: OpenRun[] = [];
  #open = new Map<string, OpenRun>();
  #asked = new Set<string>();

  constructor(path: string) {
    this.#path = path;
    this.#own = besideOwnJournal(path);
  }

  add(record: Fields): void {
    const model = record.text("llm_model"), provider = record.textOrNull("llm_provider");
    const industry = record.textOrNull("industry") || null;
    const question = record.text("question");
    const key = JSON.stringify([provider, model]);
    const asked = JSON.stringify([provider, model, industry, question]);
    if (this.#asked.has(asked)) {
      this.#asked = new Set();
      this.#open = new Map();
    }
    this.#asked.add(asked);
    let run = this.#open.get(key);
    if (!run) {
      const industries = new Set<string>();
      const times = { started: null, ended: null };
      run = { ours: true, model, provider, ...times, items: [], rests: [], industries };
      this.#open.set(key, run);
      this.#runs.push(run);
    }
    const error = (record.textOrNull("error") ?? record.textOrNull("error_message")) || null;
    const latency_s = record.amountOrNull("latency_sec");
    const at = record.timeOrNull("timestamp");
    if (at !== null) {
      run.started = Math.min(run.started ?? at, at);
      run.ended = Math.max(run.ended ?? at, at + (latency_s ?? 0));
    }
    if (industry !== null) run.industries.add(industry);
    run.items.push({
      ...unknownItem(industry === null ? question : `${industry}/${question}`, question),
      ...readNesting(record),
      category: industry,
      success: record.flag("success"),
      timed_out: record.flagOrNull("timed_out") ?? saysTimeout(error),
      score: shareOrNull(record.numberOrNull("coverage_score")),
      latency_ms: latency_s === null ? null : millisecondsOf(latency_s),
      prompt_tokens: record.countOrNull("prompt_tokens"),
      completion_tokens: record.countOrNull("response_tokens"),
      error,
    });
    const { score, completion_tokens: tokens } = run.items.at(-1)!;
    run.ours &&= this.#own || score === null || record.peek("coverage_measure") === OURS;
    record.skip("coverage_measure");
    const rate = record.amountOrNull("throughput_tps");
    // keeps a stated value that is not a quotient of the others
    const derived = rate === null ||
      (latency_s && tokens !== null && agrees(rate, tokens / latency_s));
    run.rests.push({
      ...(at === null ? {} : { timestamp: isoOf(at) }),
      ...(derived ? {} : { throughput_tps: rate }),
      ...Object.fromEntries(Object.entries(record.rest()).filter(([, value]) => value !== "")),
    });
  }

  runs(): ReadRun[] {
    const ids = new DistinctIds();
    return this.#runs.map((run) => {
      const when = run.started === null ? "" : `${compactUtc(run.started)}_`;
      const run_id = ids.next(`batch_eval_${when}${safeFileName(run.model)}`);
      return finished(this.#path, run_id, run);
    });
  }
}

function finished(path: string, run_id: string, run: OpenRun): ReadRun {
  const { started, ended } = run;
  return {
    ...(run.ours ? {} : { score_measure: COVERAGE }),
    summary: {
      run_id,
      path,
      source_form: "batch_eval",
      kind: "batch",
      benchmark: [...run.industries].sort().join("+") || "batch_eval",
      mode: null,
      model: run.model,
      agent: run.provider,
      status: "complete",
      started_at_unix_seconds: started,
      duration_s: started === null || ended === null ? null : Number((ended - started).toFixed(6)),
      ...totalsOf(run.items),
      ...NO_LOAD,
      tags: [],
    },
    items: run.items,
    unmapped: keepRests("records", run.rests),
  };
}

/**
 * Writes a run's records as the batch evaluator does: JSON, and the same as CSV. A repeated
 * question gets a number, because otherwise it would start another batch.
 */
export function exportBatchEval(
  { summary, items, unmapped, score_measure }: ReadRun,
): ExportedFile[] {
  const { started_at_unix_seconds: started } = summary;
  const questions = new Map<string | null, DistinctIds>();
  const distinct = ({ category, name }: RunItem) => {
    const ids = questions.get(category) ?? new DistinctIds();
    questions.set(category, ids);
    return ids.next(name);
  };
  const records = items.map((item, i) => {
    const latency_sec = item.latency_ms === null ? null : secondsOf(item.latency_ms);
    const tokens = item.completion_tokens;
    return {
      ...(started === null ? {} : { timestamp: isoOf(started) }),
      ...(item.score === null || score_measure ? {} : { coverage_measure: OURS }),
      throughput_tps: latency_sec && tokens !== null ? tokens / latency_sec : null,
      ...restAt(unmapped, "records", i),
      industry: item.category,
      question: distinct(item),
      ...nestingOf(item),
      llm_provider: summary.agent,
      llm_model: summary.model,
      latency_sec,
      success: item.success,
      coverage_score: item.score,
      prompt_tokens: item.prompt_tokens,
      response_tokens: tokens,
      ...(item.timed_out || item.error !== null ? { timed_out: item.timed_out } : {}),
      ...(item.error === null ? {} : { error: item.error }),
    };
  });
  return [
    { path: "batch_eval_metrics.json", text: JSON.stringify(records, null, 2) + "\n" },
    { path: "batch_eval_metrics.csv", text: csvOf(records) },
  ];
}

function csvOf(records: Record<string, unknown>[]): string {
  const names = [
    ...new Set([...BATCH_EVAL_FIELDS, ...records.flatMap((record) => Object.keys(record))]),
  ];
  const lines = records.map((record) => names.map((name) => cell(record[name])).join(","));
  return [names.map(cell).join(","), ...lines].join("\r\n") + "\r\n";
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  const text = guarded(typeof value === "string" ? value : JSON.stringify(value));
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** `YYYYMMDD_HHMMSS` in UTC, so that the same file results in the same ids everywhere. */
function compactUtc(unix_s: number): string {
  const local = new Date(unix_s * 1000);
  return compactTime(new Date(local.getTime() + local.getTimezoneOffset() * 60_000));
}
