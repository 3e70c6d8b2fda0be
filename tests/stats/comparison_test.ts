import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { holmAdjusted } from "../../lib/stats/paired.ts";
import { shareEstimate } from "../../lib/stats/interval.ts";
import { mcnemarP } from "../../lib/stats/paired.ts";
import { pairedDifference } from "../../lib/stats/paired.ts";
import { pairedDetectable, pairedProblems } from "../../lib/stats/power.ts";
import { openRandom, standardNormal } from "../../lib/stats/random.ts";
import { FEWEST_PAIRS, signFlips } from "../../lib/stats/sign_flips.ts";

Deno.test("Wilson's interval of shares that are often reported", () => {
  for (
    const [r, n, low, high] of [[7, 10, 39.7, 89.2], [139, 164, 78.5, 89.5], [164, 164, 97.7, 100]]
  ) {
    const share = shareEstimate(r, n)!;
    assertAlmostEquals(share.low * 100, low, 0.05);
    assertAlmostEquals(share.high * 100, high, 0.05);
  }
});

Deno.test("McNemar's exact test: known values, symmetry, a million pairs", () => {
  for (
    const [b, c, p] of [
      [0, 5, 0.0625],
      [0, 6, 0.0313],
      [2, 10, 0.0386],
      [3, 10, 0.0923],
      [1, 8, 0.0391],
      [8, 13, 0.3833],
    ]
  ) {
    assertAlmostEquals(mcnemarP(b, c), p, 5.1e-5);
    assertEquals(mcnemarP(c, b), mcnemarP(b, c));
  }
  assertEquals([mcnemarP(0, 0), mcnemarP(4, 4), mcnemarP(1e6, 1e6)], [1, 1, 1]);
  assertAlmostEquals(mcnemarP(499_000, 501_000), 0.0456082998653896, 1e-12);
  assertThrows(() => mcnemarP(-1, 2), RangeError);
});

Deno.test("Holm: step-down, never below the p-value nor above Bonferroni's", () => {
  const near = holmAdjusted([0.01, 0.04, 0.03, 0.005]);
  [0.03, 0.06, 0.06, 0.02].forEach((p, i) => assertAlmostEquals(near[i], p, 1e-12));
  assertEquals(holmAdjusted([0.9, 0.8]), [1, 1]);
  assertEquals(holmAdjusted([]), []);
  assertEquals(holmAdjusted([0.2]), [0.2]);
  assertThrows(() => holmAdjusted([NaN]), RangeError);
});

Deno.test("a paired difference is second − first, and turns its sign with the order", () => {
  const first = [1, 1, 0, 0, 0, 1, 0, 1], second = [1, 1, 1, 1, 0, 0, 1, 1];
  const there = pairedDifference(first, second), back = pairedDifference(second, first);
  assertEquals([there.flips, there.p], [{ gained: 3, lost: 1 }, mcnemarP(1, 3)]);
  assertEquals(there.difference!.value, 0.25);
  assertAlmostEquals(back.difference!.low, -there.difference!.high, 1e-15);
  const same = pairedDifference(first, first).difference!;
  assert(same.low < 0 && same.high > 0, "no flip is no certainty");
  const values = pairedDifference([1, 2, 3, 4, 5, 6], [2.5, 3, 4.5, 5, 6.5, 7]);
  assertEquals([values.flips, values.difference!.value], [null, 1.25]);
  assertEquals(values, pairedDifference([1, 2, 3, 4, 5, 6], [2.5, 3, 4.5, 5, 6.5, 7]));
  assertEquals(pairedDifference([2], [3]).difference, null);
  assertThrows(() => pairedDifference([1], []), RangeError);
});

/** The two-sided p-value of a mean of `mean`, by every choice of signs. */
function flippedP(differences: readonly number[], mean: number): number {
  const off = differences.map((difference) => difference - mean);
  const sum = Math.abs(off.reduce((total, each) => total + each, 0));
  let far = 0;
  for (let signs = 0; signs < 2 ** off.length; signs++) {
    const flipped = off.reduce((total, each, i) => total + (signs >> i & 1 ? each : -each), 0);
    if (Math.abs(flipped) >= sum - 1e-9) far++;
  }
  return far / 2 ** off.length;
}

