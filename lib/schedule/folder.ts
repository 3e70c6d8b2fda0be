/** Where a batch keeps its state. */

import { join, resolve } from "node:path";

/** Paths in a batch's folder. */
export interface BatchFolder {
  /** The folder. */
  path: string;
  /** All events, from which every record can be derived. */
  journal: string;
  /** The lock that keeps two processes from writing one batch. */
  lock: string;
  /** Every record, as JSON. */
  records_json: string;
  /** The same as CSV. */
  records_csv: string;
}

/** The paths of a batch called `name` in the folder of batches. */
export function batchFolder(root: string, name: string): BatchFolder {
  const path = resolve(root, name);
  return {
    path,
    journal: join(path, "events.jsonl"),
    lock: join(path, "batch.lock"),
    records_json: join(path, "batch_eval_metrics.json"),
    records_csv: join(path, "batch_eval_metrics.csv"),
  };
}
