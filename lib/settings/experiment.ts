/** Experiment files: a suite, an endpoint and settings under one name. */
import { dirname, isAbsolute, join } from "node:path";
import { z } from "zod";
import { checkJson } from "./json_file.ts";
import { fileForms } from "./setting.ts";
import type { JsonFile } from "./json_file.ts";

const positive = z.number().positive();

/** Settings under the names of the command line's flags. */
export const experimentSchema = z.strictObject({
  /** Where editors find the form of this file: what `dyno schema` printed. */
  $schema: z.string().optional(),
  name: z.string().min(1),
  /** Path of the suite, relative to the experiment file. */
  suite: z.string().min(1),
  endpoint: z.string().optional(),
  provider: z.string().optional(),
  model: z.union([z.string(), z.array(z.string()).min(1)]).optional(),
  headers: z.record(z.string(), z.string()).optional(),
  api_key_env: z.string().optional(),
  timeout: positive.optional(),
  retry_attempts: z.int().min(0).optional(),
  retry_delay: z.number().min(0).optional(),
  stream: z.boolean().optional(),
  workers: z.union([z.int().min(1), z.literal("auto")]).optional(),
  categories: z.array(z.string()).optional(),
  tests: z.array(z.string()).optional(),
  limit: z.int().min(1).optional(),
  sample_rate_hz: z.number().min(0).max(10_000).optional(),
  /** Thresholds of health alerts. */
  alerts: z.strictObject({
    gpu_temperature_celsius: z.number(),
    temperature_celsius: z.number(),
    memory_percent: z.number(),
    error_rate_percent: z.number(),
  }).partial().optional(),
  /** Runs against the built-in mock endpoint, started for the run. */
  mock: z.strictObject({
    /** Path of the script of answers, relative to the experiment file. */
    script: z.string().optional(),
    delay_s: z.number().min(0).optional(),
    tokens_per_second: positive.optional(),
  }).optional(),
}).register(fileForms, { name: "experiment", title: "an experiment of dyno run" });

export type Experiment = Omit<z.infer<typeof experimentSchema>, "$schema">;

/** Whether a parsed file is meant as an experiment: it names a suite rather than holding tests. */
export function looksLikeExperiment(file: JsonFile): boolean {
  return typeof file.value === "object" && file.value !== null && "suite" in file.value &&
    !("tests" in file.value && Array.isArray((file.value as { tests: unknown[] }).tests) &&
      typeof (file.value as { tests: unknown[] }).tests[0] === "object");
}

/**
 * Checks an experiment file; its paths are made relative to the working folder.
 *
 * @throws {InputError} an unknown field with the nearest known one, or a value of the wrong form.
 */
export function experimentOf(file: JsonFile): Experiment {
  const { $schema: _schema, ...experiment } = checkJson(file, experimentSchema);
  const beside = (path: string) => isAbsolute(path) ? path : join(dirname(file.path), path);
  const mock = experiment.mock;
  return {
    ...experiment,
    suite: beside(experiment.suite),
    ...(mock ? { mock: { ...mock, ...(mock.script ? { script: beside(mock.script) } : {}) } } : {}),
  };
}
