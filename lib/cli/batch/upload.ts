/** Uploading a batch after a slot and after a retry: checked before, told in one line. */
import { uploadBatch } from "../../schedule/upload.ts";
import { bucketAccess, uploadTarget } from "../../upload/target.ts";
import { shownSize } from "../runs/removal.ts";
import type { BatchSession } from "../../schedule/session.ts";
import type { Batch } from "../../settings/batch.ts";

/** An upload gives way to the next slot, but not sooner; milliseconds. */
const SHORTEST_MS = 10_000;
const LONGEST_MS = 3_600_000;

/** @throws {InputError} a place or a key that cannot be right, before anything runs. */
export function checkUpload({ upload }: Batch): void {
  if (upload !== undefined) bucketAccess(uploadTarget(upload));
}

/**
 * Uploads what was not yet, where the batch file says so.
 *
 * @param free_ms until something else is to be done.
 * @returns whether nothing is left to be uploaded.
 * @throws {CancelledError} the signal is aborted.
 */
export async function uploadRest(
  session: BatchSession,
  out: string,
  free_ms: number,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const { batch: { upload: to }, state } = session;
  if (to === undefined || !state.uploadPending) return true;
  const within_ms = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, free_ms));
  const { runs, sent_bytes, error } = await uploadBatch(session, { to, out, within_ms }, signal);
  say(
    error === null
      ? `uploaded to ${to}: ${runs} runs and the records, ${shownSize(sent_bytes)}`
      : `not uploaded to ${to}: ${error}; tried again after the next slot and by dyno batch retry`,
  );
  return error === null;
}
