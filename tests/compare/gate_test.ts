import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import {
  checkLimit,
  checkPaired,
  checkWhole,
  gateResult,
  parseTolerance,
} from "../../lib/compare/gate.ts";
import { gateAnnotations, gateJUnit, gateMarkdown } from "../../lib/compare/gate_report.ts";
import { describeDelta, describeValue } from "../../lib/measures/describe.ts";
import { seededRandom } from "../../lib/stats/random.ts";
import { comparedRun } from "../run/runs_fixture.ts";

const PP5 = { amount: 0.05, relative: false };

/** n marks of which `lost` flip from right to wrong and `gained` the other way. */
function pair(n: number, lost: number, gained: number) {
  const first = "1".repeat(n - gained) + "0".repeat(gained);
  const second = "0".repeat(lost) + "1".repeat(n - lost);
  return [comparedRun(first), comparedRun(second)] as const;
}

Deno.test("verdicts on the pass rate", () => {
  const verdict = (n: number, lost: number, gained: number) =>
    checkPaired(...pair(n, lost, gained), "pass_rate", PP5).verdict;
  assertEquals(verdict(164, 0, 0), "pass");
  assertEquals(verdict(164, 20, 2), "regression");
  assertEquals(verdict(1000, 10, 10), "pass");
  assertEquals(verdict(1000, 0, 50), "pass");
  assertEquals(verdict(20, 0, 0), "underpowered"); // nothing flipped, and that proves little
  assertEquals(verdict(20, 5, 0), "underpowered"); // −25 pp, p = 0.06
  assertEquals(verdict(20, 6, 0), "regression"); // p = 0.03
  assertEquals(verdict(164, 9, 3), "underpowered"); // −3.7 pp, perhaps −8
  assertEquals(verdict(5000, 150, 50), "pass"); // a real drop, of 2 pp: tolerated
});

Deno.test("an underpowered gate says how many problems would do, and they do", () => {
  const check = checkPaired(...pair(20, 1, 1), "pass_rate", PP5);
  assertEquals(check.verdict, "underpowered");
  const needed = check.items_needed!;
  assert(needed > 100 && needed < 5000, `${needed}`);
  assertMatch(
    check.message,
    new RegExp(`20 problems cannot rule out a drop of 5.0 pp, about ${needed}`),
  );
  const large = checkPaired(...pair(5, 5, 0), "pass_rate", PP5); // p = 2 · 0.5⁵ = 0.0625
  assertEquals(large.verdict, "underpowered");
  assertMatch(large.message, /worse than allowed, but 5 problems are too few to rule out chance/);
  const flips = Math.round(needed / 20);
  assertEquals(checkPaired(...pair(needed, flips, flips), "pass_rate", PP5).verdict, "pass");
});

Deno.test("of runs without a difference, a gate of 5 % fails at most some 5 %", () => {
  const random = seededRandom(3);
  let regressions = 0;
  for (let round = 0; round < 400; round++) {
    const marks = () => Array.from({ length: 150 }, () => random() < 0.7 ? "1" : "0").join("");
    const none = { amount: 0, relative: false };
    const check = checkPaired(comparedRun(marks()), comparedRun(marks()), "pass_rate", none);
    if (check.verdict === "regression") regressions++;
  }
  assert(regressions <= 20, `${regressions} of 400`);
});

Deno.test("a problem without an answer counts as lost", () => {
  const check = checkPaired(
    comparedRun("1".repeat(100)),
    comparedRun("x".repeat(20) + "1".repeat(80)),
    "pass_rate",
    PP5,
  );
  assertEquals([check.verdict, check.candidate], ["regression", 0.8]);
});

Deno.test("problems that the candidate lacks are no pass", () => {
  const whole = checkWhole(comparedRun("1".repeat(100)), comparedRun("1".repeat(60)));
  assertEquals([whole?.verdict, whole?.items_needed], ["underpowered", 100]);
  assertEquals(checkWhole(comparedRun("11"), comparedRun("110")), null);
});

Deno.test("latencies: relative tolerance, worse is more", () => {
  const ten = { amount: 0.1, relative: true };
  const random = seededRandom(1);
  const slower = (factor: number, noise: number) =>
    checkPaired(
      comparedRun("1".repeat(60)),
      comparedRun("1".repeat(60), (item) =>
        item.latency_ms = 1000 * factor + noise * (random() - 0.5)),
      "latency_ms",
      ten,
    ).verdict;
  assertEquals(slower(1.02, 50), "pass");
  assertEquals(slower(0.5, 50), "pass");
  assertEquals(slower(1.3, 50), "regression");
  assertEquals(slower(1.05, 2000), "underpowered");
});

Deno.test("scores of which none changed tell no more than passes of which none flipped", () => {
  const score = checkPaired(...pair(10, 0, 0), "score", PP5);
  assertEquals(score.verdict, "underpowered");
});

Deno.test("limits: kept, broken, not known", () => {
  assertEquals(checkLimit("pass_rate", 0.85, "min", 0.85).verdict, "pass");
  assertEquals(checkLimit("ttft_p99_ms", 501, "max", 500).verdict, "regression");
  assertEquals(checkLimit("total_cost_usd", null, "max", 2).verdict, "underpowered");
});

Deno.test("a regression outweighs a check that cannot tell, which outweighs a pass", () => {
  const of = (...values: (number | null)[]) =>
    gateResult("a", "b", values.map((value) => checkLimit("score", value, "min", 0.5))).verdict;
  assertEquals([of(1), of(1, null), of(null, 0, 1)], ["pass", "underpowered", "regression"]);
});

Deno.test("tolerances", () => {
  assertEquals(parseTolerance("max-drop", "5pp"), { amount: 0.05, relative: false });
  assertEquals(parseTolerance("max-drop", " 2.5 % "), { amount: 0.025, relative: true });
  assertEquals(parseTolerance("max-rise", "20"), { amount: 20, relative: false });
  for (const wrong of ["", "five", "-5pp", "5ppp", "1e3"]) {
    assertThrows(() => parseTolerance("max-drop", wrong), InputError, "--max-drop");
  }
});

Deno.test("values and differences are written in their units", () => {
  assertEquals(describeValue("latency_ms", 60_000), "60,000 ms");
  assertEquals(describeValue("cost_usd", 0.0012), "$0.0012");
  assertEquals(describeDelta("pass_rate", -0.05, true), "−5.0 pp");
  assertEquals(describeDelta("ttft_ms", 1.5, true), "+1.500 ms");
});

Deno.test("reports survive names that are markup, commands and controls", () => {
  const evil = 'a"<b>&\u0000|`x`\n::error::gotcha%';
  const result = gateResult(evil, evil, [
    { ...checkLimit("score", 0, "min", 0.5), message: evil, name: evil },
  ], { gained: [], lost: [evil] });
  const xml = gateJUnit(result);
  assertStringIncludes(xml, "a&quot;&lt;b&gt;&amp;\ufffd|");
  assertEquals(xml.match(/<failure /g)?.length, 2);
  assertStringIncludes(xml, 'tests="2" failures="2" errors="0" skipped="0"');
  for (const line of gateAnnotations(result)) {
    assertMatch(line, /^::error title=[^\n:]*::[^\n]*$/);
  }
  const rows = gateMarkdown(result).split("\n").filter((line) => line.startsWith("| a"));
  assertEquals(rows.length, 1);
  assertStringIncludes(rows[0], "\\<b\\>");
});
