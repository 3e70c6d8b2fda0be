/** dyno schema: prints the formats of dyno's files as JSON Schema. */
import {
  loadResultsSchema,
  metadataSchema,
  suiteResultsSchema,
} from "../compare/result_schemas.ts";
import { InputError } from "../errors.ts";
import { batchSchema, questionsSchema } from "../settings/batch.ts";
import { problemSchema } from "../coding/problems/load_problems.ts";
import { experimentSchema } from "../settings/experiment.ts";
import { loadExperimentSchema } from "../settings/load_experiment.ts";
import { fileForms, jsonSchemaOf } from "../settings/setting.ts";
import { requestTemplateSchema } from "../settings/request_template.ts";
import { rowSuiteSchema } from "../settings/row_suite.ts";
import { suiteSchema } from "../settings/suite.ts";
import { integrationSchema } from "../integration/config.ts";
import { mockScriptSchema } from "../mock/script.ts";
import { didYouMean } from "../text/nearest.ts";
import { priceTableSchema } from "../run/prices.ts";
import { sweepSchema } from "../settings/sweep.ts";
import { EXIT } from "./ui/command.ts";
import type { ZodType } from "zod";
import type { Command, CommandContext } from "./ui/command.ts";

/** Files that people write, in the order of the help. */
const WRITTEN: readonly ZodType[] = [
  suiteSchema,
  rowSuiteSchema,
  experimentSchema,
  loadExperimentSchema,
  requestTemplateSchema,
  sweepSchema,
  batchSchema,
  questionsSchema,
  problemSchema,
  integrationSchema,
  priceTableSchema,
  mockScriptSchema,
];

/** The formats of files that people write, by their name in `dyno schema`. */
export const writtenForms: Record<string, { title: string; schema: ZodType }> = Object.fromEntries(
  WRITTEN.map((schema) => {
    const { name, title } = fileForms.get(schema)!;
    return [name, { title, schema }];
  }),
);

const forms: Record<string, { title: string; schema: ZodType }> = {
  ...writtenForms,
  "results": { title: "results.json of a suite", schema: suiteResultsSchema },
  "load-results": { title: "results.json of a load", schema: loadResultsSchema },
  "metadata": { title: "run_metadata.json of a run", schema: metadataSchema },
};

const width = Math.max(...Object.keys(forms).map((name) => name.length));

export const command: Command = {
  words: Object.keys(forms),
  help: [
    "dyno schema NAME",
    "",
    "Prints the JSON Schema of a file that dyno reads or writes. Editors complete and check a file by it:",
    "",
    '  dyno schema load > load.schema.json      and in the file: "$schema": "./load.schema.json"',
    "",
    ...Object.entries(forms).map(([name, { title }]) => `  ${name.padEnd(width)}  ${title}`),
  ],

  run([name, ...more]: string[], { terminal }: CommandContext): Promise<number> {
    const known = Object.keys(forms);
    if (!Object.hasOwn(forms, name ?? "") || more.length > 0) {
      const given = [name, ...more].join(" ");
      const wrong = name === undefined
        ? `which one? expected ${known.join(", ")}`
        : `"${given}" is not known; expected ${known.join(", ")}${didYouMean(name, known)}`;
      throw new InputError(`dyno schema: ${wrong}`);
    }
    const { title, schema } = forms[name];
    const { $schema, ...form } = jsonSchemaOf(schema);
    terminal.json({ $schema, title, ...form });
    return Promise.resolve(EXIT.good);
  },
};
