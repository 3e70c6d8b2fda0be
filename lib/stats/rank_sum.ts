/** Whether values of one sample tend to be larger than those of another. */
import { normalCdf } from "./distributions.ts";

/** Up to so many values a side, and without ties, the p-value is exact. */
const EXACT_TO = 20;

/** A test of Mann and Whitney. */
export interface RankSum {
  /** Pairs in which the second's value is larger; equal ones count half. */
  u: number;
  /** u as a share of all pairs: ½ where neither tends to be larger. */
  second_larger: number;
  /** Two-sided. */
  p: number;
  method: "exact" | "normal";
}

/**
 * The rank sum test of two independent samples (H. Mann and D. Whitney, Annals of Mathematical
 * Statistics 18, 1947). The p-value is exact for up to 20 values a side without ties; otherwise
 * from the normal approximation with the variance m·n/12·(N + 1 − Σ(t³ − t)/(N·(N − 1))) for ties of
 * t values and a continuity correction of ½. Null for an empty sample.
 */
export function rankSum(first: readonly number[], second: readonly number[]): RankSum | null {
  const m = first.length, n = second.length, all = m + n;
  if (m === 0 || n === 0) return null;
  const pooled = [
    ...first.map((value) => ({ value, second: 0 })),
    ...second.map((value) => ({ value, second: 1 })),
  ].sort((a, b) => a.value - b.value);
  let rankSumOfSecond = 0;
  let ties = 0;
  for (let start = 0, end = 0; start < all; start = end) {
    let seconds = 0;
    for (end = start; end < all && pooled[end].value === pooled[start].value; end++) {
      seconds += pooled[end].second;
    }
    // the mean rank of those that tie, ranks from 1
    rankSumOfSecond += seconds * (start + 1 + end) / 2;
    const size = end - start;
    ties += size ** 3 - size;
    if (size === 0) throw new RangeError("a rank is for numbers, not NaN");
  }
  const u = rankSumOfSecond - n * (n + 1) / 2;
  const found = { u, second_larger: u / (m * n) };
  if (ties === 0 && m <= EXACT_TO && n <= EXACT_TO) {
    return { ...found, p: exactP(u, m, n), method: "exact" };
  }
  const variance = m * n / 12 * (all + 1 - ties / (all * (all - 1)));
  const off = Math.max(0, Math.abs(u - m * n / 2) - 0.5);
  const p = variance > 0 ? Math.min(1, 2 * normalCdf(-off / Math.sqrt(variance))) : 1;
  return { ...found, p, method: "normal" };
}

/**
 * Twice the share of the C(m+n, m) orders whose u lies at least as far out: the numbers of orders are
 * the coefficients of Π (1 − q^(n+i))/(1 − q^i), i = 1 to m, whole numbers below 2^53.
 */
function exactP(u: number, m: number, n: number): number {
  const ways = new Float64Array(m * n + 1);
  ways[0] = 1;
  for (let i = 1; i <= m; i++) {
    for (let at = ways.length - 1; at >= n + i; at--) ways[at] -= ways[at - n - i];
    for (let at = i; at < ways.length; at++) ways[at] += ways[at - i];
  }
  const total = ways.reduce((sum, count) => sum + count, 0);
  const low = Math.min(u, m * n - u);
  let tail = 0;
  for (let at = 0; at <= low; at++) tail += ways[at];
  return Math.min(1, 2 * tail / total);
}
