/** Whole numbers for people. */

/**
 * A whole number with commas between its thousands: `12,345`. As `toLocaleString("en")` writes it, which
 * takes a short command a tenth of its time: it loads the tables of all languages.
 */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}
