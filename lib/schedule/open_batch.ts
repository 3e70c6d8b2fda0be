/** Opens a batch: how to reach its models, its session, its clock. */
import { checkWritable } from "../run/directory.ts";
import { bucketAccess, uploadTarget } from "../upload/target.ts";
import { apisOf } from "./apis.ts";
import { type BatchClock, rehearsalClock, wallClock } from "./clock.ts";
import { type BatchFolder, batchFolder } from "./folder.ts";
import { BatchSession, readState } from "./session.ts";
import type { APIConfiguration } from "../endpoint/api.ts";
import type { Batch } from "../settings/batch.ts";
import type { BatchState } from "./state.ts";

/** Where a batch is, and how to run it. */
export interface BatchOpening {
  /** The folder of batches. Default "batches". */
  batches?: string;
  /** The folder of runs. Default "runs"; for a rehearsal, "runs" in its own folder. */
  out?: string;
  /**
   * Rehearses in a separate folder, at this multiple of real speed; "as begun" continues the
   * existing rehearsal. Default: no rehearsal, the wall clock.
   */
  rehearsal?: number | "as begun" | null;
  /** For a rehearsal: sends every request there, without a key. */
  endpoint?: string;
  /** Receives one line that a person should know. */
  onWarning?(line: string): void;
}

/** A batch that this process may continue. */
export interface OpenBatch extends Disposable {
  /** Its state and its journal. */
  session: BatchSession;
  /** How to reach each model, in the order of the batch's models. */
  apis: readonly APIConfiguration[];
  /** The folder of runs. */
  out: string;
  /** The clock that it follows. */
  clock: BatchClock;
}

/** The clock that a batch follows. */
export function clockOf({ start }: BatchState): BatchClock {
  return start?.rehearsal ? rehearsalClock(start.rehearsal) : wallClock;
}

/** Where a batch, or its rehearsal, keeps its state. */
export function batchFolderOf(
  { name }: Batch,
  batches: string | undefined,
  rehearsal: boolean,
): BatchFolder {
  return batchFolder(batches ?? "batches", rehearsal ? `${name}-rehearsal` : name);
}

/**
 * Opens a batch. One that has not begun begins now.
 *
 * @throws {InputError} another process is using it, its file has changed, a folder is not writable,
 * or a model or an upload destination is invalid.
 *
 * @example
 * ```ts
 * const batch = await loadBatch("experiments/batches/retail_finance.json");
 * using open = await openBatch(batch, { rehearsal: 1000, endpoint, onWarning: console.error });
 * await runBatch({ ...open, once: true }, new AbortController().signal);
 * ```
 */
export async function openBatch(batch: Batch, opening: BatchOpening = {}): Promise<OpenBatch> {
  const { rehearsal = null, endpoint, onWarning: warn = () => {} } = opening;
  const folder = batchFolderOf(batch, opening.batches, rehearsal !== null);
  const out = opening.out ?? (rehearsal !== null ? `${folder.path}/runs` : "runs");
  const apis = apisOf(batch, endpoint, warn);
  checkUpload(batch);
  checkWritable(folder.path);
  checkWritable(out);
  const speedup = rehearsal === "as begun"
    ? (await readState(folder, warn)).start?.rehearsal?.speedup ?? null
    : rehearsal;
  const session = await BatchSession.open(batch, folder, { now_ms: Date.now(), speedup, warn });
  return {
    session,
    apis,
    out,
    clock: clockOf(session.state),
    [Symbol.dispose]: () => session[Symbol.dispose](),
  };
}

/** Fails before anything runs. @throws {InputError} a destination or a key is invalid. */
function checkUpload({ upload }: Batch): void {
  if (upload !== undefined) bucketAccess(uploadTarget(upload));
}
