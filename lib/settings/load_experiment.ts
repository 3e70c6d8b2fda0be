/** Load experiments: the settings of several loads under one name, in a file. */
import { dirname } from "node:path";
import { z } from "zod";
import { InputError } from "../errors.ts";
import { checkJson, readJsonFile } from "./json_file.ts";
import { besideFile } from "./beside_file.ts";
import { givenLoadSchema } from "./load.ts";
import { expandMatrix } from "./matrix.ts";
import { checkSettings, fileForms, nonEmpty, schemaField } from "./setting.ts";
import type { LoadSettings } from "./load.ts";

/** A load experiment's file. */
export const loadExperimentSchema = z.strictObject({
  $schema: schemaField,
  kind: z.literal("load").describe("what tells this file from others"),
  /** What the load is called, in lists and reports. */
  name: z.string().min(1),
  ...givenLoadSchema.shape,
  /** Lists of settings: every combination is its own run. */
  matrix: z.record(z.string(), z.array(z.unknown()).min(1)).optional(),
  /** Runs of each load. */
  repeat: z.int({
    error: ({ input }) =>
      typeof input === "boolean"
        ? 'is the number of runs of each load; what goes through prompts again is "recycle"'
        : undefined,
  }).min(1).optional(),
  /** Runs of each load go on until this figure is so exact, as "ttft_p99:5%". */
  until: nonEmpty.optional(),
}).register(fileForms, { name: "load", title: "an experiment of dyno load" });

/** A named experiment: the settings of each of its runs. */
export interface LoadExperiment {
  /** What people call it. */
  name: string;
  /** The settings of each load, and what of them the matrix varies. */
  runs: { settings: LoadSettings; varied: Record<string, unknown> }[];
  /** Runs of each load; 1 by default. */
  repeat?: number | undefined;
  /** Until which they go on, as "ttft_p99:5%". */
  until?: string | undefined;
}

/**
 * Reads a load experiment. `override` is what flags said: it takes precedence over the file, but a setting of
 * the matrix cannot be overridden.
 *
 * @throws {InputError} an unknown setting, a value of the wrong form, a flag that the matrix varies.
 */
export async function readLoadExperiment(
  path: string,
  override: LoadSettings,
): Promise<LoadExperiment> {
  const file = await readJsonFile(path);
  if (Array.isArray((file.value as { tests?: unknown } | null)?.tests)) {
    throw new InputError(
      `${path}: is a suite of tests; run it with dyno run, or take its prompts with ` +
        `--prompts ${path}`,
    );
  }
  const { $schema: _schema, kind: _kind, name, matrix = {}, repeat, until, ...fixed } = checkJson(
    file,
    loadExperimentSchema,
  );
  const clash = Object.keys(override).find((key) => Object.hasOwn(matrix, key));
  if (clash !== undefined) {
    throw new InputError(`--${clash}: ${path} varies it in its matrix; leave one of them out`);
  }
  const runs = expandMatrix(matrix).map((varied, i) => {
    const settings = checkSettings(givenLoadSchema, varied, `${path}: matrix`);
    const place = override.provider === undefined ? {} : { endpoint: undefined };
    const own = besideFile({ ...fixed, ...settings }, dirname(path));
    return { settings: nthLoad({ ...own, ...place, ...override }, i), varied };
  });
  return { name, runs, repeat, until };
}

/** The settings of the n-th of several loads, from 0: none sends the prompts of another. */
export function nthLoad(settings: LoadSettings, n: number): LoadSettings {
  const { prompt_seed } = settings;
  if (prompt_seed === undefined || n === 0) return settings;
  return { ...settings, prompt_seed: (prompt_seed + n) % 2 ** 32 };
}
