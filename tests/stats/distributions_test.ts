import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  binomialCdf,
  binomialProbability,
  binomialTail,
  incompleteBeta,
  logGamma,
  normalCdf,
  normalQuantile,
  studentTQuantile,
} from "../../lib/stats/distributions.ts";

function near(actual: number, expected: number, relative = 1e-10): void {
  assert(Math.abs(actual - expected) <= relative * Math.abs(expected), `${actual}, ${expected}`);
}

Deno.test("ln Γ: factorials, halves and large arguments", () => {
  let factorial = 1;
  for (let n = 2; n < 20; n++) near(logGamma(n + 1), Math.log(factorial *= n), 1e-13);
  near(logGamma(0.5), Math.log(Math.PI) / 2, 1e-14);
  near(logGamma(1e6), 12815504.569147613);
  assertThrows(() => logGamma(0), RangeError);
});

Deno.test("normal distribution: table values, tails and back", () => {
  // Abramowitz & Stegun, tables 26.1 and 26.2
  near(normalCdf(1), 0.841344746068543, 1e-14);
  near(normalCdf(-3), 0.00134989803163009, 1e-13);
  near(normalCdf(-5), 2.866515718791939e-7);
  near(normalCdf(-10), 7.61985302416053e-24);
  near(normalQuantile(0.975), 1.959963984540054, 1e-14);
  near(normalQuantile(0.995), 2.5758293035489, 1e-13);
  for (const z of [-37, -8, -2.5000001, -2.4999999, -0.1, 0, 1.3, 4]) {
    assertAlmostEquals(normalQuantile(normalCdf(z)), z, 1e-9);
    assertAlmostEquals(normalCdf(z) + normalCdf(-z), 1, 1e-15);
  }
  assertThrows(() => normalQuantile(1), RangeError);
});

Deno.test("Student's t: table values, tails and back", () => {
  for (
    const [df, t] of [[1, 12.7062], [2, 4.30265], [5, 2.57058], [9, 2.26216], [30, 2.04227], [
      120,
      1.97993,
    ]]
  ) assertAlmostEquals(studentTQuantile(0.975, df), t, 5e-5);
  near(studentTQuantile(5.88747139483308e-6, 10), -8);
  near(studentTQuantile(1.3776845866887376e-9, 1000), -6);
  near(studentTQuantile(3.1830988618379066e-9, 1), -1e8);
  // one degree of freedom is Cauchy's, whose quantile is a tangent; two have a root (closed forms)
  for (const p of [1e-6, 0.02, 0.3, 0.9, 0.999]) {
    near(studentTQuantile(p, 1), Math.tan(Math.PI * (p - 0.5)), 1e-9);
    near(studentTQuantile(p, 2), (2 * p - 1) / Math.sqrt(2 * p * (1 - p)), 1e-9);
  }
  near(studentTQuantile(0.975, 1e7), 1.95996422, 1e-7);
});

Deno.test("incomplete beta: closed forms, symmetry and large parameters", () => {
  near(incompleteBeta(2, 3, 0.4), 0.5248, 1e-14);
  near(incompleteBeta(0.5, 0.5, 0.3), 2 / Math.PI * Math.asin(Math.sqrt(0.3)), 1e-14);
  near(incompleteBeta(1000, 1000, 0.45), 3.6831988690075765e-6);
  for (const [a, b, x] of [[3, 7, 0.2], [0.1, 20, 0.01], [300, 2, 0.99]]) {
    assertAlmostEquals(incompleteBeta(a, b, x) + incompleteBeta(b, a, 1 - x), 1, 1e-13);
  }
  assertEquals([incompleteBeta(2, 3, 0), incompleteBeta(2, 3, 1)], [0, 1]);
});

Deno.test("binomial: sums of its probabilities, and a million trials", () => {
  for (const [n, p] of [[12, 0.5], [30, 0.07], [200, 0.9]]) {
    let sum = 0;
    for (let k = 0; k <= n; k++) {
      sum += binomialProbability(k, n, p);
      assertAlmostEquals(binomialCdf(k, n, p), sum, 1e-13);
      assertAlmostEquals(binomialTail(k + 1, n, p), 1 - sum, 1e-13);
    }
  }
  near(binomialCdf(2, 12, 0.5), 79 / 4096, 1e-13);
  near(binomialCdf(499_000, 1_000_000, 0.5), 0.0228041499326948, 1e-12);
  near(binomialCdf(495_000, 1_000_000, 0.5), 7.690777521951164e-24);
  assertEquals([binomialCdf(-1, 5, 0.5), binomialTail(6, 5, 0.5), binomialCdf(5, 5, 0)], [0, 0, 1]);
  assertEquals([binomialProbability(0, 5, 0), binomialProbability(5, 5, 1)], [1, 1]);
  assertThrows(() => binomialCdf(1.5, 5, 0.5), RangeError);
});
