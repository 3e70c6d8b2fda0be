/** A task's results: those of its run, or what is known so far. */
import { createReadStream, existsSync } from "node:fs";
import { join } from "node:path";
import { runDirectoryAt } from "../../run/directory.ts";
import { plainFile } from "../../run/plain_file.ts";
import { sweepTreeAt } from "../../sweep/tree.ts";
import { prepareTask } from "./prepare.ts";
import { finishedRuns } from "./sweep_watch.ts";
import { isOver, requestOf, type Task, type TaskView } from "./task.ts";
import type { BatchFolder } from "../../schedule/folder.ts";
import type { TaskPolicy } from "./policy.ts";

/**
 * The answer to GET /tasks/{id}/results: the task, whether it is partial, and `results`: the run's
 * results.json, the runs of a sweep, the records of a batch, or null. It is produced in parts,
 * because a run may be large.
 */
export async function resultsOf(
  task: Task,
  view: TaskView,
  { runs, policy }: { runs: string; policy: TaskPolicy },
): Promise<ReadableStream<Uint8Array>> {
  const partial = !isOver(task);
  const head = JSON.stringify({ ...view, partial }).slice(0, -1);
  const parts = task.kind === "batch"
    ? batchRecords((await prepareTask(requestOf(task), task.task_id, policy)).batch_dir!)
    : task.kind === "sweep"
    ? sweepRuns((await prepareTask(requestOf(task), task.task_id, policy)).exp_dir!)
    : partial
    ? ["null"]
    : runResults(join(runs, view.run_id ?? "none"));
  const encoder = new TextEncoder();
  const text = (async function* () {
    yield encoder.encode(`${head},"results":`);
    for await (const part of parts) yield typeof part === "string" ? encoder.encode(part) : part;
    yield encoder.encode("}\n");
  })();
  return ReadableStream.from(text);
}

async function* runResults(path: string): AsyncGenerator<Uint8Array | string> {
  const { results } = runDirectoryAt(path);
  if (existsSync(results)) yield* createReadStream(plainFile(results)) as AsyncIterable<Uint8Array>;
  else yield "null";
}

/** Every record of the batch, including slots before this task's. */
async function* batchRecords(
  { records_json }: BatchFolder,
): AsyncGenerator<Uint8Array | string> {
  yield '{"records":';
  if (existsSync(records_json)) {
    yield* createReadStream(plainFile(records_json)) as AsyncIterable<Uint8Array>;
  } else yield "[]";
  yield "}";
}

function* sweepRuns(exp_dir: string): Generator<string> {
  yield `{"exp_dir":${JSON.stringify(exp_dir)},"runs":[`;
  let separator = "";
  for (const meta of finishedRuns(sweepTreeAt(exp_dir), new Set())) {
    yield separator + JSON.stringify(meta);
    separator = ",";
  }
  yield "]}";
}
