/** That 95 % intervals hold the truth about 95 times in 100, by simulation at fixed seeds. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { blockEdges, seriesEstimates } from "../../lib/stats/block_bootstrap.ts";
import { clusteredMean } from "../../lib/stats/cluster.ts";
import { binomialProbability } from "../../lib/stats/distributions.ts";
import { meanEstimate, scoreEstimate, shareEstimate } from "../../lib/stats/interval.ts";
import { pairedDifference } from "../../lib/stats/paired.ts";
import {
  attemptsShare,
  meanPassAllK,
  meanPassAtK,
  passAllK,
  passAtK,
} from "../../lib/stats/pass_at_k.ts";
import { quantileDifference } from "../../lib/stats/quantile_difference.ts";
import { ratio, ratioEstimate } from "../../lib/stats/ratio.ts";
import { openRandom, seededRandom, standardNormal } from "../../lib/stats/random.ts";
import type { Estimate } from "../../lib/stats/interval.ts";

/** The share of simulations whose interval holds the truth must lie in 93 to 97 %. */
function covers(
  what: string,
  trials: number,
  truth: number,
  simulate: () => Estimate | null,
  least = 0.93,
): void {
  let held = 0;
  for (let t = 0; t < trials; t++) {
    const found = simulate();
    if (found !== null && found.low <= truth && truth <= found.high) held++;
  }
  const share = held / trials;
  assert(share >= least && share <= 0.97, `${what}: ${(share * 100).toFixed(1)} %`);
}

/** exp(x/2) of an autoregressive x of variance 1: latencies that are like their neighbours. */
function latencies(n: number, correlation: number, normal: () => number): Float64Array {
  const fresh = Math.sqrt(1 - correlation ** 2);
  let x = normal();
  return Float64Array.from({ length: n }, () => {
    x = correlation * x + fresh * normal();
    return Math.exp(x / 2);
  });
}

Deno.test("Wilson covers 95 % on average over rates, exactly summed", () => {
  for (const n of [10, 30, 100]) {
    let covered = 0;
    const rates = 999;
    for (let i = 1; i <= rates; i++) {
      const p = i / (rates + 1);
      for (let k = 0; k <= n; k++) {
        const { low, high } = shareEstimate(k, n)!;
        if (low <= p && p <= high) covered += binomialProbability(k, n, p) / rates;
      }
    }
    assert(covered > 0.945 && covered < 0.96, `${n} trials: ${covered}`);
  }
});

Deno.test("paired differences cover", () => {
  const random = openRandom(21);
  const normal = standardNormal(random);
  const shapes: [name: string, off: () => number][] = [
    ["normal", normal],
    ["heavy-tailed", () => normal() / Math.sqrt(-Math.log(random()))], // Student's t of 2
  ];
  for (const [name, off] of shapes) {
    for (const [n, trials] of [[8, 2000], [15, 600], [40, 300]]) {
      covers(`${name} differences of ${n}`, trials, 0.5, () => {
        const first = Array.from({ length: n }, () => 5 * normal());
        return pairedDifference(first, first.map((value) => value + 0.5 + off())).difference;
      });
    }
    for (const n of [3, 5]) {
      const first = Array.from({ length: n }, normal);
      assertEquals(pairedDifference(first, first.map((x) => x + 9 + off())).difference, null);
    }
  }
  for (const [n, gain, loss] of [[60, 0.2, 0.1], [150, 0.1, 0.05]]) {
    covers(`flips of ${n}`, 3000, gain - loss, () => {
      const draws = Array.from({ length: n }, random);
      const first = draws.map((u) => u < gain ? 0 : u < gain + loss ? 1 : Number(u > 0.6));
      const second = draws.map((u) => u < gain ? 1 : u < gain + loss ? 0 : Number(u > 0.6));
      return pairedDifference(first, second).difference;
    });
  }
});

Deno.test("a clustered mean covers where questions share their text", () => {
  const random = openRandom(22);
  const normal = standardNormal(random);
  covers("25 groups of 1 to 9", 2000, 0, () => {
    const values: number[] = [], groups: number[] = [];
    for (let group = 0; group < 25; group++) {
      const shared = normal();
      for (let left = 1 + Math.floor(random() * 9); left > 0; left--) {
        values.push(shared + normal());
        groups.push(group);
      }
    }
    return clusteredMean(values, groups)!.estimate;
  });
});