Deno.test("sign flips: p and interval are those of every choice of signs, and agree", () => {
  const normal = standardNormal(openRandom(2));
  // Darwin's maize in eighths of an inch, which Fisher (1935) flipped by hand: 1,726 of 32,768
  const maize = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48];
  assertAlmostEquals(flippedP(maize, 0), 1726 / 32768, 1e-12);
  assertAlmostEquals(signFlips(maize).p, 1726 / 32768, 0.006); // of 15, sets are drawn
  for (let trial = 0; trial < 60; trial++) {
    const n = 2 + trial % 9;
    const tied = trial % 2 === 0;
    const differences = Array.from({ length: n }, () => {
      const value = 0.9 + normal();
      return tied ? Math.round(2 * value) / 10 : value;
    });
    const { p, interval } = signFlips(differences);
    assertAlmostEquals(p, flippedP(differences, 0), 1e-12);
    assertEquals(interval !== null, n >= FEWEST_PAIRS);
    if (interval === null) continue;
    const { low, high } = interval;
    assertEquals(p < 0.05, low > 0 || high < 0, `${differences}`);
    // just within its ends the test does not reject, just beyond them it does
    for (const [within, beyond] of [[low + 1e-6, low - 1e-6], [high - 1e-6, high + 1e-6]]) {
      if (high - low > 1e-5) assert(flippedP(differences, within) >= 0.05);
      assert(flippedP(differences, beyond) < 0.05, `${beyond} of ${differences}`);
    }
  }
  assertEquals(signFlips([0, 0]).p, 1);
});

Deno.test("an interval leaves out 0 where p is below 0.05, and nowhere else", () => {
  for (const n of [3, 5, 8, 15, 40]) {
    for (let gained = 0; gained <= n; gained++) {
      for (let lost = 0; gained + lost <= n; lost++) {
        const first = Array.from({ length: n }, (_, i) => Number(i < lost));
        const second = first.map((_, i) => Number(i >= lost && i < lost + gained));
        const { difference, p } = pairedDifference(first, second);
        const out = difference!.low > 0 || difference!.high < 0;
        assertEquals(out, p < 0.05, `${gained} gained, ${lost} lost of ${n}: ${p}`);
      }
    }
  }
  const normal = standardNormal(openRandom(3));
  for (const n of [8, 15, 2100]) {
    for (let trial = 0; trial < 12; trial++) {
      const second = Array.from({ length: n }, () => 4 * trial / 12 / Math.sqrt(n) + normal());
      const { difference, p } = pairedDifference(second.map(() => 0), second);
      assertEquals(difference!.low > 0 || difference!.high < 0, p < 0.05, `n = ${n}, p = ${p}`);
    }
  }
});

/** The power of McNemar's test by counting every outcome that it rejects. */
function countedPower(n: number, discordance: number, difference: number): number {
  const logFactorial = [0];
  for (let k = 1; k <= n; k++) logFactorial.push(logFactorial[k - 1] + Math.log(k));
  const chance = (k: number, of: number, p: number) =>
    Math.exp(
      logFactorial[of] - logFactorial[k] - logFactorial[of - k] + k * Math.log(p) +
        (of - k) * Math.log(1 - p),
    );
  const tilt = (1 + difference / discordance) / 2;
  let power = 0;
  for (let m = 0; m <= n; m++) {
    const pairs = chance(m, n, discordance);
    for (let k = 0; k <= m && pairs > 1e-12; k++) {
      if (mcnemarP(k, m - k) <= 0.05) power += pairs * chance(k, m, tilt);
    }
  }
  return power;
}

Deno.test("power: as counted, and sizes and differences that agree", () => {
  for (const [n, psi] of [[100, 0.2], [500, 0.2], [1000, 0.1]]) {
    const least = pairedDetectable(n, psi)!;
    assertAlmostEquals(countedPower(n, psi, least), 0.8, 1e-6);
    const needed = pairedProblems(least, psi);
    assert(needed <= n && needed > 0.9 * n, `${needed} of ${n}`);
    assert(countedPower(n, psi, 0) <= 0.05);
    assert(least > pairedDetectable(2 * n, psi)!);
  }
  // the exact sum goes over into the formula
  const exact = pairedDetectable(10_000, 0.2)!, formula = pairedDetectable(10_001, 0.2)!;
  assert(formula < exact && formula > 0.985 * exact, `${exact}, ${formula}`);
  assertEquals(pairedDetectable(20, 0.2), null);
  assertThrows(() => pairedProblems(0.3, 0.2), RangeError);
});
