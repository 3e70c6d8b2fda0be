/** Records of a batch in the dashboard's five views: over time, and by model. */
import { clusteredMean } from "../stats/cluster.ts";
import { type Estimate, quantileEstimate, shareEstimate } from "../stats/interval.ts";
import { FEWEST_PAIRS } from "../stats/sign_flips.ts";
import { mean, quantile, sortedCopy } from "../stats/quantile.ts";
import type { TimedRecord } from "../schedule/read_records.ts";

/** Which records; a filter that is not set accepts all. */
export interface RecordFilter {
  /** `provider/model`. */
  model?: string;
  industry?: string;
  /** Unix seconds; `from` is inclusive, `to` exclusive. */
  since?: number;
  until?: number;
}

/** A model's records within an interval of time. */
export interface TimePoint {
  /** The start of the interval, Unix seconds. */
  t_s: number;
  records: number;
  /** Of answered requests; null when there are none. */
  latency_p50_s: number | null;
  latency_p95_s: number | null;
  /** Answered / records, with Wilson's interval. */
  success: Estimate;
}

/** A model's figures; latencies and throughput are those of answered requests. */
export interface ModelView {
  /** `provider/model`. */
  model: string;
  records: number;
  success: Estimate;
  latency_s: Spread | null;
  throughput_tps: Spread | null;
  /** By industry, and over all; the interval accounts for questions that are asked repeatedly. */
  coverage: Coverage[];
  prompt_tokens: number | null;
  response_tokens: number | null;
  points: TimePoint[];
}

export interface Spread {
  n: number;
  p10: number;
  p50: number;
  p90: number;
  p95: number;
  /** Of the median; null when there are too few values. */
  interval: Estimate | null;
}

export interface Coverage {
  /** Null means all of them. */
  industry: string | null;
  n: number;
  mean: number;
  /** From 0 to 1; null when there are too few questions, or all answers are alike. */
  interval: Estimate | null;
  /** Why there is none. */
  no_interval: "too few questions" | "all alike" | null;
}

export interface BatchViews {
  records: number;
  /** Width of one point in time. */
  bucket_s: number;
  /** Over the selected records; null when there are none. */
  first_s: number | null;
  last_s: number | null;
  models: ModelView[];
  /**
   * The questions, those with the lowest coverage first and those without a known one last; cut when
   * there are many.
   */
  questions: QuestionView[];
  /** The number of questions left out of that list. */
  questions_left: number;
}

/** The results of a question, over all models. */
export interface QuestionView {
  question: string;
  industry: string;
  records: number;
  answered: number;
  /** Of answered requests; null when there are none. */
  latency_p50_s: number | null;
  /** The mean share of key points in its answers; null when none was judged. */
  coverage: number | null;
  /** The model with the lowest mean, when several were judged. */
  lowest: { model: string; coverage: number } | null;
}

/** More questions than a page shows. */
const MOST_QUESTIONS = 200;

const MINUTE = 60, HOUR = 3600, DAY = 86_400;
const BUCKETS_S = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 14, 28, 91, 364].map((n) => n * DAY),
];
/** More points than this are hard to see, and slow on a phone. */
const MOST_POINTS = 100;

/** A model's name with its provider: `provider/model`. */
export function modelName(record: Pick<TimedRecord, "llm_provider" | "llm_model">): string {
  return `${record.llm_provider}/${record.llm_model}`;
}

/** The records that pass the filter. */
export function recordsThatFit(
  records: readonly TimedRecord[],
  { model, industry, since = -Infinity, until = Infinity }: RecordFilter,
): TimedRecord[] {
  return records.filter((record) =>
    record.t_s >= since && record.t_s < until &&
    (industry === undefined || record.industry === industry) &&
    (model === undefined || modelName(record) === model)
  );
}

/** @param records in order of time. */
export function batchViews(records: readonly TimedRecord[]): BatchViews {
  const first_s = records[0]?.t_s ?? null, last_s = records.at(-1)?.t_s ?? null;
  const span_s = (last_s ?? 0) - (first_s ?? 0);
  const bucket_s = BUCKETS_S.find((width_s) => span_s / width_s < MOST_POINTS) ??
    BUCKETS_S.at(-1)!;
  const byModel = Map.groupBy(records, modelName);
  const models = [...byModel.keys()].sort().map((model) =>
    modelView(model, byModel.get(model)!, bucket_s)
  );
  const questions = questionViews(records);
  return {
    records: records.length,
    bucket_s,
    first_s,
    last_s,
    models,
    questions: questions.slice(0, MOST_QUESTIONS),
    questions_left: Math.max(0, questions.length - MOST_QUESTIONS),
  };
}