Deno.test("a clustered mean: groups of one, whole groups alike, and edges", () => {
  const values = [1, 4, 2, 8];
  const single = clusteredMean(values, ["a", "b", "c", "d"])!;
  assertAlmostEquals(single.standard_error, single.independent_error, 1e-15);
  assertAlmostEquals(single.design_effect!, 1, 1e-12);
  const doubled = clusteredMean([...values, ...values], [0, 1, 2, 3, 0, 1, 2, 3])!;
  assertAlmostEquals(doubled.standard_error, single.standard_error, 1e-15);
  assertAlmostEquals(doubled.design_effect!, 7 / 3, 1e-12);
  assertEquals(clusteredMean(values, [1, 1, 1, 1]), null);
  assertEquals(clusteredMean([0.1, 0.1, 0.1], [1, 2, 3])!.estimate, null);
  assertThrows(() => clusteredMean([1], []), RangeError);
});

Deno.test("a mean of few values covers, and less where they are skewed; scores stay within 0 and 1", () => {
  const normal = standardNormal(openRandom(27)), random = openRandom(28);
  for (const n of [3, 5, 8, 12]) {
    const of = (draw: () => number) => () => meanEstimate(Array.from({ length: n }, draw));
    covers(`${n} of normal values`, 4000, 0, of(normal));
    covers(`${n} of exponential values`, 4000, 1, of(() => -Math.log(random())), 0.86);
  }
  // scipy 1.17.1: stats.t.interval(0.95, 2, loc=2, scale=stats.sem([1, 2, 3])) = (-0.48413771, 4.48413771)
  const { low, high } = meanEstimate([1, 2, 3])!;
  assertAlmostEquals(low, -0.48413771, 1e-7);
  assertAlmostEquals(high, 4.48413771, 1e-7);
  const scores = scoreEstimate([0.5, 1, 1, 1, 1, 1])!;
  assertEquals([scores.high, scores.low > 0], [1, true]);
  assertEquals(scoreEstimate([1, 1])!.method, "wilson");
});

Deno.test("pass@k covers", () => {
  const random = openRandom(23);
  // rates uniform in 0 to 1: the mean of 1 − (1 − p)³ is ¾
  covers("pass@3 of 60 problems", 600, 0.75, () => {
    const problems = Array.from({ length: 60 }, () => {
      const rate = random();
      return { n: 10, c: Array.from({ length: 10 }, random).filter((u) => u < rate).length };
    });
    return meanPassAtK(problems, 3);
  });
});

Deno.test("pass@k and pass^k are without bias: summed over all counts", () => {
  const n = 12, k = 4, rate = 0.3;
  let any = 0, all = 0;
  for (let c = 0; c <= n; c++) {
    any += binomialProbability(c, n, rate) * passAtK({ n, c }, k)!;
    all += binomialProbability(c, n, rate) * passAllK({ n, c }, k)!;
  }
  assertAlmostEquals(any, 1 - (1 - rate) ** k, 1e-13);
  assertAlmostEquals(all, rate ** k, 1e-13);
});

Deno.test("pass@k and pass^k: counts, bounds and edges", () => {
  assertAlmostEquals(passAtK({ n: 10, c: 3 }, 2)!, 1 - 21 / 45, 1e-15);
  assertAlmostEquals(passAllK({ n: 10, c: 3 }, 2)!, 3 / 45, 1e-15);
  assertAlmostEquals(passAtK({ n: 200, c: 1 }, 100)!, 0.5, 1e-14);
  assertAlmostEquals(passAtK({ n: 1e6, c: 1 }, 1)!, 1e-6, 1e-18);
  assertEquals([passAtK({ n: 5, c: 0 }, 3), passAtK({ n: 5, c: 3 }, 3)], [0, 1]);
  assertEquals([passAllK({ n: 5, c: 2 }, 3), passAllK({ n: 5, c: 5 }, 5)], [0, 1]);
  assertEquals([passAtK({ n: 2, c: 1 }, 3), passAllK({ n: 2, c: 1 }, 3)], [null, null]);
  for (let k = 1; k < 20; k++) {
    assert(passAtK({ n: 20, c: 7 }, k)! <= passAtK({ n: 20, c: 7 }, k + 1)!);
    assert(passAllK({ n: 20, c: 7 }, k)! >= passAllK({ n: 20, c: 7 }, k + 1)!);
  }
  const solved = meanPassAtK(Array.from({ length: 30 }, () => ({ n: 1, c: 1 })), 1)!;
  assertEquals([solved.method, solved.high], ["wilson", 1]);
  assert(solved.low < 0.9);
  assertEquals(meanPassAllK([{ n: 4, c: 4 }, { n: 4, c: 2 }], 2)!.value, (1 + 1 / 6) / 2);
  assertEquals(meanPassAtK([{ n: 4, c: 4 }, { n: 1, c: 1 }], 2), null);
  assertThrows(() => passAtK({ n: 2, c: 3 }, 1), RangeError);
});

