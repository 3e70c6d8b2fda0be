import { assert, assertEquals } from "@std/assert";
import { LogHistogram } from "../../lib/stats/histogram.ts";
import { quantile, sortedCopy } from "../../lib/stats/quantile.ts";
import { seededRandom } from "../../lib/stats/random.ts";

Deno.test("small values are exact; none are null", () => {
  const histogram = new LogHistogram();
  assertEquals([histogram.quantile(0.5), histogram.distribution(1)], [null, null]);
  for (let value = 0; value < 1024; value++) histogram.add(value);
  for (let k = 1; k <= 1024; k++) assertEquals(histogram.quantile(k / 1024), k - 1);
  assertEquals([histogram.n, histogram.max], [1024, 1023]);
  histogram.add(-5);
  assertEquals(histogram.quantile(1e-9), 0);
});

Deno.test("values of any size keep 0.1 %, beyond 2^31 and beyond the first table", () => {
  for (let exponent = 0; exponent <= 52; exponent += 0.13) {
    const value = Math.round(2 ** exponent);
    const histogram = new LogHistogram();
    histogram.add(value);
    histogram.add(2 ** 53);
    const found = histogram.quantile(0.5)!;
    assert(Math.abs(found - value) <= value / 2048 + 1e-9, `${value} became ${found}`);
  }
  for (const value of [1023, 1024, 2047, 2048, 2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 2 ** 32]) {
    const histogram = new LogHistogram();
    histogram.add(value);
    histogram.add(value * 4);
    assert(Math.abs(histogram.quantile(0.5)! / value - 1) < 1e-3);
  }
});

Deno.test("quantiles agree with exact ones to 0.1 %", () => {
  const random = seededRandom(2);
  const values = Array.from({ length: 20_000 }, () => Math.round(1e6 * -Math.log(1 - random())));
  const histogram = new LogHistogram();
  for (const value of values) histogram.add(value);
  const sorted = sortedCopy(values);
  for (const q of [0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1]) {
    const exact = quantile(sorted, q);
    assert(Math.abs(histogram.quantile(q)! - exact) <= exact / 2048 + 1, `at ${q}`);
  }
  const distribution = histogram.distribution(1e-6)!;
  assertEquals(distribution.max, sorted[sorted.length - 1] * 1e-6);
  assert(Math.abs(distribution.mean - 1) < 0.03);
});