function questionViews(records: readonly TimedRecord[]): QuestionView[] {
  const asked = Map.groupBy(
    records,
    ({ industry, question }) => JSON.stringify([industry, question]),
  );
  return [...asked.values()].map((own): QuestionView => {
    const [{ question, industry }] = own;
    const answered = own.filter(({ success }) => success);
    const latencies = sortedCopy(known(answered, "latency_sec"));
    const byModel = [...Map.groupBy(own, modelName)].flatMap(([model, records]) => {
      const coverage = meanOf(known(records, "coverage_score"));
      return coverage === null ? [] : [{ model, coverage }];
    }).sort((a, b) => a.coverage - b.coverage);
    return {
      question,
      industry,
      records: own.length,
      answered: answered.length,
      latency_p50_s: latencies.length ? quantile(latencies, 0.5) : null,
      coverage: meanOf(known(own, "coverage_score")),
      lowest: byModel.length > 1 ? byModel[0] : null,
    };
  }).sort((a, b) => (a.coverage ?? Infinity) - (b.coverage ?? Infinity) || 0);
}

function meanOf(values: readonly number[]): number | null {
  return values.length ? mean(values) : null;
}

function modelView(model: string, records: TimedRecord[], bucket_s: number): ModelView {
  const answered = records.filter(({ success }) => success);
  const industries = Map.groupBy(records, ({ industry }) => industry);
  const stretches = Map.groupBy(records, ({ t_s }) => Math.floor(t_s / bucket_s) * bucket_s);
  return {
    model,
    records: records.length,
    success: shareEstimate(answered.length, records.length)!,
    latency_s: spread(known(answered, "latency_sec")),
    throughput_tps: spread(known(answered, "throughput_tps")),
    coverage: [
      ...coverage(null, records),
      ...[...industries.keys()].sort().flatMap((name) => coverage(name, industries.get(name)!)),
    ],
    prompt_tokens: total(known(answered, "prompt_tokens")),
    response_tokens: total(known(answered, "response_tokens")),
    points: [...stretches].map(([t_s, within]) => timePoint(t_s, within)),
  };
}

function timePoint(t_s: number, records: readonly TimedRecord[]): TimePoint {
  const answered = records.filter(({ success }) => success);
  const latencies = sortedCopy(known(answered, "latency_sec"));
  const at = (q: number) => latencies.length ? quantile(latencies, q) : null;
  return {
    t_s,
    records: records.length,
    latency_p50_s: at(0.5),
    latency_p95_s: at(0.95),
    success: shareEstimate(answered.length, records.length)!,
  };
}

function spread(values: readonly number[]): Spread | null {
  if (values.length === 0) return null;
  const sorted = sortedCopy(values);
  return {
    n: sorted.length,
    p10: quantile(sorted, 0.1),
    p50: quantile(sorted, 0.5),
    p90: quantile(sorted, 0.9),
    p95: quantile(sorted, 0.95),
    interval: quantileEstimate(sorted, 0.5),
  };
}

function coverage(industry: string | null, records: readonly TimedRecord[]): Coverage[] {
  const judged = records.filter(({ coverage_score }) => coverage_score !== null);
  if (judged.length === 0) return [];
  const scores = known(judged, "coverage_score");
  const clustered = clusteredMean(scores, judged.map(({ question }) => question));
  const few = clustered === null || clustered.groups < FEWEST_PAIRS;
  const told = few ? null : clustered.estimate;
  return [{
    industry,
    n: scores.length,
    mean: mean(scores),
    interval: told && { ...told, low: Math.max(0, told.low), high: Math.min(1, told.high) },
    no_interval: few ? "too few questions" : told === null ? "all alike" : null,
  }];
}

type NumberField =
  | "latency_sec"
  | "throughput_tps"
  | "coverage_score"
  | "prompt_tokens"
  | "response_tokens";

function known(records: readonly TimedRecord[], field: NumberField): number[] {
  return records.flatMap((record) => record[field] ?? []);
}

/** Null when no value is known. */
function total(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0);
}
