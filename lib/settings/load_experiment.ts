/** Load experiments: a named set of loads with their settings, in a file. */
import { dirname } from "node:path";
import { z } from "zod";
import { InputError } from "../errors.ts";
import { checkJson, readJsonFile } from "./json_file.ts";
import { besideFile } from "./beside_file.ts";
import { givenLoadSchema, settleLoad } from "./load.ts";
import { expandMatrix } from "./matrix.ts";
import { checkSettings, fileForms, nonEmpty, schemaField } from "./setting.ts";
import type { LoadSettings } from "./load.ts";

/** The schema of a load experiment's file. */
export const loadExperimentSchema = z.strictObject({
  $schema: schemaField,
  kind: z.literal("load").describe("what tells this file from others"),
  /** The name of the load in lists and reports. */
  name: z.string().min(1),
  ...givenLoadSchema.shape,
  /** Lists of settings; every combination is a separate run. */
  matrix: z.record(z.string(), z.array(z.unknown()).min(1)).optional(),
  /** The number of runs of each load. */
  repeat: z.int({
    error: ({ input }) =>
      typeof input === "boolean"
        ? 'is the number of runs of each load; what goes through prompts again is "recycle"'
        : undefined,
  }).min(1).optional(),
  /** Repeats each load until this figure has this precision, as "ttft_p99:5%". */
  until: nonEmpty.optional(),
}).register(fileForms, { name: "load", title: "an experiment of dyno load" });

/** A named experiment: the settings of each of its runs. */
export interface LoadExperiment {
  /** Its name for people. */
  name: string;
  /** The settings of each load, and those of them that the matrix varies. */
  runs: { settings: LoadSettings; varied: Record<string, unknown> }[];
  /** The number of runs of each load; 1 by default. */
  repeat?: number | undefined;
  /** The precision at which the repeats stop, as "ttft_p99:5%". */
  until?: string | undefined;
}

/**
 * Reads a load experiment. `override` holds the settings from flags: they take precedence over the file,
 * but cannot replace a setting of the matrix.
 *
 * @throws {InputError} an unknown setting, a malformed value, or a flag for a setting that the matrix
 * varies.
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

/** The settings of the n-th of several loads, from 0, with a seed of its prompts that no other load has. */
export function nthLoad(settings: LoadSettings, n: number): LoadSettings {
  const { prompt_seed } = settings;
  if (prompt_seed === undefined || n === 0) return settings;
  return { ...settings, prompt_seed: (prompt_seed + n) % 2 ** 32 };
}

/**
 * The settings of the n-th run of the same load, from 0: also with a seed of its arrivals that no
 * other run has, so that their variance includes that of the arrivals.
 *
 * @throws {InputError} wrong settings.
 */
export function nthRun(settings: LoadSettings, n: number): LoadSettings {
  const { seed } = settleLoad(settings);
  return n === 0 ? settings : { ...nthLoad(settings, n), seed: (seed + n) % 2 ** 32 };
}
