/** A batch's progress, and the results of its models so far. */
import { mean, quantile } from "../stats/quantile.ts";
import { isLocked } from "../run/lock.ts";
import { checkSame, readState, startOf } from "./session.ts";
import { type Slot, slotsOf, spacingMs } from "./slots.ts";
import { timelinessOf } from "./run_batch.ts";
import type { Batch } from "../settings/batch.ts";
import type { BatchFolder } from "./folder.ts";
import type { BatchState, SlotState } from "./state.ts";
import type { BatchRecord } from "../run/batch_events.ts";

/** A batch's slots and the number of records they will produce. */
export interface BatchPlan {
  batch: string;
  timezone: string;
  /** Milliseconds between two slots of a window. */
  spacing_ms: number;
  /** False if nothing fixes the start: it would be now. */
  start_fixed: boolean;
  slots: Slot[];
  models: number;
  questions: number;
  records_per_slot: number;
  records_total: number;
}

/** @param state of a batch that has started: its start is fixed then. */
export function planOf(batch: Batch, state: BatchState, now_ms: number): BatchPlan {
  const start_ms = state.start?.start_ms ?? startOf(batch, now_ms);
  const slots = slotsOf(batch.schedule, start_ms);
  const records_per_slot = batch.models.length * batch.questions.length;
  return {
    batch: batch.name,
    timezone: batch.schedule.timezone,
    spacing_ms: spacingMs(batch.schedule),
    start_fixed: state.start !== null || batch.schedule.start !== undefined,
    slots,
    models: batch.models.length,
    questions: batch.questions.length,
    records_per_slot,
    records_total: slots.length * records_per_slot,
  };
}

/** A summary of one model's records; a value is null if no record has it. */
export interface ModelStatus {
  provider: string;
  model: string;
  records: number;
  failed: number;
  latency_p50_sec: number | null;
  throughput_p50_tps: number | null;
  coverage_mean: number | null;
}

export interface BatchStatus {
  batch: string;
  folder: string;
  /** A process is using it. */
  running: boolean;
  begun: boolean;
  finished: boolean;
  slots:
    (Slot & SlotState & { records: number; failed: number; would_be: SlotState["timeliness"] })[];
  next: Slot | null;
  records: number;
  records_total: number;
  failed: number;
  models: ModelStatus[];
}

/**
 * Reads a batch's status; takes no lock and changes nothing.
 *
 * @param now_of the current time on the batch's clock, given its start: a rehearsal has its own
 * clock.
 * @throws {InputError} the batch file has changed since the batch began.
 */
export async function batchStatus(
  batch: Batch,
  folder: BatchFolder,
  now_of: (state: BatchState) => number,
  warn: (line: string) => void,
): Promise<BatchStatus> {
  const state = await readState(folder, warn);
  checkSame(batch, state, folder);
  const now_ms = now_of(state);
  const plan = planOf(batch, state, now_ms);
  const records = state.records(batch, plan.slots.length);
  return {
    batch: batch.name,
    folder: folder.path,
    running: isLocked(folder.lock),
    begun: state.start !== null,
    finished: plan.slots.every(({ slot }) => state.isOver(slot)),
    slots: plan.slots.map((slot) => {
      const own = state.recordsOf(batch, slot.slot);
      return {
        ...slot,
        ...state.slot(slot.slot),
        records: own.length,
        failed: failures(own),
        would_be: timelinessOf(slot, now_ms, batch.schedule.late_after_s),
      };
    }),
    next: plan.slots.find(({ slot }) => !state.isOver(slot)) ?? null,
    records: records.length,
    records_total: plan.records_total,
    failed: failures(records),
    models: batch.models.map(({ provider, model }) =>
      modelStatus(
        provider,
        model,
        records.filter((record) => record.llm_provider === provider && record.llm_model === model),
      )
    ),
  };
}

function modelStatus(provider: string, model: string, records: BatchRecord[]): ModelStatus {
  const values = (field: "latency_sec" | "throughput_tps" | "coverage_score") =>
    records.flatMap((record) => record[field] ?? []).sort((a, b) => a - b);
  const median = (sorted: number[]) => sorted.length ? quantile(sorted, 0.5) : null;
  const covered = values("coverage_score");
  return {
    provider,
    model,
    records: records.length,
    failed: failures(records),
    latency_p50_sec: median(values("latency_sec")),
    throughput_p50_tps: median(values("throughput_tps")),
    coverage_mean: covered.length ? mean(covered) : null,
  };
}

function failures(records: readonly BatchRecord[]): number {
  return records.filter((record) => !record.success).length;
}
