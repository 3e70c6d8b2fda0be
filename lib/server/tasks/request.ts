/** What a client may ask for: the forms of POST /tasks. */
import { z } from "zod";
import { experimentSchema } from "../../settings/experiment.ts";
import { givenLoadSchema } from "../../settings/load.ts";

const LONGEST_TEXT = 10_000;

/** Text that can stand in a program's arguments. */
// deno-lint-ignore no-control-regex
const NUL = /\x00/;
const text = z.string().min(1).max(LONGEST_TEXT).refine(
  (value) => !NUL.test(value),
  "holds a NUL character",
);
const path = text.describe("a file in an allowed folder, or the name of a bundled one");
const count = z.int().min(1);
const positive = z.number().positive();

const common = {
  callback_url: z.url({ protocol: /^https?$/ }).max(2000).optional()
    .describe("told once the task has ended, by a signed POST"),
};

const { name: _name, suite: _suite, mock: _mock, alerts: _alerts, model: _model, ...settings } =
  experimentSchema.shape;

/** A suite, an experiment file, or coding problems, against one model. */
const suiteTaskSchema = z.strictObject({
  kind: z.literal("suite"),
  suite: path,
  model: text.optional(),
  ...settings,
  mode: z.enum(["zero-shot", "iterative", "comparative"]).optional()
    .describe("of coding problems, as all that follows"),
  range: text.optional(),
  max_iterations: count.optional(),
  samples: count.optional(),
  parameters: z.record(z.string(), z.unknown()).optional(),
  checkpoint_model: text.optional(),
  checkpoint_every: count.optional(),
  budget_usd: positive.optional(),
  budget_tokens: count.optional(),
  test_timeout_s: z.number().min(0.1).optional(),
  test_memory_mb: z.int().min(64).optional(),
  ...common,
});

/** A load: the settings of a load experiment. */
const loadTaskSchema = z.strictObject({
  kind: z.literal("load"),
  name: text.max(128).optional(),
  ...givenLoadSchema.shape,
  ...common,
});

/** A sweep: a file, or its content. */
const sweepTaskSchema = z.strictObject({
  kind: z.literal("sweep"),
  config: z.union([path, z.record(z.string(), z.unknown())])
    .describe("a sweep file, or what would be in it"),
  jobs: count.max(1024).optional(),
  timeout_s: positive.optional(),
  fail_fast: z.boolean().optional(),
  ...common,
});

/** What is due of a batch now or within a minute. */
const batchTaskSchema = z.strictObject({
  kind: z.literal("batch"),
  batch: path,
  ...common,
});

/** The body of POST /tasks. */
export const taskRequestSchema = z.discriminatedUnion("kind", [
  suiteTaskSchema,
  loadTaskSchema,
  sweepTaskSchema,
  batchTaskSchema,
]);

export type SuiteTask = z.infer<typeof suiteTaskSchema>;
export type LoadTask = z.infer<typeof loadTaskSchema>;
export type SweepTask = z.infer<typeof sweepTaskSchema>;
export type BatchTask = z.infer<typeof batchTaskSchema>;
export type TaskRequest = z.infer<typeof taskRequestSchema>;
export type TaskKind = TaskRequest["kind"];

/** The kinds that this server runs. */
export const taskKinds: readonly TaskKind[] = ["suite", "load", "sweep", "batch"];

/** Settings of coding problems alone, each with its flag of `dyno run`. */
export const CODING_FLAGS = {
  mode: "mode",
  range: "range",
  max_iterations: "max-iterations",
  samples: "samples",
  parameters: "parameters",
  checkpoint_model: "checkpoint-model",
  checkpoint_every: "checkpoint-every",
  budget_usd: "budget-usd",
  budget_tokens: "budget-tokens",
  test_timeout_s: "test-timeout",
  test_memory_mb: "test-memory",
} as const satisfies Partial<Record<keyof SuiteTask, string>>;
