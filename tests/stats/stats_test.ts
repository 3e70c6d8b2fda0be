import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import {
  meanEstimate,
  quantileEstimate,
  scoreEstimate,
  shareEstimate,
} from "../../lib/stats/interval.ts";
import { distribution, quantile } from "../../lib/stats/quantile.ts";
import { seededRandom } from "../../lib/stats/random.ts";

Deno.test("quantiles are nearest rank: values that were measured", () => {
  const sorted = [15, 20, 35, 40, 50];
  assertEquals([0.05, 0.3, 0.4, 0.5, 1].map((q) => quantile(sorted, q)), [15, 20, 20, 35, 50]);
  assertEquals(quantile([7], 0.999), 7);
});

Deno.test("a distribution of 1..1000 in any order", () => {
  const values = Array.from({ length: 1000 }, (_, i) => (i * 7919) % 1000 + 1);
  assertEquals(distribution(values), {
    n: 1000,
    mean: 500.5,
    p50: 500,
    p90: 900,
    p95: 950,
    p99: 990,
    p99_9: 999,
    max: 1000,
  });
  assertEquals(distribution([]), null);
});

Deno.test("Wilson's interval: published values and the edges", () => {
  // Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
  for (
    const [r, n, low, high] of [[81, 263, 0.2553, 0.3662], [15, 148, 0.0624, 0.1605], [
      0,
      20,
      0,
      0.1611,
    ], [1, 29, 0.0061, 0.1718]]
  ) {
    const estimate = shareEstimate(r, n)!;
    assertAlmostEquals(estimate.low, low, 5e-5);
    assertAlmostEquals(estimate.high, high, 5e-5);
  }
  assertEquals(shareEstimate(20, 20)!.high, 1);
  assertEquals(shareEstimate(0, 0), null);
});

/** Exponential with mean 1. */
const exponential = (random: () => number) => -Math.log(1 - random());

Deno.test("95 % intervals of mean and median hold the truth about 95 times in 100", () => {
  const random = seededRandom(7);
  let mean = 0, median = 0;
  const trials = 300;
  for (let t = 0; t < trials; t++) {
    const values = Array.from({ length: 60 }, () => exponential(random));
    const m = meanEstimate(values)!, q = quantileEstimate(values, 0.5)!;
    if (m.low <= 1 && 1 <= m.high) mean++;
    if (q.low <= Math.LN2 && Math.LN2 <= q.high) median++;
  }
  assert(mean / trials > 0.89 && mean / trials < 0.99, `mean covered ${mean} of ${trials}`);
  assert(median / trials > 0.92 && median / trials <= 1, `median covered ${median} of ${trials}`);
});

Deno.test("an interval that the sample cannot carry is null", () => {
  assertEquals(meanEstimate([1]), null);
  for (const scores of [[1], [0.5, 1], [0, 0.2, 0.4, 0.6, 1], Array(9).fill(0.5)]) {
    assertEquals(scoreEstimate(scores), null);
  }
  // 6 of 8 right: Wilson's interval, from statsmodels' proportion_confint
  const { low, high, method } = scoreEstimate([1, 1, 1, 1, 1, 1, 0, 0])!;
  assertAlmostEquals(low, 0.4093, 1e-4);
  assertAlmostEquals(high, 0.9285, 1e-4);
  assertEquals(method, "wilson");
  assertEquals(scoreEstimate([0, 0.5, 1, 1, 1, 1])!.method, "Student's t");
  assertEquals(quantileEstimate([1, 2, 3], 0.99), null);
});

Deno.test("seeded numbers repeat and look uniform", () => {
  const draw = (seed: number) => Array.from({ length: 5 }, seededRandom(seed));
  assertEquals(draw(3), draw(3));
  assert(draw(3)[0] !== draw(4)[0]);
  const random = seededRandom(1);
  const counts = new Array(10).fill(0);
  for (let i = 0; i < 100_000; i++) counts[Math.floor(random() * 10)]++;
  const chi2 = counts.reduce((sum, n) => sum + (n - 10_000) ** 2 / 10_000, 0);
  assert(chi2 < 27.9, `chi-squared ${chi2} of 9 degrees`); // 0.1 % point
});
