/** One evaluation: runs each model in turn and journals its records when the run has ended. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { messageOf, WriteError } from "../errors.ts";
import { CancelledError, throwIfAborted } from "../execute/scope.ts";
import { type APIConfiguration, apiKey } from "../endpoint/api.ts";
import { openTransport } from "../endpoint/open_transport.ts";
import { type RunDirectory, runDirectoryAt } from "../run/directory.ts";
import { newRunId } from "../run/run_id.ts";
import { runSuite, type SuiteRun } from "../suite/run_suite.ts";
import { readResults } from "../suite/resume.ts";
import { coverage } from "./coverage.ts";
import { batchRecordOf, unaskedRecord } from "./records.ts";
import { suiteOfBatch, testIdOf } from "./suite_of_batch.ts";
import type { Transport } from "../endpoint/transport.ts";
import type { BatchModel } from "../settings/batch.ts";
import type { Listeners } from "../suite/execution.ts";
import type { BatchSession } from "./session.ts";
import type { TestResult } from "../run/test_result.ts";
import type { BatchRecord } from "../run/batch_events.ts";

/** What an evaluation needs. */
export interface SlotParts {
  /** The batch. */
  session: BatchSession;
  /** How to reach each model, in the order of the batch file's models. */
  apis: readonly APIConfiguration[];
  /** The folder of runs. */
  out: string;
  /** The command line, recorded in each run's metadata. */
  argv?: string[];
  /** One line for a person. */
  onNotice?: (line: string) => void;
  /** Called with the progress of a model's run, like a suite's listener. */
  onProgress?: Listeners["onProgress"];
  /** Called with the directory of each run that starts or continues. */
  onDirectory?: (directory: RunDirectory) => void;
  /** A model's run has ended; the returned promise is awaited. An error becomes a notice. */
  onRun?: (run: SuiteRun) => Promise<unknown>;
}

/** Tests to run against a model. */
export interface ModelTask {
  slot: number;
  /** Position among the batch's models. */
  model_index: number;
  /** Ids of tests; null for all. */
  tests: string[] | null;
  retry: boolean;
}

/**
 * Runs tasks one at a time, so that no model's run disturbs another's. A task whose run was started
 * by an earlier process continues that run.
 *
 * @throws {CancelledError} the signal is aborted; finished work is in the journal.
 * @throws {InputError} the batch's journal cannot be written.
 */
export async function runTasks(
  tasks: readonly ModelTask[],
  parts: SlotParts,
  signal: AbortSignal,
): Promise<void> {
  for (const api of parts.apis) {
    parts.session.redactor.learn(apiKey(api));
    parts.session.redactor.learnHeaders(api.headers);
  }
  await using transport = await openTransport({ notice: parts.onNotice });
  for (const task of tasks) {
    throwIfAborted(signal);
    await runTask(task, parts, transport, signal);
  }
}

async function runTask(
  task: ModelTask,
  parts: SlotParts,
  transport: Transport,
  signal: AbortSignal,
): Promise<void> {
  const { session, onNotice = () => {} } = parts;
  const { slot, tests, retry } = task;
  const { provider, model } = session.batch.models[task.model_index];
  const begun = session.state.pendingRun(slot, { provider, model }, retry);
  const run_id = begun?.run_id ?? newRunId();
  if (!begun) {
    session.append({ event: "run_started", slot, provider, model, run_id, tests, retry });
    session.flush();
  }
  const directory = runDirectoryAt(resolve(parts.out, run_id));
  const chosen = begun ? begun.tests : tests;
  let run: SuiteRun | null = null;
  let error: string | null = null;
  try {
    run = await startRun({ ...task, tests: chosen }, directory, parts, transport, signal);
  } catch (thrown) {
    const stops = thrown instanceof CancelledError || thrown instanceof WriteError;
    if (stops || signal.aborted) throw thrown; // a full disk is not a model's failure
    error = session.redactor.redact(messageOf(thrown));
    onNotice(`slot ${slot}, ${provider} ${model}: ${error}`);
  }
  if (run && !run.results.complete) throw new CancelledError();
  try { // before the run is finished: a kill between the two is repaired by the next start
    if (run) await parts.onRun?.(run);
  } catch (thrown) {
    onNotice(`${directory.path}: ${messageOf(thrown)}`);
  }
  await concludeSlotRun({ ...task, tests: chosen }, directory, parts.session, error);
}

function startRun(
  { slot, model_index, tests }: ModelTask,
  directory: RunDirectory,
  { session: { batch, slots }, apis, out, argv, onNotice, onProgress, onDirectory }: SlotParts,
  transport: Transport,
  signal: AbortSignal,
): Promise<SuiteRun> {
  return runSuite({
    suite: suiteOfBatch(batch),
    api: apis[model_index],
    transport,
    kind: "batch",
    ...(existsSync(directory.journal) ? { resume: directory.path } : { run_id: directory.run_id }),
    tests: tests ?? undefined,
    evaluators: { coverage },
    workers: batch.workers,
    out,
    sample_rate_hz: batch.sample_rate_hz,
    argv,
    config: {
      batch: batch.name,
      slot,
      due: new Date(slots[slot - 1].due_ms).toISOString(),
      provider: batch.models[model_index].provider,
    },
    tags: ["batch", batch.name],
    onNotice,
    onProgress,
    onDirectory,
    signal,
  });
}

/**
 * Journals the records of a model's run, and writes the files.
 *
 * @param error why the run could not continue: its unasked questions count as failures. Undefined
 * for a run that is left unfinished: its unasked questions get no record.
 */
export async function concludeSlotRun(
  { slot, model_index, tests }: ModelTask,
  { run_id, journal }: RunDirectory,
  session: BatchSession,
  error: string | null | undefined,
): Promise<void> {
  const { batch } = session;
  const model: BatchModel = batch.models[model_index];
  const results = new Map<string, TestResult>();
  if (existsSync(journal)) {
    for (const result of await readResults(runDirectoryAt(resolve(journal, "..")))) {
      results.set(result.test_id, result);
    }
  }
  const records: [string, BatchRecord][] = [];
  for (const question of batch.questions) {
    const test_id = testIdOf(question);
    if (tests !== null && !tests.includes(test_id)) continue;
    const result = results.get(test_id);
    if (result) records.push([test_id, batchRecordOf(result, question, model)]);
    else if (error !== undefined) records.push([test_id, unaskedRecord(question, model)]);
  }
  const { provider, model: name } = model;
  session.append({
    event: "run_finished",
    slot,
    provider,
    model: name,
    run_id,
    records,
    error: error ?? null,
  });
  session.writeRecords();
}

/** Journals that a slot has ended, and whether every question was asked of every model. */
export function finishSlot(slot: number, session: BatchSession): void {
  const { batch, state } = session;
  const records = state.recordsOf(batch, slot).length;
  const partial = records < batch.models.length * batch.questions.length;
  session.append({ event: "slot_finished", slot, records, partial });
}
