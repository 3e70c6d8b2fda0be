/** Makes a suite's tests from the rows of a file. */
import { dirname, resolve } from "node:path";
import { existsSync } from "node:fs";
import { InputError, messageOf } from "../../errors.ts";
import { readRows } from "../../settings/rows_file.ts";
import type { FileRow } from "../../formats/tables.ts";
import { itemId } from "../../settings/item_id.ts";
import { checkJson, type JsonFile, positionOf, showPath } from "../../settings/json_file.ts";
import { type RowSuite, rowSuiteSchema } from "../../settings/row_suite.ts";
import { checked } from "../../settings/setting.ts";
import { type Suite, type TestCase, testSchema } from "../../settings/suite.ts";
import { seededRandom, shuffled } from "../../stats/random.ts";
import { pathBeside } from "../beside.ts";
import { didYouMean } from "../../text/nearest.ts";
import { similarNames } from "../../text/no_such_file.ts";
import { filled, TemplateFault } from "./template.ts";

type Fields = Record<string, unknown>;

/** The variables for templates. */
interface Variables {
  row: Fields;
  /** The row's number in the file, from 1. */
  number: number;
  /** The choices, each with its letter; null when there are none. */
  choices: { letter: string; text: unknown }[] | null;
  /** The letter of the right choice; null when there are no choices. */
  letter: string | null;
}

/**
 * The tests that a suite's definition makes from a file's rows.
 *
 * @param data the file, instead of the one that the definition names.
 * @throws {InputError} a fault in the definition, with its place; a missing file, with where to get it; a
 * template that does not fit a row, with both places.
 */
export async function expandRows(file: JsonFile, data?: string): Promise<Suite> {
  const definition = checkJson(file, rowSuiteSchema);
  const { rows, shots: shown, choices: _choices, test: _test, $schema: _form, ...rest } =
    definition;
  const found = await rowsAt(file, "rows", { ...rows, ...(data === undefined ? {} : { data }) });
  const examples = shown === undefined ? [] : shown.rows?.map((fields, i) => ({
    fields,
    where: () => `${file.path}: shots.rows[${i}]`,
  })) ?? await rowsAt(file, "shots", { file: shown.file!, source: shown.source });
  const shots = examples.map((row, i) => variablesOf(row, i, file, definition));
  const tests = found.map((row, i) => testOf(row, i, shots, file, definition));
  if (tests.length === 0) throw new InputError(`${data ?? rows.file}: has no rows`);
  return { ...rest, tests };
}

async function rowsAt(
  suite: JsonFile,
  field: string,
  { file, source, data }: { file: string; source?: string; data?: string },
): Promise<FileRow[]> {
  if (data !== undefined) return await readRows(data);
  const { path } = suite;
  const wrong = (why: string) =>
    new InputError(`${path}:${positionOf(suite, [field, "file"])}: ${field}.file: ${why}`);
  const beside = resolve(dirname(path), file);
  if (existsSync(beside)) {
    try {
      pathBeside(dirname(path), file);
    } catch (error) {
      throw wrong(`${messageOf(error)}, or give its path with --data`);
    }
    return await readRows(beside);
  }
  const from = source === undefined ? "" : `; it comes from ${source}`;
  const flag = field === "rows" ? ", or give its path with --data" : "";
  throw wrong(`${beside}: no such file${similarNames(beside)}${from}. Put it there${flag}`);
}

function testOf(
  row: FileRow,
  i: number,
  shots: Variables[],
  file: JsonFile,
  definition: RowSuite,
): TestCase {
  const { shots: shown, test } = definition;
  const own = variablesOf(row, i, file, definition);
  const same = shown?.same;
  const fitting = same === undefined
    ? shots
    : shots.filter((shot) => shot.row[same] === own.row[same]);
  const variables = { ...own, shots: fitting.slice(0, shown?.count) };
  const made = fill(file, row, ["test"], { ...test }, variables) as Fields;
  const id = made.id === undefined ? String(own.number) : String(made.id);
  const result = checked(testSchema, {
    ...made,
    id,
    name: String(made.name ?? `${definition.test_suite_id} ${id}`),
    category: String(made.category ?? definition.test_suite_id),
  });
  if ("value" in result) return result.value;
  const [{ path, message, found }] = result.complaints;
  throw misfit(file, row, ["test", ...path], `${message}${found}`);
}

function variablesOf(
  row: FileRow,
  i: number,
  file: JsonFile,
  { choices }: RowSuite,
): Variables {
  const plain = { row: row.fields, number: i + 1 };
  if (choices === undefined) return { ...plain, choices: null, letter: null };
  const part = (name: "texts" | "labels" | "right") =>
    fill(file, row, ["choices", name], choices[name], plain);
  const texts = part("texts"), labels = part("labels"), right = part("right");
  if (!Array.isArray(texts) || texts.length < 2 || texts.length > 26) {
    throw misfit(file, row, ["choices", "texts"], "expected a list of 2 to 26 texts");
  }
  const place = placeOf(right, texts.length, labels);
  if (place === null) {
    const wanted = labels === undefined
      ? `a place from 0 to ${texts.length - 1}, or a letter`
      : `one of ${JSON.stringify(labels)}`;
    throw misfit(file, row, ["choices", "right"], `${JSON.stringify(right)}; expected ${wanted}`);
  }
  const order = choices.shuffle ? placesOf(texts) : texts.map((_, at) => at);
  return {
    ...plain,
    choices: order.map((from, to) => ({ letter: letterOf(to), text: texts[from] })),
    letter: letterOf(order.indexOf(place)),
  };
}

function placeOf(right: unknown, count: number, labels: unknown): number | null {
  if (Array.isArray(labels)) {
    const at = labels.map(String).indexOf(String(right));
    return at >= 0 && at < count ? at : null;
  }
  const text = String(right).trim();
  const at = /^\d+$/.test(text)
    ? Number(text)
    : /^[A-Za-z]$/.test(text)
    ? text.toUpperCase().charCodeAt(0) - 65
    : -1;
  return at >= 0 && at < count ? at : null;
}

function letterOf(place: number): string {
  return String.fromCharCode(65 + place);
}

/** A shuffled order that depends only on the texts. */
function placesOf(texts: readonly unknown[]): number[] {
  const random = seededRandom(parseInt(itemId(texts).slice(0, 8), 16));
  return shuffled([...texts.keys()], random);
}

function fill(
  file: JsonFile,
  row: FileRow,
  path: readonly (string | number)[],
  template: unknown,
  variables: object,
): unknown {
  try {
    return filled(template, variables, path);
  } catch (error) {
    const at = error instanceof TemplateFault ? error.path : path;
    const [, name] = /undefined variable: row\.(\w+)/.exec(messageOf(error)) ?? [];
    const hint = name === undefined ? "" : didYouMean(name, Object.keys(row.fields));
    throw misfit(file, row, at, `${messageOf(error)}${hint}`);
  }
}

/** The error for a row that does not fit, with the place in the suite and the row. */
function misfit(
  file: JsonFile,
  row: FileRow,
  path: readonly (string | number)[],
  why: string,
): InputError {
  const place = `${file.path}:${positionOf(file, path)}: ${showPath(path)}`;
  return new InputError(`${place}: ${why} (of the row at ${row.where()})`);
}
