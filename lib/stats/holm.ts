/** P-values of several comparisons together. */

/**
 * Holm's step-down adjusted p-values, in the order given: for the i-th smallest of m (from 0), the
 * largest (m − j)·p₍ⱼ₎ over j ≤ i, at most 1. Rejecting those at or below α keeps the chance of any false
 * rejection at α, whatever the dependence (S. Holm, Scandinavian Journal of Statistics 6, 1979).
 *
 * @throws {RangeError} a value is outside 0 to 1.
 */
export function holmAdjusted(pValues: readonly number[]): number[] {
  const wrong = pValues.find((p) => !(p >= 0 && p <= 1));
  if (wrong !== undefined) throw new RangeError(`${wrong} is not a p-value`);
  const order = pValues.map((_, i) => i).sort((i, j) => pValues[i] - pValues[j]);
  const adjusted = new Array<number>(pValues.length);
  let largest = 0;
  order.forEach((index, rank) => {
    largest = Math.max(largest, Math.min(1, (pValues.length - rank) * pValues[index]));
    adjusted[index] = largest;
  });
  return adjusted;
}
