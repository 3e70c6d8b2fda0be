/**
 * Lines of a journal as events: what a reader relies on is checked here, so that every other file may
 * take an event for what its type says.
 */
import type { FailureClass } from "../endpoint/errors.ts";
import type { ClockAnchor } from "../native/clock.ts";
import type { Spent } from "./budget.ts";
import type {
  BatchEvent,
  BatchRecord,
  CallbackEvent,
  JournalEvents,
  JournalKind,
  LoadStarted,
  Recorded,
  Rehearsal,
  RunEvent,
  ServerEvent,
  TaskAsked,
  TaskMetrics,
  Timeliness,
} from "./events.ts";
import { attemptForm } from "./attempt.ts";
import {
  boolean,
  fields,
  nothing,
  number,
  object,
  orMissing,
  orNull,
  text,
  texts,
} from "./forms.ts";
import { clientReadingForm, requestRecordForm, serverReadingForm } from "./request_record.ts";
import { testResultForm } from "./test_result.ts";
import type { Form, Forms } from "./forms.ts";
import type { JsonObject } from "./json_fields.ts";

/** A line of a journal. */
export interface JournalLine<Kind extends JournalKind> {
  /** As it stands in the file. */
  text: string;
  /** The event's name. */
  name: string;
  /** The event; null for a name that this dyno does not know. */
  event: Recorded<JournalEvents[Kind]> | null;
}

const batchRecord = fields<BatchRecord>({
  timestamp: text,
  industry: text,
  question: text,
  llm_provider: text,
  llm_model: text,
  latency_sec: orNull(number),
  throughput_tps: orNull(number),
  success: boolean,
  coverage_score: orNull(number),
  prompt_tokens: orNull(number),
  response_tokens: orNull(number),
});

const spent = fields<Spent>({ usd: orNull(number), tokens: orNull(number) });
const rehearsal = fields<Rehearsal>({ speedup: number, wall_ms: number, rehearsed_ms: number });
const asked = (value: unknown): value is TaskAsked => object<JsonObject>(value) && text(value.kind);
const metrics = object<TaskMetrics>;
const anchor = object<ClockAnchor>;

const sessionEnd = {
  finished_at_unix_seconds: orNull(number),
  samples: orNull(number),
  errors: orNull(number),
  avg_hit_rate: orNull(number),
  missing: orNull(number),
};
const slotTimes = {
  slot: number,
  timeliness: orNull(text<Timeliness>),
  late_s: orNull(number),
  planned: orNull(text),
};
const callback = { id: text, url: text };
const task = { task_id: text };

/** The forms of an event's fields, by the event's name. */
type EventForms<Event extends { event: string }> = {
  [Name in Event["event"]]: Forms<Omit<Extract<Event, { event: Name }>, "event">>;
};

/** The form of each event with its clocks, by the event's name. */
function byName<Event extends { event: string }>(
  forms: EventForms<Event>,
): Map<string, Form<Recorded<Event>>> {
  const clocks = { t: number, mono_ns: orNull(number) };
  const named = Object.entries<Record<string, Form<unknown>>>(forms).map(([name, own]) => {
    const form = fields({ ...clocks, ...own });
    const whole: Form<Recorded<Event>> = (value, misfit): value is Recorded<Event> =>
      form(value, misfit);
    return [name, whole] as const;
  });
  return new Map(named);
}

