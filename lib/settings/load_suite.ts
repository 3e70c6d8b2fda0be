/** Loading a suite file. */
import { dirname, resolve } from "node:path";
import { InputError } from "../errors.ts";
import { didYouMean } from "../text/nearest.ts";
import { checkJson, parseJson, positionOf, readJsonFile } from "./json_file.ts";
import { suiteSchema } from "./suite.ts";
import type { JsonFile } from "./json_file.ts";
import type { Suite } from "./suite.ts";

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
  /** What was ignored, one line each. */
  warnings: string[];
}

const SUITE_FIELDS = ["$schema", "test_suite_id", "version", "description", "evaluator", "tests"];
const TEST_FIELDS = [
  "id",
  "name",
  "category",
  "description",
  "reasoning_type",
  "prompt",
  "messages",
  "parameters",
  "evaluator",
];

/**
 * Reads a suite.
 *
 * @throws {InputError} file, line and column of what is wrong: JSON, a missing field, no tests, two
 * tests with one id.
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
    warnings: unknownFields(file.path, suite),
  };
}

function refuseDuplicates(file: JsonFile, suite: Suite): void {
  const first = new Map<string, number>();
  suite.tests.forEach(({ id }, i) => {
    const earlier = first.get(id);
    if (earlier !== undefined) {
      const at = positionOf(file.text, ["tests", i, "id"]);
      throw new InputError(
        `${file.path}:${at}: tests[${i}].id: "${id}" is already the id of tests[${earlier}]; ids must differ`,
      );
    }
    first.set(id, i);
  });
}

/** Fields that nothing reads; most are a misspelling or belong to another tool. */
function unknownFields(path: string, suite: Suite): string[] {
  const warnings: string[] = [];
  const look = (where: string, value: object, known: string[]) => {
    for (const field of Object.keys(value)) {
      if (known.includes(field)) continue;
      const line = `${path}: ${where}"${field}" is not a field that is read${
        didYouMean(field, known)
      }`;
      if (!warnings.includes(line)) warnings.push(line);
    }
  };
  look("", suite, SUITE_FIELDS);
  for (const test of suite.tests) look("in tests, ", test, TEST_FIELDS);
  return warnings;
}
