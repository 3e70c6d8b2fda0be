/** Batch files: which questions are sent to which models, and when. */
import { dirname } from "node:path";
import { z } from "zod";
import { InputError } from "../errors.ts";
import { beside } from "./beside_file.ts";
import { checkJson, type JsonFile, positionOf, readJsonFile } from "./json_file.ts";
import { endpointSettings, retrySettings } from "./endpoint.ts";
import {
  asGiven,
  count,
  fileForms,
  nonEmpty,
  sampleRate,
  schemaField,
  seconds,
} from "./setting.ts";
import type { OutputOf } from "./setting.ts";

const policy = z.enum(["skip", "run_now"], { error: 'expected "skip" or "run_now"' });
const HOURS_A_DAY = 24;
const SECONDS_AN_HOUR = 3600;
const MOST_SLOTS = 100_000;

/** `2027-03-01` or `2027-03-01T08:00`, optionally with seconds: a local time, without a zone. */
const LOCAL_TIME = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?$/;

const scheduleSchema = z.strictObject({
  /** Evaluations in a window. */
  evaluations: count.default(14).describe("evaluations in a window"),
  /** Length of a window, hours of elapsed time. */
  period_h: z.number().positive().max(HOURS_A_DAY).default(12)
    .describe("length of a window, hours of elapsed time"),
  /** Windows that begin in a day. */
  windows_per_day: z.int().min(1).max(HOURS_A_DAY).default(1),
  /** Days on which windows begin. */
  days: z.int().min(1).max(366).default(4),
  /** Local time of the first slot; without it, the moment at which the batch is first run. */
  start: z.string().regex(LOCAL_TIME, "expected a local time such as 2027-03-01T08:00")
    .refine(isDate, "there is no such day or time").optional(),
  /** The time zone of the start and of the windows. */
  timezone: z.string().refine(isTimezone, "no such time zone; expected e.g. Europe/Berlin")
    .default("UTC"),
  /** Each slot is delayed by up to this much, seconds. */
  jitter_s: seconds({ named: true }).default(0).describe(
    "each slot is delayed by up to this much",
  ),
  /** The seed of the jitter. */
  seed: z.int().min(0).max(2 ** 32 - 1).default(1),
  /** A slot that starts more than this after its time is late, seconds. */
  late_after_s: seconds({ named: true }).default(60).describe(
    "a slot that starts more than this after its time is late",
  ),
  /** What happens to a late slot. */
  on_late: policy.default("run_now").describe("what to do with a late slot"),
  /** What happens to a slot when the next one's time has come. */
  on_missed: policy.default("skip")
    .describe("what to do with a slot once the next one is due"),
}).refine(
  ({ windows_per_day, period_h }) => windows_per_day * period_h <= HOURS_A_DAY,
  { message: "windows_per_day × period_h is more than a day", path: ["windows_per_day"] },
).refine(
  ({ evaluations, windows_per_day, days }) => evaluations * windows_per_day * days <= MOST_SLOTS,
  { message: `more than ${MOST_SLOTS} slots in all`, path: ["evaluations"] },
).refine(
  ({ jitter_s, period_h, evaluations }) => jitter_s < period_h * SECONDS_AN_HOUR / evaluations,
  { message: "expected less than the time between two slots", path: ["jitter_s"] },
);

const { endpoint, headers, api_key_env, ca, cert, key, insecure, timeout, stream } =
  asGiven(endpointSettings).shape;

/**
 * A model of a batch.
 *
 * @internal
 */
export const batchModelSchema = z.strictObject({
  /** A preset's name; with any other name, which is only a label, an `endpoint` is required. */
  provider: nonEmpty.clone().describe(
    "a preset's name; any other needs an endpoint and is a label",
  ),
  /** The model's name, as the endpoint knows it. */
  model: nonEmpty,
  endpoint,
  api_key_env,
  headers,
  ca,
  cert,
  key,
  insecure,
});

/**
 * A batch file, before its questions are read.
 *
 * @internal
 */
