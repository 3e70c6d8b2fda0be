/**
 * Parses lines of a journal as events. Their form is checked here, so that all other files can rely
 * on the types of events.
 */
import { isIntact } from "../seal.ts";
import type { FailureClass } from "../endpoint/errors.ts";
import type { LimitWait } from "../endpoint/rate_limit.ts";
import type { ClockAnchor } from "../native/clock.ts";
import type { Spent } from "./budget.ts";
import type {
  CallbackEvent,
  JournalEvents,
  JournalKind,
  LoadStarted,
  Recorded,
  RunEvent,
  ServerEvent,
  Several,
  TaskAsked,
  TaskMetrics,
} from "./events.ts";
import type { BatchEvent, BatchRecord, Rehearsal, Timeliness } from "./batch_events.ts";
import { attemptForm } from "./attempt.ts";
import { ledgerEntryForm, priceRowForm } from "./ledger_entry.ts";
import {
  areAll,
  areTexts,
  fields,
  isBoolean,
  isNull,
  isNumber,
  isObject,
  isText,
  orMissing,
  orNull,
} from "./forms.ts";
import {
  clientReadingForm,
  pageCountForm,
  requestRecordForm,
  serverReadingForm,
  shardFactsForm,
} from "./request_record.ts";
import { testResultForm } from "./test_result.ts";
import type { Form, Forms } from "./forms.ts";
import type { JsonObject } from "../json_fields.ts";
import type { PriceRow } from "./ledger_entry.ts";

/** A line of a journal. */
export interface JournalLine<Kind extends JournalKind> {
  /** The text of the line. */
  text: string;
  /** The event's name. */
  name: string;
  /** The event; null where this dyno does not know the name. */
  event: Recorded<JournalEvents[Kind]> | null;
}

const batchRecord = fields<BatchRecord>({
  timestamp: isText,
  industry: isText,
  question: isText,
  llm_provider: isText,
  llm_model: isText,
  latency_sec: orNull(isNumber),
  throughput_tps: orNull(isNumber),
  success: isBoolean,
  coverage_score: orNull(isNumber),
  prompt_tokens: orNull(isNumber),
  response_tokens: orNull(isNumber),
});

const spent = fields<Spent>({ usd: orNull(isNumber), tokens: orNull(isNumber) });
const rehearsal = fields<Rehearsal>({
  speedup: isNumber,
  wall_ms: isNumber,
  rehearsed_ms: isNumber,
});
const asked = (value: unknown): value is TaskAsked =>
  isObject<JsonObject>(value) && isText(value.kind);
const metrics = isObject<TaskMetrics>;
const anchor = isObject<ClockAnchor>;

const sessionEnd = {
  finished_at_unix_seconds: orNull(isNumber),
  samples: orNull(isNumber),
  errors: orNull(isNumber),
  avg_hit_rate: orNull(isNumber),
  missing: orNull(isNumber),
  results_crc: orMissing(isText),
};
const slotTimes = {
  slot: isNumber,
  timeliness: orNull(isText<Timeliness>),
  late_s: orNull(isNumber),
  planned: orNull(isText),
};
const callback = { id: isText, url: isText };
const task = { task_id: isText };

/** Forms of the fields of events, by the event's name. */
type EventForms<Event extends { event: string }> = {
  [Name in Event["event"]]: Forms<Omit<Extract<Event, { event: Name }>, "event">>;
};

