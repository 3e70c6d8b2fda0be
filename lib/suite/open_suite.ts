/** Suites in every form that dyno runs: its own, those made of a file's rows, and other programs'. */
import { InputError } from "../errors.ts";
import { asObject, type JsonObject } from "../json_fields.ts";
import { type LoadedSuite, suiteOf } from "../settings/load_suite.ts";
import { type JsonFile, positionOf, readJsonFile } from "../settings/json_file.ts";

/**
 * Reads a suite, JSON or YAML; one that is made of a data set's rows with its tests.
 *
 * @param data the rows' file, instead of the one that the suite names.
 * @throws {InputError} what is wrong, with file, line and column.
 */
export async function openSuite(path: string, data?: string): Promise<LoadedSuite> {
  return await suiteIn(await readJsonFile(path), data);
}

/** The suite in a file that was read; see {@linkcode openSuite}. */
export async function suiteIn(file: JsonFile, data?: string): Promise<LoadedSuite> {
  const fields = asObject(file.value) ?? {};
  if (!("rows" in fields || "test" in fields && !("tests" in fields))) {
    if (data === undefined) {
      if (!isPromptfoo(fields)) return suiteOf(file);
      const { promptfooSuite } = await import("./foreign/promptfoo.ts");
      // a test's place is that of the list's test that it was made of
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
  const { expandRows } = await import("./rows/expand.ts"); // templates are loaded only then
  const made = await expandRows(file, data);
  return madeSuite(
    file.path,
    made,
    ([list, _row, ...more]) => positionOf(file, list === "tests" ? ["test", ...more] : []),
  );
}

/**
 * The tests in another program's JSON lines; null for coding problems, and what else dyno does not know.
 *
 * @throws {InputError} a known form that dyno does not run, by its name.
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

/** @param at where in the file stands what a part of the suite was made of. */
function madeSuite(
  path: string,
  value: object,
  at: NonNullable<LoadedSuite["at"]>,
): LoadedSuite {
  return suiteOf({ path, text: JSON.stringify(value), value, at });
}

/** Whether a file is meant as promptfoo's configuration. */
function isPromptfoo(value: JsonObject): boolean {
  return !("test_suite_id" in value) && "prompts" in value &&
    ("tests" in value || "providers" in value || "scenarios" in value);
}
