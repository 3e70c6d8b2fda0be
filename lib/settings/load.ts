/** Load experiments: an endpoint, the shape of a load and its prompts under one name. */
import { z } from "zod";
import { InputError } from "../errors.ts";
import { didYouMean } from "../text/nearest.ts";
import { checkJson, readJsonFile } from "./json_file.ts";
import { expandMatrix } from "./matrix.ts";
import type { JsonFile } from "./json_file.ts";
import type { LoadSettings } from "./load_settings.ts";

const positive = z.number().positive();
const count = z.int().min(1);
const text = z.string().min(1);
const seed = z.int().min(0).max(2 ** 32 - 1);

const stage = z.strictObject({
  /** Requests a second, or from and to. */
  rate: z.union([positive, z.tuple([z.number().min(0), z.number().min(0)])]).optional(),
  concurrency: count.optional(),
  duration_s: positive.optional(),
  requests: count.optional(),
}).refine(
  ({ rate, concurrency }) => rate !== undefined || concurrency !== undefined,
  "expected a rate, a concurrency, or both",
).refine(
  ({ duration_s, requests }) => duration_s !== undefined || requests !== undefined,
  "expected duration_s or requests",
).refine(
  ({ rate, duration_s }) => !Array.isArray(rate) || duration_s !== undefined,
  "expected duration_s with a rate that goes from one value to another",
).refine(
  ({ rate }) => !Array.isArray(rate) || Math.max(...rate) > 0,
  "expected a rate above 0",
);

/** What may vary in a matrix; under the names of the command line's flags. */
const settings = {
  endpoint: text.optional(),
  provider: text.optional(),
  model: text.optional(),
  headers: z.record(z.string(), z.string()).optional(),
  api_key_env: text.optional(),
  timeout: positive.optional(),
  stream: z.boolean().optional(),
  transport: z.enum(["wire", "portable"]).optional(),
  concurrency: count.optional(),
  rate: positive.optional(),
  arrival: z.enum(["constant", "poisson", "gamma"]).optional(),
  burstiness: positive.optional(),
  seed: seed.optional(),
  stages: z.union([text, z.array(stage).min(1)]).optional(),
  requests: count.optional(),
  duration_s: positive.optional(),
  warmup: z.int().min(0).optional(),
  grace_s: z.number().min(0).optional(),
  trace: text.optional(),
  trace_speed: positive.optional(),
  prompt: text.optional(),
  prompts: text.optional(),
  repeat: z.boolean().optional(),
  input_tokens: z.union([count, text]).optional(),
  output_tokens: z.union([count, text]).optional(),
  prefix_share: z.number().min(0).max(1).optional(),
  prefixes: count.optional(),
  turns: count.optional(),
  think_time_s: z.number().min(0).optional(),
  ignore_eos: z.boolean().optional(),
  body: z.record(z.string(), z.unknown()).optional(),
  tokenizer: z.boolean().optional(),
  slo: z.array(text).optional(),
  stop_error_rate: z.number().gt(0).max(1).optional(),
  stop_on_saturation: z.boolean().optional(),
  sample_rate_hz: z.number().min(0).max(10_000).optional(),
};

/** The settings of a load, each by its name. */
export const loadSettingsSchema = z.strictObject(settings);

export type { LoadSettings };

/** A load experiment's file. */
export const loadExperimentSchema = z.strictObject({
  /** Where editors find the form of this file: what `dyno schema` printed. */
  $schema: z.string().optional(),
  kind: z.literal("load"),
  name: text,
  ...settings,
  /** Lists of settings: every combination is a run of its own. */
  matrix: z.record(z.string(), z.array(z.unknown()).min(1)).optional(),
});

/** A named experiment: the settings of each of its runs. */
export interface LoadExperiment {
  name: string;
  runs: { settings: LoadSettings; varied: Record<string, unknown> }[];
}

/**
 * Reads a load experiment. `override` is what flags said: it goes before the file, but a setting of
 * the matrix cannot be overridden.
 *
 * @throws {InputError} an unknown setting, a value of the wrong form, a flag that the matrix varies.
 */
export async function readLoadExperiment(
  path: string,
  override: LoadSettings,
): Promise<LoadExperiment> {
  const file = await readJsonFile(path);
  checkNames(file);
  const { $schema: _schema, kind: _kind, name, matrix = {}, ...fixed } = checkJson(
    file,
    loadExperimentSchema,
  );
  const clash = Object.keys(override).find((key) => Object.hasOwn(matrix, key));
  if (clash !== undefined) {
    throw new InputError(`--${clash}: ${path} varies it in its matrix; leave one of them out`);
  }
  const runs = expandMatrix(matrix).map((varied) => {
    const checked = loadSettingsSchema.safeParse(varied);
    if (!checked.success) {
      const { path: at, message } = checked.error.issues[0];
      throw new InputError(`${path}: matrix.${String(at[0] ?? "")}: ${message}`);
    }
    return { settings: { ...fixed, ...override, ...checked.data }, varied };
  });
  return { name, runs };
}

function checkNames(file: JsonFile): void {
  if (Array.isArray((file.value as { tests?: unknown } | null)?.tests)) {
    throw new InputError(
      `${file.path}: is a suite of tests; run it with dyno run, or take its prompts with ` +
        `--prompts ${file.path}`,
    );
  }
  const known = [...Object.keys(settings), "kind", "name", "matrix", "$schema"];
  const value = typeof file.value === "object" && file.value !== null ? file.value : {};
  const { matrix } = value as { matrix?: object };
  for (const name of [...Object.keys(value), ...Object.keys(matrix ?? {})]) {
    if (!known.includes(name)) {
      throw new InputError(`${file.path}: "${name}" is not a setting${didYouMean(name, known)}`);
    }
  }
}