Deno.test("the mean of a series covers, whether or not neighbours are alike", () => {
  const normal = standardNormal(openRandom(24));
  for (const [n, correlation] of [[400, 0], [400, 0.5], [1000, 0.8]]) {
    covers(
      `${n} latencies at ${correlation}`,
      300,
      Math.exp(1 / 8),
      () => seriesEstimates(latencies(n, correlation, normal)).mean,
    );
  }
});

Deno.test("a series: deterministic, null below 24 values, p99 null below 400", () => {
  const normal = standardNormal(openRandom(25));
  const values = latencies(399, 0.5, normal);
  assertEquals(seriesEstimates(values), seriesEstimates(values));
  assertEquals(seriesEstimates(values.slice(0, 23)), { p50: null, p99: null, mean: null });
  assert(seriesEstimates(values.slice(0, 24)).mean !== null);
  assertEquals(seriesEstimates(values).p99, null);
  assert(seriesEstimates(latencies(400, 0.5, normal)).p99 !== null);
  assertEquals([blockEdges(23), blockEdges(24)!.length, blockEdges(1e5)!.length], [null, 9, 41]);
  const same = seriesEstimates(new Float64Array(500).fill(3));
  for (const found of [same.p50, same.p99, same.mean]) {
    assertEquals([found!.value, found!.low, found!.high], [3, 3, 3]);
  }
});

Deno.test("a ratio of sums covers, whether or not neighbours are alike, and is null for few", () => {
  const random = openRandom(26);
  const normal = standardNormal(random);
  covers("rate of 40 stretches", 1500, 2, () => {
    const denominators = Float64Array.from({ length: 40 }, () => 1 + random());
    const numerators = denominators.map((each) => 2 * each - Math.log(random()) - 1);
    return ratioEstimate({ numerators, denominators }, { random: false });
  });
  const times: [name: string, time: () => number, mean: number][] = [
    ["uniform", () => 0.2 + 1.6 * random(), 1],
    ["exponential", () => -Math.log(random()), 1],
    ["lognormal", () => Math.exp(normal()), Math.exp(0.5)],
    ["Pareto", () => random() ** -0.4, 5 / 3],
  ];
  const counted = (denominators: Float64Array, each = 1) => ({
    numerators: new Float64Array(denominators.length).fill(each),
    denominators,
  });
  const unitsOf = (n: number, time: () => number) =>
    counted(Float64Array.from({ length: n }, time));
  for (const [name, time, mean] of times) {
    for (const n of [32, 320]) {
      const simulate = () => ratioEstimate(unitsOf(n, time), { random: true });
      // 32 of a Pareto distribution of infinite skewness show too little of its tail
      covers(`${n} of ${name} times`, 600, 1 / mean, simulate, name === "Pareto" ? 0.915 : 0.93);
    }
    let sum = 0;
    for (let i = 0; i < 10_000; i++) sum += ratio(unitsOf(32, time), { random: true })!;
    assertAlmostEquals(sum / 10_000 * mean, 1, 0.01, name);
  }
  covers("400 that are alike", 600, Math.exp(-1 / 8), () => {
    const alike = latencies(400, 0.5, normal);
    return ratioEstimate(counted(Float64Array.from(alike)), { random: true });
  });
  assertEquals(ratioEstimate(unitsOf(7, random), { random: true }), null);
  assertEquals(ratio(unitsOf(0, random), { random: true }), null);
  // one that took far longer than the others turns no rate negative
  const outlier = Float64Array.of(1, 1, 1, 1, 1, 1, 1, 100);
  assert(ratio(counted(outlier), { random: true })! > 0.02);
  // parts add up to the whole, also of very few, and none is negative: a sum is linear
  const lengths: [what: string, n: number, time: () => number][] = [
    ["outlier", 8, random],
    [
      "Pareto",
      5,
      () => random() ** -1,
    ],
    ["lognormal", 12, () => Math.exp(2 * normal())],
    ["alike", 3, () => 1],
  ];
  for (const [what, n, time] of lengths) {
    for (let i = 0; i < 100; i++) {
      const denominators = what === "outlier" ? outlier : Float64Array.from({ length: n }, time);
      const parts = Array.from(denominators, (_, of) => {
        const numerators = denominators.map((_, each) => each === of ? 1 : 0);
        return ratio({ numerators, denominators }, { random: true })!;
      });
      const sum = parts.reduce((all, part) => all + part, 0);
      const whole = ratio(counted(denominators), { random: true })!;
      assertAlmostEquals(sum / whole, 1, 1e-9, what);
      assert(parts.every((part) => part > -1e-12), `${what}: ${parts}`);
    }
  }
  const none = ratioEstimate(counted(outlier, 0), { random: true })!;
  assertEquals([none.value, none.low], [0, 0]);
  assertAlmostEquals(none.high, shareEstimate(0, 8)!.high * 8 / 107, 1e-12);
});

