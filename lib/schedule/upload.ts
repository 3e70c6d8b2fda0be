/** Uploads a batch's results to object storage; what cannot be sent waits for the next time. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { messageOf } from "../errors.ts";
import { throwIfAborted } from "../execute/scope.ts";
import { uploadFolder } from "../upload/upload.ts";
import type { BatchSession } from "./session.ts";

/** The result of an upload. */
export interface BatchUpload {
  /** The destination. */
  to: string;
  /** Runs that were sent. */
  runs: number;
  /** Bytes that were sent, including the records. */
  sent_bytes: number;
  /** Why not everything was sent; null if it was. */
  error: string | null;
}

/**
 * Uploads the ended runs that were not uploaded, as `to/NAME/runs/<run_id>/…`, then the files of
 * records, as `to/NAME/batch_eval_metrics.*`. A failure is journaled and reported, not thrown: the
 * records stay on disk, and the next call sends the rest.
 *
 * @param out the folder of runs.
 * @param within_ms how long it may take.
 * @throws {CancelledError} the signal is aborted.
 * @throws {InputError} the batch's journal cannot be written.
 */
async function uploadBatch(
  session: BatchSession,
  { to, out, within_ms }: { to: string; out: string; within_ms: number },
  signal: AbortSignal,
): Promise<BatchUpload> {
  const { state, folder } = session;
  const name = basename(folder.path);
  const sent: BatchUpload = { to, runs: 0, sent_bytes: 0, error: null };
  const within = AbortSignal.any([signal, AbortSignal.timeout(within_ms)]);
  try {
    for (const run_id of state.runsToUpload()) {
      const path = resolve(out, run_id);
      if (existsSync(path)) { // it is missing if the run could not start
        const { sent_bytes } = await uploadFolder(path, {
          to: `${to}/${name}/runs`,
          signal: within,
        });
        sent.sent_bytes += sent_bytes;
        sent.runs++;
      }
      session.append({ event: "run_uploaded", run_id, to });
    }
    sent.sent_bytes += await uploadRecords(session, name, to, within);
    session.append({ event: "records_uploaded", to });
  } catch (error) {
    throwIfAborted(signal);
    sent.error = within.aborted
      ? "there was no more time before the next slot"
      : session.redactor.redact(messageOf(error));
    session.append({ event: "upload_failed", to, error: sent.error });
  }
  return sent;
}

/** An upload gives way to the next slot, but runs at least this long; milliseconds. */
const SHORTEST_MS = 10_000;
const LONGEST_MS = 3_600_000;

/**
 * Uploads what was not uploaded yet, if the batch file has a destination.
 *
 * @param free_ms the time until the next slot.
 * @returns its outcome; null if there was nothing to upload.
 * @throws {CancelledError} the signal is aborted.
 */
export async function uploadRest(
  session: BatchSession,
  out: string,
  free_ms: number,
  signal: AbortSignal,
): Promise<BatchUpload | null> {
  const { batch: { upload: to }, state } = session;
  if (to === undefined || !state.uploadPending) return null;
  const within_ms = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, free_ms));
  return await uploadBatch(session, { to, out, within_ms }, signal);
}

/** Uploads copies of the files of records, because this process has their folder in use. */
async function uploadRecords(
  { folder }: BatchSession,
  name: string,
  to: string,
  signal: AbortSignal,
): Promise<number> {
  const place = mkdtempSync(join(tmpdir(), "dyno-batch-"));
  try {
    const copy = join(place, name);
    mkdirSync(copy);
    for (const path of [folder.records_json, folder.records_csv]) {
      copyFileSync(path, join(copy, basename(path)));
    }
    return (await uploadFolder(copy, { to, signal })).sent_bytes;
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}
