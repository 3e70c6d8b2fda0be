/**
 * Repeated answers to a problem are one problem. Right values: McNemar's exact p by hand
 * (2 · ½³ = 0.25), and simulations whose true difference is known.
 */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { compareMetric, compareTwo, flipsOf } from "../../lib/compare/compare.ts";
import { difficulties } from "../../lib/compare/difficulty.ts";
import { checkPaired } from "../../lib/compare/gate.ts";
import { modesOf } from "../../lib/run/problems.ts";
import { openRandom } from "../../lib/stats/random.ts";
import { comparedRun } from "../run/runs_fixture.ts";
import type { ComparedRun } from "../../lib/compare/compare.ts";

/** A run of problems with answers each, "1" right: `["11", "0"]` is a problem of two and one of one. */
function sampled(problems: readonly string[], mode: string | null = null): ComparedRun {
  const places = problems.flatMap((marks, p) => [...marks].map(() => p));
  return comparedRun(problems.join(""), (item, i) => {
    item.problem_id = `p${places[i]}`;
    item.item_id = `p${places[i]} ${mode} #${i}`;
    item.mode = mode;
  });
}

const solved = (count: number) =>
  Array.from({ length: 10 }, (_, p) => p < count ? "11111" : "00000");

Deno.test("five answers to each of ten problems: three flips, and nothing shown", () => {
  const [first, second] = [sampled(solved(3)), sampled(solved(6))];
  const found = compareMetric(first, second, "pass_rate")!;
  assertEquals([found.items, found.answers], [10, [50, 50]]);
  assertAlmostEquals(found.p, 0.25, 1e-12);
  assert(found.difference!.low < 0 && found.difference!.high > 0);
  assertEquals(found.detectable, null);
  assertEquals(flipsOf(first, second), { gained: ["p3", "p4", "p5"], lost: [] });
  const gate = checkPaired(second, first, "pass_rate", { amount: 0.05, relative: false });
  assertEquals(gate.verdict, "underpowered");
  assert(gate.items_needed! > 10);
});

Deno.test("runs of other numbers of answers are compared by the mean of each problem", () => {
  const found = compareMetric(sampled(["10", "11", "00"]), sampled(["1", "1", "0"]), "pass_rate")!;
  assertEquals([found.items, found.answers], [3, [6, 3]]);
  assertEquals([found.first, found.second], [0.5, 2 / 3]);
});

Deno.test("a mode is compared with itself; the other one is left out by name", () => {
  const zero = sampled(["1", "1", "0"], "zero-shot");
  const both = sampled(["1", "1", "0"], "zero-shot");
  both.items.push(...sampled(["0", "0", "0"], "iterative").items);
  const { metrics, notes, flips } = compareTwo(zero, both);
  assertEquals(metrics[0].second, 2 / 3);
  assertEquals(flips, { gained: [], lost: [] });
  assert(notes.some((note) => note.includes("only zero-shot")), notes.join());
  const [one, two] = modesOf(both.items);
  assertEquals([one.mode, one.problems, one.pass_rate?.value], ["zero-shot", 3, 2 / 3]);
  assertEquals([two.mode, two.problems, two.pass_rate?.value], ["iterative", 3, 0]);
});

Deno.test("both modes of a problem are one problem in its difficulty", () => {
  const items = [
    ["p zero-shot", "P", "p", "zero-shot"],
    ["p iterative", "P", "p", "iterative"],
  ] as const;
  const outcomes = ["01", "01"].map((marks, i) => ({
    run_id: `r${i}`,
    started_at_unix_seconds: 0,
    items,
    marks,
  }));
  const [{ problem_id, runs, answers, successes, success_rate }, ...more] = difficulties(outcomes);
  assertEquals([problem_id, runs, answers, successes, more.length], ["p", 2, 4, 2, 0]);
  assertEquals(success_rate.value, 0.5);
});

/** Chances of being right by problem, such that answers to one correlate by so much. */
function chances(random: () => number, problems: number, correlation: number, mean: number) {
  return Array.from(
    { length: problems },
    () => random() < correlation ? Number(random() < mean) : mean,
  );
}

function answered(random: () => number, chances: readonly number[], answers: number): string[] {
  return chances.map((chance) =>
    Array.from({ length: answers }, () => random() < chance ? "1" : "0").join("")
  );
}

const TRIALS = Deno.env.get("DYNO_TEST_LONG") ? 1000 : 300;
/** Binomial deviations around the aims that so many trials may show. */
const slack = (share: number) => 3 * Math.sqrt(share * (1 - share) / TRIALS);

for (const correlation of [0, 0.5, 1]) {
  Deno.test(`with repeats that correlate by ${correlation}: coverage, and false alarms of the gate`, () => {
    const random = openRandom(20 + correlation * 10);
    const problems = 60, answers = 4, drop = 0.1;
    let covered = 0, alarms = 0;
    for (let trial = 0; trial < TRIALS; trial++) {
      // two models that know other problems, the second one less often
      const base = sampled(answered(random, chances(random, problems, correlation, 0.6), answers));
      const worse = sampled(
        answered(random, chances(random, problems, correlation, 0.6 - drop), answers),
      );
      const { difference } = compareMetric(base, worse, "pass_rate")!;
      if (difference!.low <= -drop && -drop <= difference!.high) covered++;
      const same = sampled(answered(random, chances(random, problems, correlation, 0.6), answers));
      const gate = checkPaired(base, same, "pass_rate", { amount: 0, relative: false });
      if (gate.verdict === "regression") alarms++;
    }
    assert(covered / TRIALS > 0.93 - slack(0.93), `${covered} of ${TRIALS} covered`);
    assert(covered / TRIALS < 0.97 + slack(0.97), `${covered} of ${TRIALS} covered`);
    // of the two sides of a 5 % test, a regression is one
    assert(alarms / TRIALS <= 0.05 + slack(0.05), `${alarms} of ${TRIALS} alarms`);
  });
}