const FORMS: { [Kind in JournalKind]: Map<string, Form<Recorded<JournalEvents[Kind]>>> } = {
  run: byName<RunEvent>({
    run_started: {
      schema_version: orNull(number),
      started_at_unix_seconds: orNull(number),
      agent: orNull(text),
      seed: orNull(number),
      clock_anchor: orNull(anchor),
      planned: orNull(number),
    },
    agent_effective_config: { config: orNull(object<JsonObject>) },
    run_resumed: {
      clock_anchor: orNull(anchor),
      finished: orNull(number),
      planned: orNull(number),
    },
    checkpoint_resume_skip: { package_id: text, item_id: orNull(text), reason: orNull(text) },
    sampling_started: {
      sampler: orNull(text),
      rate_hz: orNull(number),
      unavailable: orNull(texts),
    },
    package_started: { package_id: text, i: orNull(number), item_id: orNull(text) },
    llm_request_error: {
      package_id: orNull(text),
      attempt: orNull(number),
      error_class: orNull(text<FailureClass>),
      status: orNull(number),
      error: orNull(text),
      retry_in_s: orNull(number),
    },
    package_finished: {
      package_id: text,
      i: orNull(number),
      item_id: orNull(text),
      elapsed_seconds: orNull(number),
      error: orNull(text),
      timed_out: orNull(boolean),
      created_hits: orNull(number),
      targets: orNull(number),
      result: orNull(testResultForm),
    },
    workers_changed: { workers: number, reason: text },
    health_alert: {
      kind: text,
      device: orNull(text),
      value: number,
      threshold: number,
      message: text,
    },
    listener_failed: { error: orNull(text) },
    run_finished: sessionEnd,
    run_interrupted: sessionEnd,
    attempt_finished: { attempt: attemptForm },
    review_finished: { experiment_id: text, advice: text, spent: orNull(spent) },
    load_started: {
      schema_version: number,
      name: text,
      settings: object,
      transport: orNull(text),
      api: orNull(
        fields<NonNullable<LoadStarted["api"]>>({ endpoint: text, model: text, api_type: text }),
      ),
      anchor: orNull(anchor),
    },
    stage_started: { stage: number, start_ns: number, end_ns: orNull(nothing) },
    stage_finished: { stage: number, start_ns: number, end_ns: orNull(number) },
    request_finished: { result: requestRecordForm },
    server_reading: { server: text, reading: serverReadingForm },
    load_progress: {
      stage: number,
      sent: number,
      in_flight: number,
      ended: number,
      failed: number,
      events: number,
      client: clientReadingForm,
    },
    load_measured: {
      complete: boolean,
      stopped_because: orNull(text),
      out_of_prompts: boolean,
      client: clientReadingForm,
    },
    load_finished: {
      complete: boolean,
      verdict: fields<{ verdict: string }>({ verdict: text }),
      requests: object,
      goodput_requests_per_s: orNull(number),
    },
  }),
  batch: byName<BatchEvent>({
    batch_started: {
      batch: text,
      start_ms: number,
      identity: text,
      rehearsal: orNull(rehearsal),
    },
    slot_started: slotTimes,
    slot_skipped: slotTimes,
    slot_finished: { slot: number, records: number, partial: boolean },
    run_started: {
      slot: number,
      provider: text,
      model: text,
      run_id: text,
      tests: orNull(texts),
      retry: boolean,
    },
    run_finished: {
      slot: number,
      provider: text,
      model: text,
      run_id: text,
      records: (value, misfit): value is [string, BatchRecord][] =>
        Array.isArray(value) &&
        value.every((entry) =>
          Array.isArray(entry) && entry.length === 2 && text(entry[0]) &&
          batchRecord(entry[1], misfit)
        ),
      error: orNull(text),
    },
    clock_jumped: { by_s: number },
    run_uploaded: { run_id: text, to: text },
    records_uploaded: { to: text },
    upload_failed: { to: text, error: text },
  }),
  tasks: byName<ServerEvent>({
    task_queued: {
      ...task,
      request: asked,
      idempotency: orNull(
        fields<{ key: string; digest: string }>({ key: text, digest: text }),
      ),
    },
    task_started: { ...task, run_id: orNull(text) },
    task_process: { ...task, pid: number, start_ticks: orNull(text) },
    task_requeued: { ...task, reason: text },
    task_cancelling: task,
    task_ended: {
      ...task,
      status: text,
      exit_code: orMissing(orNull(number)),
      error: orMissing(orNull(text)),
      error_summary: orMissing(texts),
      metrics: orMissing(orNull(metrics)),
      agent: orMissing(orNull(text)),
      model: orMissing(orNull(text)),
    },
  }),
  callbacks: byName<CallbackEvent>({
    callback_queued: callback,
    callback_delivered: { ...callback, attempt: number, status: number },
    callback_attempt: { ...callback, attempt: number, error: text, next_attempt_unix_s: number },
    callback_failed: { ...callback, attempt: number, error: text },
  }),
};

/** A line that is no event: what is wrong with it. */
export interface Damage {
  why: string;
}

/** Reads a line of a journal. */
export function lineOf<Kind extends JournalKind>(
  kind: Kind,
  text: string,
): JournalLine<Kind> | Damage {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { why: "not a journal event" };
  }
  if (!object<JsonObject>(value) || typeof value.event !== "string") {
    return { why: "not a journal event" };
  }
  const name = value.event;
  const form = FORMS[kind].get(name);
  if (form === undefined) return { text, name, event: null };
  const misfit: string[] = [];
  if (form(value, misfit)) return { text, name, event: value };
  return { why: `${name}: ${misfit.join(".")} is missing or not what it should be` };
}
