/** How costs are written where they are summed up. */

/** Dollars with four decimals, or with as many more as two digits of a small amount take: never 0 for some. */
export function dollars(value: number): string {
  const decimals = value > 0 ? Math.max(4, 1 - Math.floor(Math.log10(value))) : 4;
  return `$${value.toFixed(Math.min(decimals, 20))}`;
}
