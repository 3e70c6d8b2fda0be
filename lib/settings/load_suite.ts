/** Loading a suite file. */
import { dirname, resolve } from "node:path";
import { InputError } from "../errors.ts";
import { checkJson, type JsonFile, parseJson, positionOf, readJsonFile } from "./json_file.ts";
import { type Suite, suiteSchema } from "./suite.ts";

/** A suite and where it came from. */
export interface LoadedSuite {
  /** Where it was read, for messages and the run's metadata. */
  path: string;
  /** The folder that paths in the suite are relative to. */
  directory: string;
  /** The file's text, which the run keeps a copy of. */
  text: string;
  /** The suite itself. */
  suite: Suite;
  /** Where a value stands, as `line:column`, of a suite whose text is not what was written. */
  at?(path: readonly (string | number)[]): string | null;
}

/**
 * Reads a suite.
 *
 * @throws {InputError} file, line and column of what is wrong: JSON, a missing or unknown field, no
 * tests, two tests with one id.
 */
export async function loadSuite(path: string): Promise<LoadedSuite> {
  return suiteOf(await readJsonFile(path));
}

/** Reads a suite from its text, as {@linkcode loadSuite} does; `path` is for messages. */
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
