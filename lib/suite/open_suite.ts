/**
 * Opens suites in every format that dyno runs: its own, those made from a file's rows, and other
 * programs'.
 */
import { InputError } from "../errors.ts";
import { asObject, type JsonObject } from "../json_fields.ts";
import { type LoadedSuite, suiteOf } from "../settings/load_suite.ts";
import { type JsonFile, positionOf, readJsonFile } from "../settings/json_file.ts";

/**
 * Reads a suite in JSON or YAML. If it is defined by the rows of a data set, the result has the tests.
 *
 * @param data the rows' file, instead of the one that the suite names.
 * @throws {InputError} what is wrong, with file, line and column.
 */
export async function openSuite(path: string, data?: string): Promise<LoadedSuite> {
  return await suiteIn(await readJsonFile(path), data);
}

/** The suite in a file that was already read; see {@linkcode openSuite}. */
export async function suiteIn(file: JsonFile, data?: string): Promise<LoadedSuite> {
  const fields = asObject(file.value) ?? {};
  if (!("rows" in fields || "test" in fields && !("tests" in fields))) {
    if (data === undefined) {
      if (!isPromptfoo(fields)) return suiteOf(file);
      const { promptfooSuite } = await import("./foreign/promptfoo.ts");
      // a test's place is that of the template in the list that it was made from
      const { prompts } = fields;
      const each = Array.isArray(prompts) ? prompts.length : 1;
      return madeSuite(
        file.path,
        promptfooSuite(file),
        ([list, i]) =>
          positionOf(file, list === "tests" ? [list, Math.floor(Number(i) / each)] : []),
      );
    }
    throw new InputError(`--data ${data}: ${file.path} has its own tests, and takes no rows`);
  }
  const { expandRows } = await import("./rows/expand.ts"); // templates are loaded only when needed
  const made = await expandRows(file, data);
  return madeSuite(
    file.path,
    made,
    ([list, _row, ...more]) => positionOf(file, list === "tests" ? ["test", ...more] : []),
  );
}

/**
 * The tests in another program's JSON lines; null for coding problems and unknown formats.
 *
 * @throws {InputError} a known format that dyno does not run; the message names it.
 */
export async function linesSuite(path: string): Promise<LoadedSuite | null> {
  const { evalsSuite } = await import("./foreign/json_lines.ts");
  const found = await evalsSuite(path);
  if (found === null) return null;
  const { lines, ...value } = found;
  return madeSuite(
    path,
    value,
    ([list, i]) => `${list === "tests" ? lines[Number(i)] ?? 1 : 1}:1`,
  );
}

/** @param at returns the place in the file of what a part of the suite was made from. */
function madeSuite(
  path: string,
  value: object,
  at: NonNullable<LoadedSuite["at"]>,
): LoadedSuite {
  return suiteOf({ path, text: JSON.stringify(value), value, at });
}

/** Whether a file looks like promptfoo's configuration. */
function isPromptfoo(value: JsonObject): boolean {
  return !("test_suite_id" in value) && "prompts" in value &&
    ("tests" in value || "providers" in value || "scenarios" in value);
}
