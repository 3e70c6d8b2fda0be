/** When an iterative run gives up: attempts that are no better than each other. */
import { readFileSync } from "node:fs";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { isPlateau } from "../../lib/coding/plateau.ts";
import { folder, problems, run, test, wrong } from "./fixture.ts";
import type { Problem } from "../../lib/coding/problems/problem.ts";

test("the same failure again and again ends a problem where that was asked for", async () => {
  using out = folder();
  const response = wrong(problems[0], 1);
  await using mock = await MockEndpoint.start({
    model: "m",
    behaviour: { default_response: response },
  });
  for (
    const [stop_on_plateau, stopped, iterations] of [
      [null, "limit", 6],
      [3, "plateau", 3],
      [5, "plateau", 5],
      [7, "limit", 6],
    ] as const
  ) {
    const change = { max_iterations: 6, stop_on_plateau };
    const { results } = await run(mock, [problems[0]], out.path, change);
    const { coding } = results.items[0];
    assertEquals([coding!.stopped, coding!.iterations], [stopped, iterations]);
  }
});

test("as many checks passed three times over is a plateau; the history tells them", async () => {
  using out = folder();
  const problem: Problem = {
    ...problems[0],
    prompt: "def half(n):\n    ...\n",
    entry_point: "half",
    tests: {
      form: "check",
      text: "def check(candidate):\n    for n in range(6):\n" +
        "        assert candidate(2 * n) == n\n    assert candidate(-2) == -1\n",
      setup: "",
    },
    canonical_solution: null,
  };
  // each time another code that fails otherwise
  const answers = [5, 4, 4, 4].map((most, i) => ({
    pattern: i === 0 ? "Complete this" : `Attempts so far: ([^;]+; ){${i - 1}}[^;]+checks\\.`,
    response: "```python\ndef half(n):\n" +
      `    return n // 2 if 0 <= n < ${2 * most} else "off ${i}"\n\`\`\``,
  }));
  const script = { answers: answers.reverse() };
  await using mock = await MockEndpoint.start({ model: "m", script });
  const change = { max_iterations: 9, stop_on_plateau: 3 };
  const { results, directory } = await run(mock, [problem], out.path, change);
  const attempts = readFileSync(directory.journal, "utf8").trim().split("\n")
    .map((line) => JSON.parse(line)).filter(({ event }) => event === "attempt_finished")
    .map(({ attempt }) => attempt);
  assertEquals(attempts.map(({ pass_rate }) => pass_rate), [5 / 7, 4 / 7, 4 / 7, 4 / 7]);
  assertEquals(new Set(attempts.map(({ detail }) => detail)).size, 4);
  const { stopped, iterations } = results.items[0].coding!;
  assertEquals([stopped, iterations], ["plateau", 4]);
  assertStringIncludes(
    mock.requests.at(-1)!.body_text,
    "Attempts so far: 1: assertion, 5 of 7 checks; 2: assertion, 4 of 7 checks; 3: assertion",
  );
});

Deno.test("a plateau is three alike: a rate between none and all, or the same failure", () => {
  const tried = (pass_rate: number | null, i: number, code = `code ${i}`) => ({
    iteration: i + 1,
    passed: false,
    outcome: "assertion",
    detail: `of ${code}`,
    code,
    checks: null,
    pass_rate,
  });
  assert(isPlateau([0.2, 0.5, 0.5, 0.5].map((rate, i) => tried(rate, i))));
  for (const rates of [[0.5, 0.5], [0.2, 0.5, 0.5], [0, 0, 0], [null, null, null], [1, 1, 1]]) {
    assert(!isPlateau(rates.map((rate, i) => tried(rate, i))), String(rates));
  }
  assert(isPlateau([0, 0, 0].map((rate, i) => tried(rate, i, "same"))));
});
