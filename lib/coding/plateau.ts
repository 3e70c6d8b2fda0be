/** Detects when more attempts of the same kind will not help. */
import type { Tried } from "../run/attempt.ts";

/** After this many similar attempts the prompt for a review says so. */
export const PLATEAU_ATTEMPTS = 3;

/**
 * Whether the last attempts are no better than each other: the same share of checks passed, some but not
 * all, or the same code failed in the same way.
 */
export function isPlateau(tried: readonly Tried[], attempts = PLATEAU_ATTEMPTS): boolean {
  const recent = tried.slice(-attempts);
  if (recent.length < attempts) return false;
  const [last] = recent.slice(-1);
  const rate = last.pass_rate ?? 0;
  if (rate > 0 && rate < 1 && recent.every(({ pass_rate }) => pass_rate === rate)) return true;
  return recent.every(({ outcome, detail, code }) =>
    outcome === last.outcome && detail === last.detail && code === last.code
  );
}
