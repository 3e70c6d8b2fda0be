/** Formats numbers for people. */

/**
 * A number with commas between thousands and this many decimals. toLocaleString would first load
 * language rules, which takes 25 ms of a command's second.
 */
export function grouped(value: number, digits = 0): string {
  const [whole, ...fraction] = value.toFixed(digits).split(".");
  return [whole.replace(/\B(?=(\d{3})+$)/g, ","), ...fraction].join(".");
}

/** A number and its noun, which is plural unless the number is 1: `4,480 records`. */
export function counted(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** Smaller values are rounding errors of binary fractions, not figures. */
const NOTHING = 1e-12;

/**
 * A figure with this many digits, never in scientific notation; integers have commas between
 * thousands.
 */
export function inDigits(value: number, digits = 4): string {
  const size = Math.abs(value);
  if (size < NOTHING) return "0";
  if (size < 1e-6) return value.toFixed(digits - 1 - Math.floor(Math.log10(size)));
  const whole = Math.abs(value) >= 10 ** (digits - 1);
  return whole ? grouped(Math.round(value)) : value.toPrecision(digits);
}
