/** The schema of a suite whose tests are made from rows of a data set's file, with templates. */
import { z } from "zod";
import { fileForms, nonEmpty, type OutputOf, schemaField } from "./setting.ts";

/** The source of rows: a file, or a list in the suite. */
const rowsOf = {
  /** A file of rows: JSON lines, JSON, CSV or Parquet, relative to this file. */
  file: nonEmpty.optional().describe(
    "a file of rows: JSON lines, JSON, CSV or Parquet, beside this one",
  ),
  /** Where to get that file, for people. */
  source: z.string().optional().describe("where that file comes from"),
};

/** A text with `{{ … }}` in it, or any value with such texts inside. */
const template = z.unknown();

const choices = z.strictObject({
  /** The choices: a list of texts, or a template that returns one. */
  texts: template.describe("the texts to choose from: a list, or a template that gives one"),
  /** The right choice: its index from 0, its letter, or one of `labels`. */
  right: template.describe("the right one: its place from 0, its letter, or one of labels"),
  /** The values that `right` can have, in the order of the choices. */
  labels: template.optional().describe("the values that right can have, in the order of the texts"),
  /**
   * Shuffles the choices of each row, always in the same way; for files where the right one comes first.
   */
  shuffle: z.boolean().default(false)
    .describe("shuffle the texts of each row, always in the same way"),
});

const shots = z.strictObject({
  ...rowsOf,
  /** The rows themselves. */
  rows: z.array(z.record(z.string(), z.unknown())).optional(),
  /** The number of rows, from the first. */
  count: z.int().min(1).default(5),
  /** Uses only rows with the same value in this field as the test's row. */
  same: nonEmpty.optional().describe("only rows that have the same value in this field"),
}).refine(({ file, rows }) => (file === undefined) !== (rows === undefined), {
  message: `give either "file" or "rows"`,
});

/** The schema of such a suite. */
export const rowSuiteSchema = z.strictObject({
  $schema: schemaField,
  test_suite_id: nonEmpty.describe("the suite's name in runs and reports"),
  version: z.string().optional().describe("the suite's own version, kept with each run"),
  description: z.string().optional().describe("what the suite asks, for people"),
  /** The source of the rows. */
  rows: z.strictObject({ ...rowsOf, file: nonEmpty }),
  /** Choices of each row: `choices` and `letter` in templates. */
  choices: choices.optional().describe("of rows with choices"),
  /** Examples before the question: `shots` in templates. */
  shots: shots.optional().describe("examples that are shown before the question"),
  /** A test, with `{{ row.FIELD }}` for values of the row. */
  test: z.strictObject({
    id: template.optional().describe(
      "unique in the suite; default the row's number",
    ),
    name: template.optional().describe("what people read; default the suite's name and the id"),
    category: template.optional().describe(
      "the group that the test is counted in; default the suite's name",
    ),
    prompt: template.optional().describe("the text that is asked; this or messages"),
    messages: template.optional().describe("a conversation that is asked; this or prompt"),
    parameters: template.optional().describe("sampling parameters, sent as they are"),
    answer: template.optional().describe("an answer that is judged as it is, without asking"),
    label: template.optional().describe(
      "what people chose for this answer, of the judge's choices",
    ),
    evaluator: template.optional().describe("how the answer is judged"),
  }).describe("a test, with {{ row.FIELD }} where a row's value belongs"),
}).register(fileForms, {
  name: "row-suite",
  title: "a suite of dyno whose tests are a file's rows",
});

/** A suite whose tests are made from rows. */
export interface RowSuite extends OutputOf<typeof rowSuiteSchema> {}
