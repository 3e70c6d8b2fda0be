/** The Cartesian product of a matrix of settings. */

/**
 * Every combination of the values of a matrix. Keys keep their order; the last one varies fastest.
 *
 * @example
 * ```ts
 * expandMatrix({ rate: [1, 2], seed: [7] }); // [{ rate: 1, seed: 7 }, { rate: 2, seed: 7 }]
 * ```
 */
export function expandMatrix(
  matrix: Readonly<Record<string, readonly unknown[]>>,
): Record<string, unknown>[] {
  return Object.entries(matrix).reduce<Record<string, unknown>[]>(
    (combinations, [key, values]) =>
      combinations.flatMap((before) => values.map((value) => ({ ...before, [key]: value }))),
    [{}],
  );
}