/** Forms of events including their clocks, by the event's name. */
function byName<Event extends { event: string }>(
  forms: EventForms<Event>,
): Map<string, Form<Recorded<Event>>> {
  const clocks = { t: isNumber, mono_ns: orNull(isNumber) };
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
      schema_version: orNull(isNumber),
      started_at_unix_seconds: orNull(isNumber),
      agent: orNull(isText),
      seed: orNull(isNumber),
      clock_anchor: orNull(anchor),
      planned: orNull(isNumber),
    },
    agent_effective_config: { config: orNull(isObject<JsonObject>) },
    run_resumed: {
      clock_anchor: orNull(anchor),
      finished: orNull(isNumber),
      planned: orNull(isNumber),
    },
    checkpoint_resume_skip: { package_id: isText, item_id: orNull(isText), reason: orNull(isText) },
    sampling_started: {
      sampler: orNull(isText),
      rate_hz: orNull(isNumber),
      unavailable: orNull(areTexts),
    },
    package_started: {
      package_id: isText,
      i: orNull(isNumber),
      item_id: orNull(isText),
      requests_at_once: orMissing(isNumber),
    },
    package_asks: { item_id: isText, requests_at_once: isNumber },
    llm_request_error: {
      package_id: orNull(isText),
      attempt: orNull(isNumber),
      error_class: orNull(isText<FailureClass>),
      status: orNull(isNumber),
      error: orNull(isText),
      retry_in_s: orNull(isNumber),
    },
    rate_limited: {
      wait_s: isNumber,
      by: isText<LimitWait["by"]>,
      of: isText<LimitWait["of"]>,
    },
    package_finished: {
      package_id: isText,
      i: orNull(isNumber),
      item_id: orNull(isText),
      elapsed_seconds: orNull(isNumber),
      error: orNull(isText),
      timed_out: orNull(isBoolean),
      created_hits: orNull(isNumber),
      targets: orNull(isNumber),
      result: orNull(testResultForm),
    },
    prompt_pinned: { prompt_id: isText, evaluator: isText, prompt: isText },
    evaluator_asked: {
      package_id: isText,
      item_id: isText,
      evaluator: isText,
      prompt_id: orNull(isText),
      endpoint: isText,
      model: isText,
      answer: orNull(isText),
      error: orNull(isText),
      spent: orNull(spent),
    },
    workers_changed: { workers: isNumber, reason: isText },
    endpoint_lost: { endpoint: isText, error: isText },
    endpoint_back: { endpoint: isText },
    health_alert: {
      kind: isText,
      device: orNull(isText),
      value: isNumber,
      threshold: isNumber,
      message: isText,
    },
    listener_failed: { error: orNull(isText) },
    run_finished: sessionEnd,
    run_interrupted: sessionEnd,
    attempt_finished: { attempt: attemptForm },
    request_booked: { entry: ledgerEntryForm },
    review_finished: { experiment_id: isText, advice: isText, spent: orNull(spent) },
    load_started: {
      schema_version: isNumber,
      name: isText,
      settings: isObject,
      transport: orNull(isText),
      api: orNull(
        fields<NonNullable<LoadStarted["api"]>>({
          endpoint: isText,
          model: isText,
          api_type: isText,
          several: orMissing(fields<Several>({ endpoints: areTexts, balance: isText })),
          models: orMissing(areTexts),
        }),
      ),
      price: orMissing(orNull(priceRowForm)),
      prices: orMissing((value, misfit): value is Record<string, PriceRow | null> =>
        isObject<Record<string, unknown>>(value) &&
        Object.values(value).every((row) => row === null || priceRowForm(row, misfit))
      ),
      template_tokens: orMissing(isNumber),
      shards: orMissing(
        fields<NonNullable<LoadStarted["shards"]>>({ count: isNumber, index: orNull(isNumber) }),
      ),
      anchor: orNull(anchor),
    },
    stage_started: { stage: isNumber, start_ns: isNumber, end_ns: orNull(isNull) },
    stage_finished: { stage: isNumber, start_ns: isNumber, end_ns: orNull(isNumber) },
    request_finished: { result: requestRecordForm },
    probe_finished: { result: requestRecordForm },
    requests_begun: { most: isNumber, probes: orMissing(isBoolean) },
    server_reading: { server: isText, reading: serverReadingForm },
    telemetry_read: {
      pages: areAll(pageCountForm),
      series: isNumber,
      left_out: isNumber,
    },
    load_progress: {
      stage: isNumber,
      sent: isNumber,
      in_flight: isNumber,
      ended: isNumber,
      failed: isNumber,
      events: isNumber,
      client: clientReadingForm,
    },
    shard_gathered: { shard: shardFactsForm },
    load_measured: {
      complete: isBoolean,
      stopped_because: orNull(isText),
      out_of_prompts: isBoolean,
      client: clientReadingForm,
    },
    load_finished: {
      complete: isBoolean,
      verdict: fields<{ verdict: string }>({ verdict: isText }),
      requests: isObject,
      goodput_requests_per_s: orNull(isNumber),
      results_crc: orMissing(isText),
    },
  }),
  batch: byName<BatchEvent>({
    batch_started: {
      batch: isText,
      start_ms: isNumber,
      identity: isText,
      rehearsal: orNull(rehearsal),
    },
    slot_started: slotTimes,
    slot_skipped: slotTimes,
    slot_finished: { slot: isNumber, records: isNumber, partial: isBoolean },
    run_started: {
      slot: isNumber,
      provider: isText,
      model: isText,
      run_id: isText,
      tests: orNull(areTexts),
      retry: isBoolean,
    },
    run_finished: {
      slot: isNumber,
      provider: isText,
      model: isText,
      run_id: isText,
      records: (value, misfit): value is [string, BatchRecord][] =>
        Array.isArray(value) &&
        value.every((entry) =>
          Array.isArray(entry) && entry.length === 2 && isText(entry[0]) &&
          batchRecord(entry[1], misfit)
        ),
      error: orNull(isText),
    },
    clock_jumped: { by_s: isNumber },
    run_uploaded: { run_id: isText, to: isText },
    records_uploaded: { to: isText },
    upload_failed: { to: isText, error: isText },
  }),
  tasks: byName<ServerEvent>({
    task_queued: {
      ...task,
      request: asked,
      idempotency: orNull(
        fields<{ key: string; digest: string }>({ key: isText, digest: isText }),
      ),
    },
    task_started: { ...task, run_id: orNull(isText) },
    task_process: { ...task, pid: isNumber, start_ticks: orNull(isText) },
    task_requeued: { ...task, reason: isText },
    task_cancelling: task,
    task_ended: {
      ...task,
      status: isText,
      exit_code: orMissing(orNull(isNumber)),
      error: orMissing(orNull(isText)),
      error_summary: orMissing(areTexts),
      metrics: orMissing(orNull(metrics)),
      agent: orMissing(orNull(isText)),
      model: orMissing(orNull(isText)),
    },
  }),
  callbacks: byName<CallbackEvent>({
    callback_queued: callback,
    callback_delivered: { ...callback, attempt: isNumber, status: isNumber },
    callback_attempt: {
      ...callback,
      attempt: isNumber,
      error: isText,
      next_attempt_unix_s: isNumber,
    },
    callback_failed: { ...callback, attempt: isNumber, error: isText },
  }),
};

/** A line that is not an event, and what is wrong with it. */
export interface Damage {
  why: string;
}

/** Parses a line of a journal. */
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
  if (!isObject<JsonObject>(value) || typeof value.event !== "string") {
    return { why: "not a journal event" };
  }
  if (!isIntact(text)) return { why: "not as it was written: its checksum does not match" };
  delete value.crc;
  const name = value.event;
  const form = FORMS[kind].get(name);
  if (form === undefined) return { text, name, event: null };
  const misfit: string[] = [];
  if (form(value, misfit)) return { text, name, event: value };
  return { why: `${name}: ${misfit.join(".")} is missing or not what it should be` };
}
