import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { holmAdjusted } from "../../lib/stats/holm.ts";
import { shareEstimate } from "../../lib/stats/interval.ts";
import { mcnemarP } from "../../lib/stats/mcnemar.ts";
import { matchItems, pairedDifference } from "../../lib/stats/paired.ts";
import { permutationTest } from "../../lib/stats/permutation.ts";
import {
  mcnemarPower,
  pairedDetectable,
  pairedProblems,
  unpairedDetectable,
  unpairedProblems,
} from "../../lib/stats/power.ts";
import { rankSum } from "../../lib/stats/rank_sum.ts";

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
    assert(mcnemarP(b, c, { midP: true }) < mcnemarP(b, c));
  }
  assertEquals([mcnemarP(0, 0), mcnemarP(4, 4), mcnemarP(1e6, 1e6)], [1, 1, 1]);
  assertAlmostEquals(mcnemarP(4, 4, { midP: true }), 1, 1e-12);
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
  assertEquals(there.flips, { gained: 3, lost: 1, p: mcnemarP(1, 3) });
  assertEquals(there.difference!.value, 0.25);
  assertAlmostEquals(back.difference!.low, -there.difference!.high, 1e-15);
  const same = pairedDifference(first, first).difference!;
  assert(same.low < 0 && same.high > 0, "no flip is no certainty");
  const values = pairedDifference([1, 2, 3, 4], [2.5, 3, 4.5, 5]);
  assertEquals([values.flips, values.difference!.value], [null, 1.25]);
  assertEquals(values, pairedDifference([1, 2, 3, 4], [2.5, 3, 4.5, 5]));
  assertEquals(pairedDifference([2], [3]).difference, null);
  assertThrows(() => pairedDifference([1], []), RangeError);
  const items = matchItems(new Map([["a", 1], ["b", 0]]), new Map([["b", 1], ["c", 0]]));
  assertEquals(items, { first: [0], second: [1], unmatched: 2 });
});

Deno.test("rank sum: exact, tied and edges", () => {
  assertEquals(rankSum([1, 2, 3], [4, 5, 6]), {
    u: 9,
    second_larger: 1,
    p: 0.1,
    method: "exact",
  });
  // Hollander & Wolfe, Nonparametric Statistical Methods (1973), p. 69: 0.1272 one-sided
  const permeability = [0.8, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
  const early = [1.15, 0.88, 0.9, 0.74, 1.21];
  assertAlmostEquals(rankSum(permeability, early)!.p, 2 * 0.1272, 5e-5);
  assertEquals(rankSum(early, permeability)!.u, 35);
  const tied = rankSum([1, 2, 2, 3, 4], [2, 3, 3, 5, 6, 7])!;
  assertAlmostEquals(tied.p, 0.11390314458853068, 1e-12);
  assertEquals(tied.method, "normal");
  assertEquals(rankSum([5, 5, 5], [5, 5])!.p, 1);
  assertEquals(rankSum([], [1]), null);
  assertThrows(() => rankSum([NaN], [1, 2]), RangeError);
});

Deno.test("a permutation test comes near the exact share, and its edges", () => {
  const test = permutationTest([1, 2, 3, 4], [5, 6, 7, 8])!;
  assertEquals(test.difference, 4);
  assertAlmostEquals(test.p, 2 / 70, 0.006);
  assertEquals(test, permutationTest([1, 2, 3, 4], [5, 6, 7, 8])!);
  assertEquals(permutationTest([3, 3], [3, 3, 3])!.p, 1);
  assertEquals(permutationTest([], [1]), null);
});

Deno.test("power: published sizes, and sizes and differences that agree", () => {
  // R, power.prop.test(p1 = .50, p2 = .75, power = .90): n = 76.7
  assertEquals(unpairedProblems(0.5, 0.75, { power: 0.9 }), 77);
  assertEquals(unpairedProblems(0.6, 0.8), 82);
  assertAlmostEquals(unpairedDetectable(82, 0.6)!, 0.2, 0.002);
  assertEquals(unpairedDetectable(2, 0.9), null);
  for (const [n, psi] of [[100, 0.2], [500, 0.2], [1000, 0.1]]) {
    const least = pairedDetectable(n, psi)!;
    assertAlmostEquals(mcnemarPower(n, psi, least), 0.8, 1e-6);
    const needed = pairedProblems(least, psi);
    assert(needed <= n && needed > 0.9 * n, `${needed} of ${n}`);
    assert(mcnemarPower(n, psi, 0) <= 0.05);
    assert(least > pairedDetectable(2 * n, psi)!);
  }
  // the exact sum goes over into the formula
  const exact = pairedDetectable(10_000, 0.2)!, formula = pairedDetectable(10_001, 0.2)!;
  assert(formula < exact && formula > 0.985 * exact, `${exact}, ${formula}`);
  assertEquals(pairedDetectable(20, 0.2), null);
  assertThrows(() => pairedProblems(0.3, 0.2), RangeError);
});
