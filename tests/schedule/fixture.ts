/** Batches for tests: small files, a clock that the test sets, a session to look into. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { apisOf } from "../../lib/schedule/apis.ts";
import { batchFolder } from "../../lib/schedule/folder.ts";
import { BatchSession } from "../../lib/schedule/session.ts";
import { throwIfAborted } from "../../lib/execute/scope.ts";
import { loadBatch } from "../../lib/settings/batch.ts";
import { readJournal } from "../../lib/run/fold.ts";
import type { BatchClock } from "../../lib/schedule/clock.ts";
import type { Batch } from "../../lib/settings/batch.ts";
import type { Recorded } from "../../lib/run/events.ts";
import type { BatchEvent, BatchRecord } from "../../lib/run/batch_events.ts";

/** Three questions of one industry whose key points the mock's answer may hold. */
export const QUESTIONS = {
  questions: ["one", "two", "three"].map((id) => ({
    id,
    question: `What is number ${id}?`,
    context: [`Number ${id} is told here.`],
    key_points: ["mock response text", `figure ${id} unheard`],
  })),
};

/** Writes a batch file of two models into a folder; gives its path. */
export function writeBatch(
  folder: string,
  schedule: Record<string, unknown> = {},
  changes: Record<string, unknown> = {},
): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "questions.json"), JSON.stringify(QUESTIONS));
  const path = join(folder, "batch.json");
  const batch = {
    name: "small",
    schedule: { evaluations: 4, period_h: 4, days: 1, start: "2027-01-10T08:00", ...schedule },
    models: [{ provider: "vllm", model: "mock" }, { provider: "sglang", model: "mock" }],
    industries: [{ industry: "retail", questions: "questions.json" }],
    retry_attempts: 0,
    sample_rate_hz: 0,
    ...changes,
  };
  writeFileSync(path, JSON.stringify(batch, null, 2));
  return path;
}

/** A clock that only the test moves: waiting makes it later at once. */
export class TestClock implements BatchClock {
  wall_ms: number;
  steady_ms = 0;
  readonly speed = 1;
  /** Called before each wait; may set `wall_ms`. */
  onWait: (clock: TestClock) => void = () => {};
  /** Longest single wait, as the real one has. */
  longest_ms = Infinity;

  constructor(start: string) {
    this.wall_ms = Date.parse(start);
  }

  now_ms(): number {
    return this.wall_ms;
  }

  elapsed_ms(): number {
    return this.steady_ms;
  }

  // deno-lint-ignore require-await
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    const waited_ms = Math.min(ms, this.longest_ms);
    this.wall_ms += waited_ms;
    this.steady_ms += waited_ms;
    this.onWait(this);
  }
}

/** Opens the session of a batch whose folder lies beside it. */
export async function openBatch(folder: string, batch: Batch, clock: BatchClock) {
  return await BatchSession.open(batch, batchFolder(join(folder, "batches"), batch.name), {
    now_ms: clock.now_ms(),
    speedup: null,
    warn: () => {},
  });
}

/** The batch at a path and how its models are reached at a mock endpoint. */
export async function batchOn(path: string, url: string) {
  const batch = await loadBatch(path);
  return { batch, apis: apisOf(batch, `${url}/v1`, () => {}) };
}

/** The events of a batch's journal. */
export async function eventsIn(path: string): Promise<Recorded<BatchEvent>[]> {
  const events: Recorded<BatchEvent>[] = [];
  await readJournal(path, "batch", ({ event }) => {
    if (event !== null) events.push(event);
  });
  return events;
}

/** The records in the JSON file of a batch's folder. */
export function recordsIn(folder: string): BatchRecord[] {
  return JSON.parse(readFileSync(join(folder, "batch_eval_metrics.json"), "utf8"));
}
