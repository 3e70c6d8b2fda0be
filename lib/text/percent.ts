/** Formats shares as percentages. */

/**
 * A share in percent: 0.873 is `87.3 %`; a dash if it is unknown.
 *
 * @param digits decimals: by default one, and two below 1 %, so that small shares are not shown as
 * 0.
 */
export function percentText(
  share: number | null | undefined,
  digits: number = share && Math.abs(share) < 0.01 ? 2 : 1,
): string {
  return share === null || share === undefined ? "–" : `${(100 * share).toFixed(digits)} %`;
}

/** A share and its interval: `87.3 % [80.1, 92.0]`. @param digits of the interval's ends. */
export function percentEstimate(
  { value, low, high }: { value: number; low: number; high: number },
  digits = 1,
): string {
  const end = (share: number) => (100 * share).toFixed(digits);
  return `${percentText(value)} [${end(low)}, ${end(high)}]`;
}
