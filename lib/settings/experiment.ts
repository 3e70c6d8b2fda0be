/** Experiment files: a suite or coding problems, an endpoint and settings under one name. */
import { dirname, isAbsolute, join } from "node:path";
import { z } from "zod";
import { alertSettings } from "./alerts.ts";
import { codingSettings } from "./coding.ts";
import { checkJson, type JsonFile } from "./json_file.ts";
import { mockPart } from "./mock.ts";
import { asGiven, fileForms, schemaField } from "./setting.ts";
import { suiteRunSettings } from "./suite_run.ts";
import { isJsonObject } from "../json_fields.ts";

/** Settings under the names of the command line's flags. */
export const experimentSchema = z.strictObject({
  $schema: schemaField,
  /** What the experiment is called. */
  name: z.string().min(1),
  /** Path of the suite, or of a .jsonl file of coding problems, relative to the experiment file. */
  suite: z.string().min(1)
    .describe("path of the suite, or of a .jsonl file of coding problems, relative to this file"),
  ...asGiven(suiteRunSettings).shape,
  ...asGiven(codingSettings).shape,
  /** Thresholds of health alerts. */
  alerts: asGiven(alertSettings).optional().describe("thresholds of health alerts"),
  /** Runs against the built-in mock endpoint, started for the run. */
  mock: asGiven(mockPart).optional().describe("runs against the built-in mock endpoint"),
}).register(fileForms, { name: "experiment", title: "an experiment of dyno run" });

export type Experiment = Omit<z.infer<typeof experimentSchema>, "$schema">;

/** Whether a parsed file is meant as an experiment: it names a suite rather than holding tests. */
export function looksLikeExperiment(file: JsonFile): boolean {
  const { value } = file;
  if (!isJsonObject(value) || !("suite" in value)) return false;
  return !(Array.isArray(value.tests) && typeof value.tests[0] === "object");
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
