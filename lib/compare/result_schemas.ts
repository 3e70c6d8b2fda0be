/**
 * The format of a run's result files, for programs that read them: the fields that every version keeps.
 * Readers must accept additional fields.
 */
import { z } from "zod";
import type { LoadResults } from "../load/results.ts";
import type { RunMetadata } from "../run/metadata.ts";
import type { SuiteResults } from "../suite/results.ts";

const count = z.int().min(0);
const number = z.number().nullable();
const text = z.string().nullable();

const estimate = z.looseObject({
  value: z.number(),
  low: z.number(),
  high: z.number(),
  n: count,
  method: z.string(),
}).describe("a value with its 95 % interval");

const distribution = z.looseObject({
  n: count,
  mean: z.number(),
  p50: z.number(),
  p90: z.number(),
  p95: z.number(),
  p99: z.number(),
  p99_9: z.number(),
  max: z.number(),
});

const aggregate = z.looseObject({
  tests: count,
  successful: count,
  errors: count,
  timed_out: count,
  evaluated: count.describe("tests whose answer was judged"),
  passed: count,
  not_judged: count.optional().describe("tests whose evaluator failed"),
  not_judged_because: z.string().nullable().optional().describe("why the first was not judged"),
  avg_hit_rate: number,
  max_hit_rate: number,
  total_prompt_tokens: number,
  total_completion_tokens: number,
  errors_by_class: z.record(z.string(), count.optional()),
});

const suiteStatistics = z.looseObject({
  pass_rate: estimate.nullable(),
  hit_rate: estimate.nullable(),
  ttft_p50_ms: estimate.nullable(),
  e2e_p50_ms: estimate.nullable(),
  ttft_ms: distribution.nullable(),
  tpot_ms: distribution.nullable(),
  e2e_ms: distribution.nullable(),
  tokens_per_second: distribution.nullable(),
  output_tokens_per_s: number.optional(),
});

const item = z.looseObject({
  package_id: z.string(),
  test_id: z.string(),
  test_name: z.string(),
  item_id: z.string().describe("the test's id in the suite"),
  item_hash: z.string().describe("a hash of what was run").optional(),
  category: z.string(),
  success: z.boolean().describe("the endpoint gave an answer, right or wrong"),
  elapsed_seconds: z.number().describe("over all attempts and the waits between them"),
  execution_time: z.number().describe("seconds from sending to the end of the answer"),
  score: z.looseObject({ targets: z.number(), created_hits: z.number(), hit_rate: z.number() })
    .nullable(),
  passed: z.boolean().nullable(),
  attempts: count,
  error: text,
  error_class: text,
  timed_out: z.boolean(),
  prompt_tokens: number,
  completion_tokens: number,
  token_source: text,
  tokens_per_second: number,
  ttft_ms: number,
  tpot_ms: number,
  e2e_ms: number,
  energy_j: number,
});

/** results.json of a suite. */
export const suiteResultsSchema = z.looseObject({
  schema_version: z.literal(2),
  run_id: z.string(),
  kind: z.enum(["suite", "batch"]),
  benchmark: z.string(),
  model: z.string(),
  transport: z.string(),
  complete: z.boolean(),
  missing: count.describe("tests without a result, of an interrupted run"),
  aggregate,
  statistics: suiteStatistics,
  categories: z.array(
    z.looseObject({ category: z.string(), aggregate, statistics: suiteStatistics }),
  ),
  items: z.array(item),
});

const metric = distribution.extend({
  intervals: z.looseObject({
    p50: estimate.nullable(),
    p99: estimate.nullable(),
    mean: estimate.nullable(),
  }),
});

const stage = z.looseObject({
  name: z.string(),
  window: z.looseObject({ duration_s: z.number() }),
  requested_rate_per_s: number,
  achieved_rate_per_s: z.number(),
  concurrency: z.looseObject({ mean: z.number(), max: z.number() }),
  requests: z.looseObject({
    sent: count,
    successful: count,
    failed: count,
    unfinished: count,
    unsent: count,
    cancelled: count.optional(),
    outside: count,
    warmup: count,
  }),
  errors: z.record(z.string(), count.optional()),
  error_rate: number,
  requests_per_s: z.number().nullable(),
  output_tokens_per_s: number,
  prompt_tokens_per_s: number,
  intervals: z.looseObject({
    requests_per_s: estimate.nullable(),
    output_tokens_per_s: estimate.nullable(),
    prompt_tokens_per_s: estimate.nullable(),
  }).optional(),
  goodput: z.looseObject({
    requests_per_s: estimate.nullable(),
    output_tokens_per_s: number,
    share: estimate.nullable(),
    missed: z.record(z.string(), count),
    unknown: z.record(z.string(), count).optional(),
  }).nullable(),
  metrics: z.looseObject({
    ttft_ms: metric.nullable(),
    tpot_ms: metric.nullable(),
    gap_ms: metric.nullable(),
    e2e_ms: metric.nullable(),
    lateness_ms: metric.nullable(),
  }),
});

/** results.json of a load. */
export const loadResultsSchema = z.looseObject({
  schema_version: z.literal(2),
  kind: z.literal("load"),
  run_id: z.string(),
  benchmark: z.string(),
  model: z.string(),
  endpoint: z.string(),
  transport: z.string(),
  complete: z.boolean(),
  stopped_because: text,
  stages: z.array(stage),
  total: stage,
  verdict: z.looseObject({ verdict: z.enum(["trusted", "client_limited", "cached", "unknown"]) }),
  notes: z.array(z.string()),
});

/** run_metadata.json. */
export const metadataSchema = z.looseObject({
  schema_version: z.literal(1),
  run_id: z.string(),
  kind: z.enum(["suite", "load", "batch"]),
  benchmark: z.string(),
  agent: z.string(),
  model: z.string(),
  seed: number,
  started_at_unix_seconds: z.number(),
  argv: z.array(z.string()),
  host: z.looseObject({ hostname: z.string(), cpu_cores: count, memory_bytes: z.number() }),
  software: z.looseObject({ dyno: z.string(), runtime: z.string() }),
  git_sha: text,
  config: z.record(z.string(), z.unknown()),
});

/** Compiles only when the written files have the format above. */
type Fits<Written extends z.input<Schema>, Schema extends z.ZodType> = [Written, Schema];
export type Kept = [
  Fits<Open<SuiteResults>, typeof suiteResultsSchema>,
  Fits<Open<LoadResults>, typeof loadResultsSchema>,
  Fits<Open<RunMetadata>, typeof metadataSchema>,
];
/** The same fields, with any others allowed. */
type Open<T> = T extends readonly (infer Element)[] ? Open<Element>[]
  // deno-lint-ignore ban-types
  : {} extends T ? T
  : T extends object ? { [Name in keyof T]: Open<T[Name]> } & Record<string, unknown>
  : T;
