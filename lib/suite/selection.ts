/** Chooses tests of a suite: by id, by category, by number. */
import { InputError } from "../errors.ts";
import { didYouMean } from "../text/nearest.ts";
import type { Suite, TestCase } from "../settings/suite.ts";

/** Which tests to run; parts that are left out do not restrict. */
export interface Selection {
  /** Test ids. */
  tests?: readonly string[];
  /** Categories: names in any letter case, `*` and `?` as wildcards, or a part of a name. */
  categories?: readonly string[];
  /** At most this many, from the start of the suite. */
  limit?: number;
  /** How often each test is asked. Default 1. */
  epochs?: number;
}

/**
 * The ids of a category's tests, sorted. The category may be given in any letter case, with wildcards
 * (`math*`), or in part when no category has exactly that name. Empty if none matches.
 */
export function testIdsByCategory(suite: Suite, category: string): string[] {
  const matches = categoryMatcher(suite, category);
  return suite.tests.filter((test) => matches(test.category)).map((test) => test.id).sort();
}

/**
 * The tests that match every part of the selection, in the suite's order.
 *
 * @throws {InputError} an id or category that the suite does not have; the message lists the nearest
 * ones.
 */
export function selectTests(suite: Suite, selection: Selection): TestCase[] {
  const wanted = selection.tests && new Set(selection.tests);
  const categories = selection.categories?.map((category) => knownCategory(suite, category));
  checkIds(suite, selection.tests ?? []);
  const chosen = suite.tests.filter((test) =>
    (!wanted || wanted.has(test.id)) &&
    (!categories || categories.some((matches) => matches(test.category)))
  );
  if (chosen.length === 0) {
    throw new InputError("no test matches both --tests and --category");
  }
  return chosen.slice(0, selection.limit ?? chosen.length);
}

/** The suite's categories in order of first appearance. */
export function categoriesOf(tests: readonly { category: string }[]): string[] {
  return [...new Set(tests.map((test) => test.category))];
}

function checkIds(suite: Suite, ids: readonly string[]): void {
  const known = new Set(suite.tests.map((test) => test.id));
  for (const id of ids) {
    if (!known.has(id)) {
      throw new InputError(`--tests: the suite has no test "${id}"${didYouMean(id, known)}`);
    }
  }
}

function knownCategory(suite: Suite, category: string): (name: string) => boolean {
  const matches = categoryMatcher(suite, category);
  const names = categoriesOf(suite.tests);
  if (names.some(matches)) return matches;
  const hint = didYouMean(category, names) || `; it has: ${names.slice(0, 20).join(", ")}`;
  throw new InputError(`--category: no category of the suite matches "${category}"${hint}`);
}

function categoryMatcher(suite: Suite, category: string): (name: string) => boolean {
  const wanted = category.toLowerCase();
  if (/[*?]/.test(wanted)) {
    const pattern = wanted.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")
      .replaceAll("?", ".");
    const whole = new RegExp(`^${pattern}$`, "s");
    return (name) => whole.test(name.toLowerCase());
  }
  const exact = suite.tests.some((test) => test.category.toLowerCase() === wanted);
  return exact
    ? (name) => name.toLowerCase() === wanted
    : (name) => name.toLowerCase().includes(wanted);
}
