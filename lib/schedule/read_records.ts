/** Reads records of batches: dyno's own, and those of any program that writes the same fields. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { InputError, messageOf } from "../errors.ts";
import { booleanAt, numberAt, objectsIn, textAt } from "../json_fields.ts";
import { batchFolder } from "./folder.ts";
import type { BatchRecord } from "../run/batch_events.ts";

/** A record whose time is a number. */
export interface TimedRecord extends BatchRecord {
  /** Unix seconds. */
  t_s: number;
}

/** The records of one batch. */
export interface BatchReading {
  /** In the order of time. */
  records: TimedRecord[];
  /** Entries that lack a time, a model, or whether they succeeded. */
  left_out: number;
}

/** Files kept in memory until they change. */
const KEPT = 4;

const kept = new Map<string, { stamp: string; reading: BatchReading }>();

/**
 * The names of the batches in a folder, in alphabetical order; none if the folder does not exist.
 */
export function batchNames(root: string): string[] {
  try {
    return readdirSync(root).filter((name) => stampOf(root, name) !== null).sort();
  } catch {
    return [];
  }
}

/**
 * The records of a batch; null if it does not exist. A file is read again after it has changed.
 *
 * @throws {InputError} the file is not a list of records.
 */
export function readBatchRecords(root: string, name: string): BatchReading | null {
  const { records_json: path } = batchFolder(root, name);
  const stamp = stampOf(root, name);
  if (stamp === null) return null;
  const known = kept.get(path);
  kept.delete(path);
  const reading = known?.stamp === stamp ? known.reading : readingOf(path);
  kept.set(path, { stamp, reading });
  if (kept.size > KEPT) kept.delete(kept.keys().next().value!);
  return reading;
}

function stampOf(root: string, name: string): string | null {
  const found = statSync(batchFolder(root, name).records_json, { throwIfNoEntry: false });
  return found?.isFile() ? `${found.mtimeMs}:${found.size}` : null;
}

function readingOf(path: string): BatchReading {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new InputError(`${path}: cannot be read: ${messageOf(error)}`);
  }
  if (!Array.isArray(value)) throw new InputError(`${path}: expected a list of records`);
  const records = objectsIn(value).flatMap((entry): TimedRecord[] => {
    const timestamp = textAt(entry, "timestamp") ?? "";
    const t_s = Date.parse(timestamp) / 1000;
    const llm_model = textAt(entry, "llm_model");
    const success = booleanAt(entry, "success");
    if (Number.isNaN(t_s) || llm_model === null || success === null) return [];
    return [{
      t_s,
      timestamp,
      industry: textAt(entry, "industry") ?? "unknown",
      question: textAt(entry, "question") ?? "unknown",
      llm_provider: textAt(entry, "llm_provider") ?? "unknown",
      llm_model,
      latency_sec: numberAt(entry, "latency_sec"),
      throughput_tps: numberAt(entry, "throughput_tps"),
      success,
      coverage_score: numberAt(entry, "coverage_score"),
      prompt_tokens: numberAt(entry, "prompt_tokens"),
      response_tokens: numberAt(entry, "response_tokens"),
    }];
  });
  records.sort((a, b) => a.t_s - b.t_s);
  return { records, left_out: value.length - records.length };
}
