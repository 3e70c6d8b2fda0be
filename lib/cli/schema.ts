/** dyno schema: the form of dyno's files as JSON Schema. */
import {
  loadResultsSchema,
  metadataSchema,
  suiteResultsSchema,
} from "../compare/result_schemas.ts";
import { InputError } from "../errors.ts";
import { batchSchema, questionsSchema } from "../settings/batch.ts";
import { experimentSchema } from "../settings/experiment.ts";
import { loadExperimentSchema } from "../settings/load.ts";
import { jsonSchemaOf } from "../settings/setting.ts";
import { suiteSchema } from "../settings/suite.ts";
import { integrationSchema } from "../integration/config.ts";
import { mockScriptSchema } from "../mock/script.ts";
import { didYouMean } from "../text/nearest.ts";
import { priceTableSchema } from "../run/prices.ts";
import { sweepSchema } from "../sweep/config.ts";
import { EXIT } from "./ui/command.ts";
import type { ZodType } from "zod";
import type { Command, CommandContext } from "./ui/command.ts";
import type { Flags } from "./ui/flags.ts";

interface FileForm {
  title: string;
  schema: ZodType;
  /** A command whose flags have the same names, and explain them. */
  command?: () => Promise<{ command: Command }>;
}

const forms: Record<string, FileForm> = {
  "suite": { title: "a test suite of dyno", schema: suiteSchema },
  "experiment": {
    title: "an experiment of dyno run",
    schema: experimentSchema,
    command: () => import("./run/run.ts"),
  },
  "load": {
    title: "an experiment of dyno load",
    schema: loadExperimentSchema,
    command: () => import("./load/load.ts"),
  },
  "sweep": {
    title: "a sweep of dyno",
    schema: sweepSchema,
    command: () => import("./sweep/sweep.ts"),
  },
  "batch": { title: "a batch of dyno", schema: batchSchema },
  "questions": { title: "questions of a batch", schema: questionsSchema },
  "integration": { title: "scenarios of dyno integration", schema: integrationSchema },
  "prices": { title: "a price table of dyno", schema: priceTableSchema },
  "mock-script": { title: "a script of dyno's mock endpoint", schema: mockScriptSchema },
  "results": { title: "results.json of a suite", schema: suiteResultsSchema },
  "load-results": { title: "results.json of a load", schema: loadResultsSchema },
  "metadata": { title: "run_metadata.json of a run", schema: metadataSchema },
};

const width = Math.max(...Object.keys(forms).map((name) => name.length));

export const command: Command = {
  help: [
    "dyno schema NAME",
    "",
    "Prints the JSON Schema of a file that dyno reads or writes. Editors complete and check a file by it:",
    "",
    '  dyno schema load > load.schema.json      and in the file: "$schema": "./load.schema.json"',
    "",
    ...Object.entries(forms).map(([name, { title }]) => `  ${name.padEnd(width)}  ${title}`),
  ],

  async run([name, ...more]: string[], { terminal }: CommandContext): Promise<number> {
    const known = Object.keys(forms);
    if (!Object.hasOwn(forms, name ?? "") || more.length > 0) {
      const given = [name, ...more].join(" ");
      const wrong = name === undefined
        ? `which one? expected ${known.join(", ")}`
        : `"${given}" is not known; expected ${known.join(", ")}${didYouMean(name, known)}`;
      throw new InputError(`dyno schema: ${wrong}`);
    }
    terminal.json(await fileSchema(forms[name]));
    return EXIT.good;
  },
};

async function fileSchema({ title, schema, command }: FileForm): Promise<unknown> {
  const { $schema, ...form } = jsonSchemaOf(schema, { reused: "ref" }) as {
    properties?: Record<string, { description?: string }>;
  } & Record<string, unknown>;
  const flags: Flags = (await command?.())?.command.flags ?? {};
  for (const [name, property] of Object.entries(form.properties ?? {})) {
    const flag = flags[name.replaceAll("_", "-")] ??
      flags[name.replace(/_(s|hz)$/, "").replaceAll("_", "-")];
    if (flag !== undefined && typeof property === "object") property.description ??= flag.help;
  }
  return { $schema, title, ...form };
}
