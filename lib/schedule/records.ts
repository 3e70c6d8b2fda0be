/** The records of a batch, one per question and model, and the two files that contain them. */
import { csvLine, guarded } from "../formats/csv.ts";
import { BATCH_EVAL_FIELDS } from "../formats/batch_eval.ts";
import { writeFileAtomic } from "../write.ts";
import type { BatchModel, IndustryQuestion } from "../settings/batch.ts";
import type { BatchFolder } from "./folder.ts";
import type { TestResult } from "../run/test_result.ts";
import type { BatchRecord } from "../run/batch_events.ts";

/** The record of a test's result. */
export function batchRecordOf(
  result: TestResult,
  { industry, question }: IndustryQuestion,
  { provider, model }: BatchModel,
): BatchRecord {
  const { success, evaluation_result: judged } = result;
  return {
    timestamp: result.timestamp,
    industry,
    question,
    llm_provider: provider,
    llm_model: model,
    latency_sec: success ? result.execution_time : null,
    throughput_tps: success ? result.tokens_per_second : null,
    success,
    coverage_score: judged && "hit_rate" in judged ? judged.hit_rate : null,
    prompt_tokens: success ? result.prompt_tokens : null,
    response_tokens: success ? result.completion_tokens : null,
  };
}

/** The record of a question that was not asked because the model's run could not continue. */
export function unaskedRecord(
  { industry, question }: IndustryQuestion,
  { provider, model }: BatchModel,
): BatchRecord {
  return {
    timestamp: new Date().toISOString(),
    industry,
    question,
    llm_provider: provider,
    llm_model: model,
    latency_sec: null,
    throughput_tps: null,
    success: false,
    coverage_score: null,
    prompt_tokens: null,
    response_tokens: null,
  };
}

/**
 * Rewrites both files. A reader always sees whole files, the old or the new ones. The journal, from
 * which they are made, already has the records.
 *
 * @throws {InputError} they cannot be written.
 */
export function writeRecords(folder: BatchFolder, records: readonly BatchRecord[]): void {
  writeFileAtomic(folder.records_json, jsonParts(records));
  writeFileAtomic(folder.records_csv, csvParts(records));
}

function* jsonParts(records: readonly BatchRecord[]): Generator<string> {
  yield "[";
  for (const [i, record] of records.entries()) {
    yield `${i ? "," : ""}\n${JSON.stringify(record, [...BATCH_EVAL_FIELDS])}`;
  }
  yield "\n]\n";
}

function* csvParts(records: readonly BatchRecord[]): Generator<string> {
  yield csvLine(BATCH_EVAL_FIELDS);
  for (const record of records) {
    yield csvLine(BATCH_EVAL_FIELDS.map((field) => {
      const value = record[field];
      return typeof value === "string" ? guarded(value) : value;
    }));
  }
}
