/** Shares of one as people read them. */

/**
 * A share in percent: 0.873 is `87.3 %`; a dash when it is unknown.
 *
 * @param digits after the point: by default one, and two below 1 %, so that few are not none.
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
