/** Several runs of a load, and several levels of it. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { atLevels, levelFigures, levelMarks, parseLevels } from "../../lib/load/levels.ts";
import { isNarrow, parseUntil, repeatedFigure } from "../../lib/load/repeats.ts";
import { readLoadExperiment } from "../../lib/settings/load_experiment.ts";
import { openRandom, standardNormal } from "../../lib/stats/random.ts";
import type { LoadResults } from "../../lib/load/results.ts";

/** A run of which only these figures are known; `sd` is what its own interval says of the p99. */
function runOf(p99: number, sd: number | null, rate = 5, user = 20, e2e = 100): LoadResults {
  const half = sd === null ? 0 : 1.959964 * sd;
  const interval = sd === null ? null : { value: p99, low: p99 - half, high: p99 + half, n: 100 };
  const total = {
    requests: { successful: 10 },
    requests_per_s: rate,
    output_tokens_per_s: rate * 10,
    intervals: {},
    metrics: {
      ttft_ms: {
        p50: p99 / 2,
        p99,
        mean: p99 / 2,
        intervals: { p50: null, p99: interval, mean: null },
      },
      tokens_per_s_per_user: { p50: user },
      e2e_ms: { mean: e2e },
    },
  };
  return { total } as unknown as LoadResults;
}

Deno.test("a figure over runs: Student's interval between them, and where the variance is", () => {
  const runs = [10, 12, 14].map((p99) => runOf(p99, 1));
  const found = repeatedFigure("ttft_p99_ms", runs)!;
  assertEquals([found.mean, found.values], [12, [10, 12, 14]]);
  // scipy: stats.t.interval(0.95, 2, 12, 2 / 3 ** 0.5) is 7.0317 to 16.9683
  assertAlmostEquals(found.interval!.low, 7.031725, 1e-5);
  assertAlmostEquals(found.interval!.high, 16.968275, 1e-5);
  assertAlmostEquals(found.between_share!, 0.75, 1e-6); // variance 4, of which 1 within a run
  assertEquals(repeatedFigure("ttft_p99_ms", [runOf(10, null), runOf(12, 1)])!.between_share, null);
  assertEquals(repeatedFigure("ttft_p99_ms", [runOf(10, 1)])!.interval, null);
  assertEquals(repeatedFigure("gap_p99_ms", runs), null);
  assertEquals(repeatedFigure("requests_per_s", runs)!.mean, 5);
});

Deno.test("the share between runs is that of simulated ones, its mean over many", () => {
  const normal = standardNormal(openRandom(5));
  for (const [between, within] of [[0, 2], [2, 2], [3, 1]]) {
    let [share, high] = [0, 0];
    for (let i = 0; i < 300; i++) {
      const runs = Array.from(
        { length: 12 },
        () => runOf(100 + between * normal() + within * normal(), within),
      );
      const found = repeatedFigure("ttft_p99_ms", runs)!;
      share += found.between_share! / 300;
      if (found.interval!.low <= 100 && found.interval!.high >= 100) high++;
    }
    const truth = between ** 2 / (between ** 2 + within ** 2);
    assertAlmostEquals(share, truth, 0.15, `${between} ${within}`);
    assert(high > 0.9 * 300, `${high} of 300 intervals hold the truth`);
  }
});

Deno.test("--until: which figure, how exact, and when it is", () => {
  assertEquals(parseUntil("ttft_p99:5%"), { figure: "ttft_p99_ms", share: 0.05 });
  assertEquals(parseUntil("output_tokens_per_s:2.5%").share, 0.025);
  // every latency and rate of a load that docs/metrics.md lists, with or without its unit
  assertEquals(parseUntil("ttft_p99_ms:5%"), parseUntil("ttft_p99:5%"));
  for (const known of ["e2e_intended_mean", "gap_p50", "connect_p99", "goodput_requests_per_s"]) {
    assertEquals(parseUntil(`${known}:5%`).share, 0.05, known);
  }
  for (
    const wrong of [
      "mean:5%",
      "ttft_p50_mean:5%",
      "cpu_usage_percent:5%",
      "pass_rate:5%",
      "ttft_p99",
      "ttft_p99:5",
      "ttft_p98:5%",
      "foo:5%",
      "ttft_p99:0%",
      "verdict:5%",
    ]
  ) {
    assertThrows(() => parseUntil(wrong), InputError, `--until: "${wrong}"`);
  }
  const until = parseUntil("ttft_p99:5%");
  assertEquals(isNarrow(until, [runOf(100, 1)]), false);
  assertEquals(isNarrow(until, [runOf(100, 1), runOf(100, 1)]), true);
  assertEquals(isNarrow(until, [runOf(90, 1), runOf(110, 1)]), false);
  const good = [4, 4.1, 3.9].map((value) => {
    const { total } = runOf(100, 1);
    const goodput = { requests_per_s: { value, low: value - 1, high: value + 1, n: 100 } };
    return { total: { ...total, goodput } } as unknown as LoadResults;
  });
  assertEquals(repeatedFigure("goodput_requests_per_s", good)!.values, [4, 4.1, 3.9]);
  assertEquals(repeatedFigure("goodput_requests_per_s", [runOf(100, 1)]), null);
});

