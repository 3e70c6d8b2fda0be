/** How well two raters agree who sort the same items into categories, beyond chance. */
import { studentTQuantile } from "./distributions.ts";
import { type Estimate, shareEstimate } from "./interval.ts";

/** Two raters' categories for one item. */
export interface SortedPair {
  first: string;
  second: string;
  /** The group of items that are similar, such as answers to one problem. */
  group: string;
}

/** How well two raters agree. */
export interface Agreement {
  /** Items that both raters sorted. */
  n: number;
  /** Share of items on which they agree, with Wilson interval; null when there are none. */
  agreed: Estimate | null;
  /** Cohen's kappa; null when both put everything into the same one category, or there are no items. */
  kappa: number | null;
  /**
   * kappa with its 95 % interval; null below two groups, and when the error is unknown, as when all
   * agree.
   */
  estimate: Estimate | null;
}

/**
 * Cohen's kappa (p_o − p_e) / (1 − p_e) (J. Cohen, Educational and Psychological Measurement 20, 1960).
 * Its interval is κ ± t₀.₉₇₅ · s with G − 1 degrees of freedom for G groups, where s is the error by the
 * delta method, summed within groups. With one pair per group it is the error of J. L. Fleiss, J. Cohen
 * and B. S. Everitt (Psychological Bulletin 72, 1969), multiplied by √(G/(G−1)).
 */
export function cohenKappa(pairs: readonly SortedPair[]): Agreement {
  const n = pairs.length;
  const same = pairs.filter(({ first, second }) => first === second).length;
  const agreed = shareEstimate(same, n);
  const firsts = sharesOf(pairs.map(({ first }) => first));
  const seconds = sharesOf(pairs.map(({ second }) => second));
  const chance = [...firsts].reduce(
    (sum, [name, share]) => sum + share * (seconds.get(name) ?? 0),
    0,
  );
  const categories = new Set([...firsts.keys(), ...seconds.keys()]);
  if (categories.size < 2) return { n, agreed, kappa: null, estimate: null };
  const observed = same / n;
  const kappa = (observed - chance) / (1 - chance);
  const sums = new Map<string, number>();
  for (const { first, second, group } of pairs) {
    const agrees = Number(first === second) - observed;
    const expects = (seconds.get(first) ?? 0) + (firsts.get(second) ?? 0) - 2 * chance;
    const pull = (agrees * (1 - chance) - (1 - observed) * expects) / (1 - chance) ** 2;
    sums.set(group, (sums.get(group) ?? 0) + pull);
  }
  const groups = sums.size;
  const squares = [...sums.values()].reduce((sum, each) => sum + each * each, 0);
  const error = Math.sqrt(groups / (groups - 1) * squares) / n;
  if (groups < 2 || error < 1e-12) return { n, agreed, kappa, estimate: null };
  const half = studentTQuantile(0.975, groups - 1) * error;
  const low = Math.max(-1, kappa - half), high = Math.min(1, kappa + half);
  return { n, agreed, kappa, estimate: { value: kappa, low, high, n, method: "cluster-robust t" } };
}

function sharesOf(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return new Map([...counts].map(([name, count]) => [name, count / names.length]));
}