Deno.test("differences of quantiles cover, with blocks and without", () => {
  const normal = standardNormal(openRandom(27));
  const sample = (n: number) => Array.from({ length: n }, () => normal());
  covers("medians", 250, 1, () => {
    const second = sample(150).map((value) => value + 1);
    return quantileDifference({ values: sample(150) }, { values: second }, 0.5);
  }, 0.92);
  const runs = () => {
    const values: number[] = [], blocks: number[] = [];
    for (let run = 0; run < 30; run++) {
      const shared = normal();
      for (let i = 0; i < 6; i++) {
        values.push(shared + normal());
        blocks.push(run);
      }
    }
    return { values, blocks };
  };
  covers("medians of runs", 250, 0, () => quantileDifference(runs(), runs(), 0.5), 0.92);
  assertEquals(quantileDifference({ values: sample(99) }, { values: sample(99) }, 0.99), null);
  const few = { values: sample(100), blocks: sample(100).map((_, i) => i % 5) };
  assertEquals(quantileDifference(few, few, 0.5), null);
  assertThrows(() => quantileDifference({ values: [1], blocks: [] }, few, 0.5), RangeError);
});

Deno.test("a share of attempts: problems, not attempts, are what it speaks of", () => {
  const one = attemptsShare([{ n: 1, c: 1 }, { n: 1, c: 0 }, { n: 1, c: 1 }])!;
  assertEquals([one.method, one.n], ["wilson", 3]);
  // two problems of which one is always solved: ten attempts at each tell no more of other problems
  const wide = attemptsShare([{ n: 10, c: 10 }, { n: 10, c: 0 }])!;
  assertEquals(wide, shareEstimate(1, 2));
  const uneven = attemptsShare([{ n: 4, c: 1 }, { n: 4, c: 3 }, { n: 2, c: 2 }])!;
  assertEquals([uneven.value, uneven.n], [(1 / 4 + 3 / 4 + 1) / 3, 3]);
  assertEquals(attemptsShare([{ n: 5, c: 2 }]), shareEstimate(2, 5));
  assertEquals(attemptsShare([]), null);
});

Deno.test("a ratio is not below 0, where its correction takes all of it", () => {
  const random = seededRandom(5);
  for (let i = 0; i < 500; i++) {
    // the only unit that counts is the shortest, which the correction may take whole
    const lengths = Float64Array.from({ length: 2 + i % 7 }, () => Math.exp(4 * random()));
    const shortest = lengths.indexOf(Math.min(...lengths));
    const counts = lengths.map((_, unit) => unit === shortest ? 300 : 0);
    const value = ratio({ numerators: counts, denominators: lengths }, { random: true })!;
    assert(value === 0 || value > 1e-6, `${value}`);
  }
});
