/** The form of a suite whose tests are made of rows: of a data set's file, by templates. */
import { z } from "zod";
import { fileForms, nonEmpty, schemaField } from "./setting.ts";
import type { OutputOf } from "./setting.ts";

/** Where rows are: a file, or here. */
const rowsOf = {
  /** A file of rows: JSON lines, JSON, CSV or Parquet, beside this one. */
  file: nonEmpty.optional().describe(
    "a file of rows: JSON lines, JSON, CSV or Parquet, beside this one",
  ),
  /** Where that file comes from, for people. */
  source: z.string().optional().describe("where that file comes from"),
};

/** A text with `{{ … }}` in it, or any value that holds such texts. */
const template = z.unknown();

const choices = z.strictObject({
  /** The texts to choose from: a list, or a template that gives one. */
  texts: template.describe("the texts to choose from: a list, or a template that gives one"),
  /** The right one: its place from 0, its letter, or one of `labels`. */
  right: template.describe("the right one: its place from 0, its letter, or one of labels"),
  /** What `right` is one of, in the order of the texts. */
  labels: template.optional().describe("what right is one of, in the order of the texts"),
  /** In another order for each row, always the same one; for files whose right one stands first. */
  shuffle: z.boolean().default(false)
    .describe("in another order for each row, which is always the same"),
});

const shots = z.strictObject({
  ...rowsOf,
  /** The rows themselves. */
  rows: z.array(z.record(z.string(), z.unknown())).optional(),
  /** So many of them, from the first. */
  count: z.int().min(1).default(5),
  /** Only rows that have the same value in this field. */
  same: nonEmpty.optional().describe("only rows that have the same value in this field"),
}).refine(({ file, rows }) => (file === undefined) !== (rows === undefined), {
  message: `give either "file" or "rows"`,
});

/** The form of such a suite. */
export const rowSuiteSchema = z.strictObject({
  $schema: schemaField,
  test_suite_id: nonEmpty,
  version: z.string().optional(),
  description: z.string().optional(),
  /** Where the rows are. */
  rows: z.strictObject({ ...rowsOf, file: nonEmpty }),
  /** Of rows with choices: `choices`, `letter` in templates. */
  choices: choices.optional().describe("of rows with choices"),
  /** Examples before the question: `shots` in templates. */
  shots: shots.optional().describe("examples that are shown before the question"),
  /** A test, with `{{ row.FIELD }}` where a row's value belongs. */
  test: z.strictObject({
    id: template.optional(),
    name: template.optional(),
    category: template.optional(),
    prompt: template.optional(),
    messages: template.optional(),
    parameters: template.optional(),
    answer: template.optional(),
    label: template.optional(),
    evaluator: template.optional(),
  }).describe("a test, with {{ row.FIELD }} where a row's value belongs"),
}).register(fileForms, {
  name: "row-suite",
  title: "a suite of dyno whose tests are a file's rows",
});

/** A suite whose tests are made of rows. */
export interface RowSuite extends OutputOf<typeof rowSuiteSchema> {}
