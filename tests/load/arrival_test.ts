/** Arrival processes against their exact distributions: Kolmogorov–Smirnov at fixed seeds. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { arrivalTimes, rampedArrivalTimes } from "../../lib/load/arrival.ts";
import type { ArrivalProcess, RampStage } from "../../lib/load/arrival.ts";

const N = 20_000;
/** The 1 % point of the statistic for large n. */
const CRITICAL = 1.63 / Math.sqrt(N);
const SEEDS = [1, 2, 3];

function take(times: Generator<number>, n: number): number[] {
  return Array.from({ length: n }, () => times.next().value);
}

/** Gaps from 0 to the first arrival and between the arrivals. */
const gapsOf = (times: number[]) => times.map((t, i) => t - (i ? times[i - 1] : 0));

const gaps = (process: ArrivalProcess, n = N) => gapsOf(take(arrivalTimes(process), n));

/**
 * The largest distance between the empirical distribution function and `cdf`, from a nanosecond up:
 * shorter gaps, which small shapes have by the thousand, are lost in a difference of times.
 */
function ksStatistic(values: number[], cdf: (x: number) => number): number {
  const sorted = Float64Array.from(values).sort();
  let largest = 0;
  sorted.forEach((x, i) => {
    if (x < 1e-9) return;
    const p = cdf(x);
    largest = Math.max(largest, p - i / sorted.length, (i + 1) / sorted.length - p);
  });
  return largest;
}

const exponentialCdf = (rate: number) => (x: number) => 1 - Math.exp(-rate * x);

/** ln Γ(x) by Stirling's series, after a shift to x ≥ 12 (Abramowitz and Stegun 6.1.41, 6.1.16). */
function lnGamma(x: number): number {
  if (x < 12) return lnGamma(x + 1) - Math.log(x);
  const series = 1 / (12 * x) - 1 / (360 * x ** 3) + 1 / (1260 * x ** 5) - 1 / (1680 * x ** 7);
  return (x - 0.5) * Math.log(x) - x + Math.log(2 * Math.PI) / 2 + series;
}

/** P(a, x), the regularised incomplete gamma function, by its series (A&S 6.5.29). */
function incompleteGamma(a: number, x: number): number {
  if (x <= 0) return 0;
  if (x > a + 40 * Math.sqrt(a) + 40) return 1;
  let term = 1 / a, sum = term;
  for (let n = 1; term > sum * 1e-16; n++) sum += term *= x / (a + n);
  return Math.min(1, sum * Math.exp(a * Math.log(x) - x - lnGamma(a)));
}

/** The distribution function of gamma gaps of mean 1/rate. */
const gammaCdf = (shape: number, rate: number) => (x: number) =>
  incompleteGamma(shape, shape * rate * x);

/** The expected count of arrivals from the start to `t_s`: the integral of the rate. */
function expectedArrivals(stages: typeof RAMP, t_s: number): number {
  let count = 0, start_s = 0;
  for (const { duration_s, rate_from_per_s, rate_to_per_s } of stages) {
    const within_s = Math.min(Math.max(t_s - start_s, 0), duration_s);
    count += within_s *
      (rate_from_per_s + (rate_to_per_s - rate_from_per_s) / duration_s * within_s / 2);
    start_s += duration_s;
  }
  return count;
}

Deno.test("the incomplete gamma function of this test: closed forms", () => {
  for (const x of [0.01, 0.5, 1, 3, 10, 30]) {
    const close = (a: number, exact: number) =>
      assert(Math.abs(incompleteGamma(a, x) - exact) < 1e-12, `P(${a}, ${x})`);
    close(1, 1 - Math.exp(-x));
    close(2, 1 - Math.exp(-x) * (1 + x));
    close(4, 1 - Math.exp(-x) * (1 + x + x ** 2 / 2 + x ** 3 / 6));
  }
  // P(1/2, x) = erf(√x); erf(1) from A&S table 7.1.
  assert(Math.abs(incompleteGamma(0.5, 1) - 0.8427007929497149) < 1e-12);
});

Deno.test("constant arrivals are at exactly i / rate", () => {
  for (const rate_per_s of [1, 3, 7.5, 1000]) {
    const times = take(arrivalTimes({ arrival: "constant", rate_per_s, seed: 0 }), 10_000);
    assertEquals(times, times.map((_, i) => i / rate_per_s));
  }
});

