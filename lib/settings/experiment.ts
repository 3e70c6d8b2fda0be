/** Experiment files: a suite or coding problems, an endpoint and settings under one name. */
import { dirname } from "node:path";
import { z } from "zod";
import { alertSettings } from "./alerts.ts";
import { beside, tlsBesideFile } from "./beside_file.ts";
import { codingSettings } from "./coding.ts";
import { fileKind } from "./file_kind.ts";
import { checkJson, type JsonFile } from "./json_file.ts";
import { mockPart } from "./mock.ts";
import { asGiven, fileForms, schemaField } from "./setting.ts";
import { suiteRunSettings } from "./suite_run.ts";

/** Settings with the names of the command line's flags. */
export const experimentSchema = z.strictObject({
  $schema: schemaField,
  /** The name of the experiment. */
  name: z.string().min(1),
  /** Path of the suite, or of a .jsonl file of coding problems, relative to the experiment file. */
  suite: z.string().min(1)
    .describe("path of the suite, or of a .jsonl file of coding problems, relative to this file"),
  ...asGiven(suiteRunSettings).shape,
  ...asGiven(codingSettings).shape,
  /** Thresholds of health alerts. */
  alerts: asGiven(alertSettings).optional().describe("thresholds of health alerts"),
  /** Runs against the built-in mock endpoint, which is started for the run. */
  mock: asGiven(mockPart).optional().describe("runs against the built-in mock endpoint"),
}).register(fileForms, { name: "experiment", title: "an experiment of dyno run" });

export type Experiment = Omit<z.infer<typeof experimentSchema>, "$schema">;

/** Whether a parsed file looks like an experiment: it names a suite and has no tests. */
export function looksLikeExperiment(file: JsonFile): boolean {
  return fileKind(file.value)?.name === "experiment";
}

/**
 * Checks an experiment file; resolves its paths relative to the working folder.
 *
 * @throws {InputError} an unknown field (the message lists the nearest known one), or a malformed value.
 */
export function experimentOf(file: JsonFile): Experiment {
  const { $schema: _schema, ...experiment } = checkJson(file, experimentSchema);
  const folder = dirname(file.path), placed = beside(folder);
  const mock = experiment.mock;
  return {
    ...tlsBesideFile(experiment, folder),
    suite: placed(experiment.suite),
    ...(mock ? { mock: { ...mock, ...(mock.script ? { script: placed(mock.script) } : {}) } } : {}),
  };
}