Deno.test("levels as lists, times a factor, and by steps", () => {
  const cases: [string, number[]][] = [
    ["8", [8]],
    ["1,2,4,8", [1, 2, 4, 8]],
    ["1..16*2", [1, 2, 4, 8, 16]],
    ["1..20*2", [1, 2, 4, 8, 16]],
    ["10..30+10,64", [10, 20, 30, 64]],
    ["0.1..0.4+0.1", [0.1, 0.2, 0.3, 0.4]],
  ];
  for (const [text, expected] of cases) assertEquals(parseLevels(text, false), expected);
  for (const wrong of ["", "0", "a", "1..8", "8..1*2", "1..8*1", "1,,2", "1..8+0", "-1"]) {
    let told: unknown = null;
    try {
      parseLevels(wrong, false);
    } catch (expected) {
      told = expected;
    }
    assert(String(told).startsWith("numbers above 0"), wrong);
  }
  let whole: unknown = null;
  try {
    parseLevels("1.5", true);
  } catch (expected) {
    whole = expected;
  }
  assert(String(whole).startsWith("whole numbers"));
});

Deno.test("an experiment at levels: every combination, none with another's prompts", () => {
  const experiment = {
    name: "e",
    runs: [{ settings: { requests: 1, prompt_seed: 7 }, varied: {} }],
  };
  const { runs } = atLevels(experiment, { concurrency: [1, 2], rate: [3, 4] });
  assertEquals(runs.map(({ varied }) => varied), [
    { concurrency: 1, rate: 3 },
    { concurrency: 1, rate: 4 },
    { concurrency: 2, rate: 3 },
    { concurrency: 2, rate: 4 },
  ]);
  assertEquals(runs.map(({ settings }) => settings.prompt_seed), [7, 8, 9, 10]);
  const varied = { name: "e", runs: [{ settings: {}, varied: { rate: 1 } }] };
  assertThrows(() => atLevels(varied, { rate: [1, 2] }), InputError, "--rate");
});

Deno.test("levels: Kleinrock's knee, Pareto of users and GPUs", () => {
  // requests/s, tokens/s a user, ms of a request
  const points =
    ([[1, 50, 100], [2, 48, 110], [4, 40, 140], [4.2, 20, 400], [4.1, 10, 700]] as const)
      .map(([rate, user, e2e], i) => ({
        name: `${i}`,
        level: i,
        runs: [runOf(1, 1, rate, user, e2e)],
      }));
  const levels = levelFigures(points, 2);
  assertEquals(levels.map(({ knee }) => knee), [false, false, true, false, false]);
  // powers of 10, 18.2 and 28.6: where they only rise, the knee may be higher; in any order
  const rising = points.slice(0, 3);
  assertEquals(levelFigures(rising, 2).map(levelMarks), [
    "Pareto",
    "Pareto",
    "knee not reached, Pareto",
  ]);
  assertEquals(levelFigures(rising.toReversed(), 2).map(({ knee }) => knee), [null, false, false]);
  assertEquals(levelFigures(points.toReversed(), 2)[2].knee, true);
  const others = rising.map((point) => ({ ...point, level: null }));
  assertEquals(levelFigures(others, 2)[2].knee, true, "what are no levels has no order");
  assertEquals(levels.map(({ pareto }) => pareto), [true, true, true, true, false]);
  assertEquals(levels.map((level) => level.tokens_per_s_per_gpu), [5, 10, 20, 21, 20.5]);
  assertEquals(levelFigures(points, null)[0].tokens_per_s_per_gpu, null);
  assertEquals(levelFigures([], 1), []);
});

Deno.test("a file of an earlier dyno that repeats its prompts is told the new name", async () => {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  const file = { kind: "load", name: "n", repeat: true, concurrency: 1, requests: 1, prompts: "p" };
  await Deno.writeTextFile(path, JSON.stringify(file));
  let told = "";
  try {
    await readLoadExperiment(path, {});
  } catch (error) {
    told = (error as Error).message;
  }
  assert(told.includes('"recycle"'), told);
  await Deno.writeTextFile(path, JSON.stringify({ ...file, repeat: 3, until: "ttft_p99:5%" }));
  const { repeat, until } = await readLoadExperiment(path, {});
  assertEquals([repeat, until], [3, "ttft_p99:5%"]);
  await Deno.remove(path);
});