Deno.test("poisson gaps are exponential", () => {
  for (const seed of SEEDS) {
    for (const rate_per_s of [0.2, 50, 5000]) {
      const d = ksStatistic(
        gaps({ arrival: "poisson", rate_per_s, seed }),
        exponentialCdf(rate_per_s),
      );
      assert(d < CRITICAL, `seed ${seed}, rate ${rate_per_s}: D ${d}, critical ${CRITICAL}`);
    }
  }
});

Deno.test("gamma gaps have shape burstiness and mean 1/rate", () => {
  for (const seed of SEEDS) {
    for (const burstiness of [0.05, 0.3, 0.9, 1, 2.5, 40]) {
      const rate_per_s = 20;
      const d = ksStatistic(
        gaps({ arrival: "gamma", rate_per_s, burstiness, seed }),
        gammaCdf(burstiness, rate_per_s),
      );
      assert(d < CRITICAL, `seed ${seed}, shape ${burstiness}: D ${d}, critical ${CRITICAL}`);
    }
  }
  const plain = gaps({ arrival: "gamma", rate_per_s: 20, seed: 4 });
  assert(ksStatistic(plain, exponentialCdf(20)) < CRITICAL, "burstiness 1 unless told");
});

Deno.test("the test of gaps fails for a wrong process", () => {
  const poisson = gaps({ arrival: "poisson", rate_per_s: 20, seed: 1 });
  const gamma = gaps({ arrival: "gamma", rate_per_s: 20, burstiness: 0.9, seed: 1 });
  const wrong: [string, number][] = [
    ["poisson for gamma of shape 2", ksStatistic(poisson, gammaCdf(2, 20))],
    ["gamma of shape 0.9 for poisson", ksStatistic(gamma, exponentialCdf(20))],
    ["a rate that is 5 % off", ksStatistic(poisson, exponentialCdf(21))],
  ];
  for (const [what, d] of wrong) assert(d > CRITICAL, `${what}: D ${d} passes`);
});

Deno.test("gaps are independent: no correlation with the next one", () => {
  for (const process of [{ arrival: "poisson" }, { arrival: "gamma", burstiness: 0.3 }] as const) {
    const values = gaps({ ...process, rate_per_s: 1, seed: 6 });
    const variance = values.reduce((sum, x) => sum + (x - 1) ** 2, 0) / N;
    let covariance = 0;
    for (let i = 1; i < N; i++) covariance += (values[i] - 1) * (values[i - 1] - 1) / N;
    const r = covariance / variance;
    assert(Math.abs(r) < 3.3 / Math.sqrt(N), `${process.arrival}: r ${r}`);
  }
});

Deno.test("the mean rate is the rate", () => {
  for (const seed of SEEDS) {
    for (
      const [arrival, burstiness] of [["poisson", 1], ["gamma", 0.1], ["gamma", 9]] as const
    ) {
      const last_s = take(
        arrivalTimes({
          arrival,
          ...(arrival === "gamma" ? { burstiness } : {}),
          rate_per_s: 40,
          seed,
        }),
        N,
      )[N - 1];
      // The sum of N gaps: relative standard error 1/√(shape·N); 3.3 of them.
      const error = Math.abs(last_s * 40 / N - 1);
      assert(error < 3.3 / Math.sqrt(burstiness * N), `${arrival} ${burstiness}: off by ${error}`);
    }
  }
});

Deno.test("times ascend, are finite and repeat by seed", () => {
  for (
    const process of [
      { arrival: "poisson" },
      { arrival: "gamma", burstiness: 0.01 },
      { arrival: "gamma", burstiness: 1e6 },
    ] as const
  ) {
    const draw = (seed: number) => take(arrivalTimes({ ...process, rate_per_s: 9, seed }), 5000);
    const times = draw(1);
    assert(gapsOf(times).every((gap) => gap >= 0 && Number.isFinite(gap)), process.arrival);
    assertEquals(draw(1), times);
    assert(draw(2).some((t, i) => t !== times[i]), "another seed, other times");
  }
});

