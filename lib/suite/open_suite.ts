/** Suites in every form that dyno runs: its own, and those made of a file's rows. */
import { InputError } from "../errors.ts";
import { suiteOf } from "../settings/load_suite.ts";
import { readJsonFile } from "../settings/json_file.ts";
import type { JsonFile } from "../settings/json_file.ts";
import type { LoadedSuite } from "../settings/load_suite.ts";

/**
 * Reads a suite, JSON or YAML; one that is made of a data set's rows with its tests.
 *
 * @param data the rows' file, in place of the one that the suite names.
 * @throws {InputError} what is wrong, with file, line and column.
 */
export async function openSuite(path: string, data?: string): Promise<LoadedSuite> {
  return await suiteIn(await readJsonFile(path), data);
}

/** The suite in a file that was read; see {@linkcode openSuite}. */
export async function suiteIn(file: JsonFile, data?: string): Promise<LoadedSuite> {
  const fields = typeof file.value === "object" && file.value !== null ? file.value : {};
  if (!("rows" in fields)) {
    if (data === undefined) return suiteOf(file);
    throw new InputError(`--data ${data}: ${file.path} has tests of its own, and takes no rows`);
  }
  const { expandRows } = await import("./rows/expand.ts"); // templates are loaded only then
  const value = await expandRows(file, data);
  return suiteOf({ path: file.path, text: JSON.stringify(value), value });
}