export const batchSchema = z.strictObject({
  $schema: schemaField,
  /** The name of the batch, also used in the names of its folders. */
  name: z.string().regex(
    /^\w[\w.-]{0,63}$/,
    "expected up to 64 letters, digits, _, - and . (a folder's name)",
  ),
  /** The times of the slots. */
  schedule: scheduleSchema.prefault({}),
  /** The models, which are asked one after another. */
  models: z.array(batchModelSchema).min(1),
  /** The questions, by industry. */
  industries: z.array(z.strictObject({
    /** The industry's name, in the records. */
    industry: z.string().min(1),
    /** Path of the questions, relative to the batch file. */
    questions: z.string().min(1),
  })).min(1),
  /** The text before the passages and the question. */
  system: z.string().optional(),
  /** Parameters that are added to each request unchanged. */
  parameters: z.record(z.string(), z.unknown()).optional(),
  workers: count.optional().describe("questions in flight"),
  timeout,
  ...asGiven(retrySettings).shape,
  stream,
  sample_rate_hz: sampleRate.optional().describe("hardware samples per second; 0 for none"),
  /** Where runs and records go after each slot: s3://bucket/prefix or gs://bucket/prefix. */
  upload: z.string().regex(
    /^(s3|gs):\/\/./,
    "expected s3://bucket/prefix or gs://bucket/prefix",
  ).optional(),
}).register(fileForms, { name: "batch", title: "a batch of dyno" });

/**
 * A file of questions.
 *
 * @internal
 */
export const questionsSchema = z.strictObject({
  $schema: schemaField,
  /** The questions, in order. */
  questions: z.array(z.strictObject({
    /** Unique in the file. */
    id: z.string().min(1),
    /** The question itself. */
    question: z.string().min(1),
    /** The passages from which to answer. */
    context: z.array(z.string().min(1)).min(1),
    /** The statements that a full answer makes, each short. */
    key_points: z.array(z.string().min(1)).min(1),
  })).min(1),
}).register(fileForms, { name: "questions", title: "questions of a batch" });

export type Schedule = z.infer<typeof scheduleSchema>;
/** A model of a batch, and how to reach it. */
export interface BatchModel extends OutputOf<typeof batchModelSchema> {}
/** A question of a batch. */
export type BatchQuestion = OutputOf<typeof questionsSchema>["questions"][number];

/** A question with its industry. */
export interface IndustryQuestion extends BatchQuestion {
  /** The industry's name in the batch file. */
  industry: string;
}

/** A batch file with its questions read. */
export interface Batch extends Omit<OutputOf<typeof batchSchema>, "$schema" | "industries"> {
  /** The path of the batch file. */
  path: string;
  /** The questions of all industries, in order. */
  questions: IndustryQuestion[];
}

/**
 * Reads a batch file and the question files that it names.
 *
 * @throws {InputError} what is wrong, with file, line and column; for an unknown field also the nearest
 * known ones.
 */
export async function loadBatch(path: string): Promise<Batch> {
  const file = await readJsonFile(path);
  const { $schema: _schema, industries, ...rest } = checkJson(file, batchSchema);
  refuseTwice(file, "models", rest.models.map(({ provider, model }) => `${provider} ${model}`));
  refuseTwice(file, "industries", industries.map(({ industry }) => industry));
  const questions: IndustryQuestion[] = [];
  for (const { industry, questions: place } of industries) {
    const placed = beside(dirname(path))(place);
    const found = await readJsonFile(placed);
    const { questions: own } = checkJson(found, questionsSchema);
    refuseTwice(found, "questions", own.map(({ id }) => id));
    questions.push(...own.map((question) => ({ industry, ...question })));
  }
  return { ...rest, path, questions };
}

function refuseTwice(file: JsonFile, list: string, names: readonly string[]): void {
  const second = names.findIndex((name, i) => names.indexOf(name) < i);
  if (second < 0) return;
  throw new InputError(
    `${file.path}:${positionOf(file, [list, second])}: ${list}[${second}]: ` +
      `"${names[second]}" is there already`,
  );
}

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function isDate(text: string): boolean {
  const [day, time = "00:00"] = text.split(/[T ]/);
  const date = new Date(`${day}T${time}Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
}