const RAMP: RampStage[] = [
  { duration_s: 100, rate_from_per_s: 0, rate_to_per_s: 100 },
  { duration_s: 50, rate_from_per_s: 0, rate_to_per_s: 0 },
  { duration_s: 100, rate_from_per_s: 100, rate_to_per_s: 100 },
  { duration_s: 100, rate_from_per_s: 100, rate_to_per_s: 0 },
];

Deno.test("expected arrivals are the area under the rate", () => {
  assertEquals(
    [0, 50, 100, 120, 150, 200, 250, 300, 350, 999].map((t) => expectedArrivals(RAMP, t)),
    [
      0,
      1250,
      5000,
      5000,
      5000,
      10_000,
      15_000,
      18_750,
      20_000,
      20_000,
    ],
  );
});

Deno.test("poisson arrivals under a ramp: rescaled gaps are exponential", () => {
  for (const seed of SEEDS) {
    const times = [...rampedArrivalTimes(RAMP, { arrival: "poisson", seed })];
    const rescaled = gapsOf(times.map((t) => expectedArrivals(RAMP, t)));
    const critical = 1.63 / Math.sqrt(times.length);
    assert(ksStatistic(rescaled, exponentialCdf(1)) < critical, `seed ${seed}`);
    assert(ksStatistic(gapsOf(times), exponentialCdf(200 / 3)) > critical, "as if not ramped");
    // Counts of each quarter of each stage against their expectation.
    let chi2 = 0, cells = 0;
    for (let from_s = 0; from_s < 350; from_s += 25, cells++) {
      const expected = expectedArrivals(RAMP, from_s + 25) - expectedArrivals(RAMP, from_s);
      const count = times.filter((t) => t >= from_s && t < from_s + 25).length;
      if (expected === 0) assertEquals(count, 0, `nothing arrives at rate 0, from ${from_s} s`);
      else chi2 += (count - expected) ** 2 / expected;
    }
    assert(chi2 < 32.9, `chi-squared ${chi2} of 12 degrees`); // 0.1 % point
    assert(times.every((t, i) => t >= (i ? times[i - 1] : 0) && t < 350), "ascending, within");
  }
});

Deno.test("constant arrivals under a ramp come at each whole number of the area", () => {
  const times = [...rampedArrivalTimes(RAMP, { arrival: "constant", seed: 0 })];
  assertEquals(times.length, 20_000);
  times.forEach((t, i) => {
    assert(Math.abs(expectedArrivals(RAMP, t) - i) < 1e-6, `arrival ${i} at ${t} s`);
  });
  assertEquals(times[5000], 150, "the first after the pause comes when the rate is back");
});

Deno.test("a ramp of one flat stage is the plain process, cut at its end", () => {
  const flat = [{ duration_s: 100, rate_from_per_s: 30, rate_to_per_s: 30 }];
  for (const arrival of ["constant", "poisson", "gamma"] as const) {
    const times = [...rampedArrivalTimes(flat, { arrival, seed: 5 })];
    assertEquals(times, take(arrivalTimes({ arrival, rate_per_s: 30, seed: 5 }), times.length));
  }
});

Deno.test("values outside their range are refused at the call, by name", () => {
  const good = { arrival: "gamma", rate_per_s: 1, seed: 1 } as const;
  const refused: [() => unknown, string][] = [
    [() => arrivalTimes({ ...good, rate_per_s: 0 }), "rate_per_s: 0; expected"],
    [() => arrivalTimes({ ...good, rate_per_s: Infinity }), "rate_per_s: Infinity"],
    [() => arrivalTimes({ ...good, burstiness: 0 }), "burstiness: 0; expected"],
    [() => arrivalTimes({ ...good, arrival: "poisson", burstiness: 2 }), '"gamma" only'],
    [() => arrivalTimes({ ...good, seed: 0.5 }), "seed: 0.5"],
    [() => rampedArrivalTimes([], good), "stages: none"],
    [
      () => rampedArrivalTimes([{ duration_s: 1, rate_from_per_s: -1, rate_to_per_s: 2 }], good),
      "stages[0].rate_from_per_s: -1",
    ],
    [
      () => rampedArrivalTimes([{ duration_s: 0, rate_from_per_s: 1, rate_to_per_s: 2 }], good),
      "stages[0].duration_s: 0",
    ],
  ];
  for (const [call, message] of refused) assertThrows(call, InputError, message);
});
