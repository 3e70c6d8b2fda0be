/** Loads a suite file. */
import { dirname, resolve } from "node:path";
import { InputError } from "../errors.ts";
import { checkJson, type JsonFile, parseJson, positionOf, readJsonFile } from "./json_file.ts";
import { type Suite, suiteSchema } from "./suite.ts";

/** A suite and its source. */
export interface LoadedSuite {
  /** Its path, for messages and the run's metadata. */
  path: string;
  /** The folder to which paths in the suite are relative. */
  directory: string;
  /** The file's text, of which the run keeps a copy. */
  text: string;
  /** The suite itself. */
  suite: Suite;
  /**
   * Returns the place of a value as `line:column`, for a suite whose text was converted from another one.
   */
  at?(path: readonly (string | number)[]): string | null;
}

/**
 * Reads a suite.
 *
 * @throws {InputError} what is wrong, with file, line and column: JSON, a missing or unknown field, no
 * tests, two tests with the same id.
 */
export async function loadSuite(path: string): Promise<LoadedSuite> {
  return suiteOf(await readJsonFile(path));
}

/** Reads a suite from its text, like {@linkcode loadSuite}; `path` is for messages. */
export function parseSuite(path: string, text: string): LoadedSuite {
  return suiteOf(parseJson(path, text));
}

/** Checks parsed JSON as a suite. */
export function suiteOf(file: JsonFile): LoadedSuite {
  const suite = checkJson(file, suiteSchema);
  refuseDuplicates(file, suite);
  return {
    path: file.path,
    directory: dirname(resolve(file.path)),
    text: file.text,
    suite,
    ...(file.at === undefined ? {} : { at: file.at }),
  };
}

function refuseDuplicates(file: JsonFile, suite: Suite): void {
  const first = new Map<string, number>();
  suite.tests.forEach(({ id }, i) => {
    const earlier = first.get(id);
    if (earlier !== undefined) {
      const at = positionOf(file, ["tests", i, "id"]);
      throw new InputError(
        `${file.path}:${at}: tests[${i}].id: "${id}" is already the id of tests[${earlier}]; ids must differ`,
      );
    }
    first.set(id, i);
  });
}
