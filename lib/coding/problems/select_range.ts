/** Chooses problems by their positions. */
import { InputError } from "../../errors.ts";
import { counted } from "../../text/grouped.ts";

/** More digits than a position can have. */
const PLACE = /^\d{1,9}$/;

/**
 * The problems that a range selects, in order and without repeats. The end of a range is not included:
 * `--range 0-10` selects the first ten. Single positions and lists of both are allowed.
 *
 * @example
 * ```ts
 * const problems = ["a", "b", "c", "d", "e"];
 * selectRange(problems, "0-3"); // ["a", "b", "c"]
 * selectRange(problems, "0,2-4"); // ["a", "c", "d"]
 * ```
 * @throws {InputError} a malformed range, an empty one, or one beyond the last problem.
 */
export function selectRange<T>(problems: readonly T[], range: string): T[] {
  const fail = (part: string, what: string) =>
    new InputError(
      `--range: "${part.trim()}" ${what}; give places from 0, such as 0-10 (the end is not included), 7 or 0,3,7-9`,
    );
  const chosen = new Set<number>();
  for (const part of range.split(",")) {
    const [first, second, ...more] = part.split("-").map((place) => place.trim());
    if (more.length || !PLACE.test(first) || (second !== undefined && !PLACE.test(second))) {
      throw fail(part, "is not a range");
    }
    const from = Number(first);
    const to = second === undefined ? from + 1 : Number(second);
    if (to <= from) throw fail(part, "holds nothing");
    if (to > problems.length) {
      const count = problems.length;
      throw fail(part, `goes beyond the ${counted(count, "problem")}`);
    }
    for (let place = from; place < to; place++) chosen.add(place);
  }
  return [...chosen].sort((a, b) => a - b).map((place) => problems[place]);
}
