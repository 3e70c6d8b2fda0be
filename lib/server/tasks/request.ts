/** The requests that a client can make: the schemas of POST /tasks. */
import { z } from "zod";
import { codingSettings } from "../../settings/coding.ts";
import { givenLoadSchema } from "../../settings/load.ts";
import { asGiven, count, seconds } from "../../settings/setting.ts";
import { suiteRunSettings } from "../../settings/suite_run.ts";

const LONGEST_TEXT = 10_000;

/** Text that can stand in a program's arguments. */
// deno-lint-ignore no-control-regex
const NUL = /\x00/;
const text = z.string().min(1).max(LONGEST_TEXT).refine(
  (value) => !NUL.test(value),
  "holds a NUL character",
);
const path = text.describe("a file in an allowed folder, or the name of a bundled one");

const common = {
  callback_url: z.url({ protocol: /^https?$/ }).max(2000).optional()
    .describe("told once the task has ended, by a signed POST"),
};

/**
 * Settings that only the operator may choose: files on this host, and settings that would accept
 * answers from anyone on the network path.
 */
const NOT_OF_TASKS = { ca: true, cert: true, key: true, insecure: true } as const;

const { model: _model, ...settings } = asGiven(suiteRunSettings).omit(NOT_OF_TASKS).shape;

/** A suite, an experiment file, or coding problems, run against one model. */
const suiteTaskSchema = z.strictObject({
  kind: z.literal("suite"),
  suite: path,
  model: text.optional(),
  ...settings,
  ...asGiven(codingSettings).shape,
  ...common,
});

/** A load: the settings of a load experiment. */
const loadTaskSchema = z.strictObject({
  kind: z.literal("load"),
  name: text.max(128).optional(),
  ...givenLoadSchema.omit(NOT_OF_TASKS).shape,
  ...common,
});

/** A sweep: the name of its file, or its content. */
const sweepTaskSchema = z.strictObject({
  kind: z.literal("sweep"),
  config: z.union([path, z.record(z.string(), z.unknown())])
    .describe("a sweep file, or what would be in it"),
  jobs: count.max(1024).optional(),
  timeout_s: seconds({ above: true, named: true }).optional(),
  fail_fast: z.boolean().optional(),
  ...common,
});

/** The slots of a batch that are due now or within a minute. */
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
export const taskKinds: readonly TaskKind[] = taskRequestSchema.options
  .map(({ shape }) => shape.kind.value);
