/** Right programs pass and wrong ones fail: our own problems, and all of HumanEval. */
import { assert, assertEquals } from "@std/assert";
import { Sandbox } from "../../../lib/coding/sandbox/sandbox.ts";
import { attempt, available, humanEval, problems } from "./fixture.ts";
import type { Problem } from "./fixture.ts";

const ignore = !available;

/** The names and ends of what ended otherwise than it should. */
async function wrong(problems: Problem[], which: "code" | "stub"): Promise<string[]> {
  await using sandbox = await Sandbox.open({ workers: 2 });
  const found: string[] = [];
  await Promise.all(problems.map(async (problem) => {
    const outcome = await sandbox.run(attempt(problem, problem[which]));
    const good = which === "code"
      ? outcome.passed
      : ["assertion", "exception"].includes(outcome.class);
    if (!good) found.push(`${problem.name}: ${outcome.class}: ${outcome.detail}`);
  }));
  return found;
}

Deno.test({ name: "sandbox: our own solutions pass", ignore }, async () => {
  assertEquals(problems.length, 12);
  assertEquals(await wrong(problems, "code"), []);
});

Deno.test({ name: "sandbox: our own stubs fail", ignore }, async () => {
  assertEquals(await wrong(problems, "stub"), []);
});

const known = available ? humanEval() : null;
const [share, every] = Deno.env.get("DYNO_TEST_LONG") ? ["all", 1] : ["a quarter", 4];
const some = known?.filter((_, i) => i % every === 0) ?? [];

Deno.test({ name: `sandbox: ${share} of HumanEval's solutions pass`, ignore: !known }, async () => {
  assertEquals(known!.length, 164);
  assertEquals(await wrong(some, "code"), []);
});

Deno.test({ name: `sandbox: ${share} of HumanEval's stubs fail`, ignore: !known }, async () => {
  assertEquals(await wrong(some, "stub"), []);
});

Deno.test({ name: "sandbox: a helper of the candidate's cannot lie", ignore }, async () => {
  await using sandbox = await Sandbox.open({ workers: 1 });
  const problem = problems.find(({ prompt }) => prompt !== undefined)!;
  const lying = `def encode(text):\n    return text\n\n\ndef decode(text):\n    return text\n`;
  const outcome = await sandbox.run(attempt(problem, lying));
  assertEquals(outcome.class, "assertion");
  assert(!outcome.passed);
});

Deno.test(
  { name: "sandbox: names of Python's in the asserts are not the candidate's", ignore },
  async () => {
    await using sandbox = await Sandbox.open({ workers: 1 });
    const code = `def root(x):\n    return 0\n\n\ndef abs(x):\n    return 0\n\n\n` +
      `def isclose(a, b):\n    return True\n\n\nsorted = len = set = lambda *args: 7\n`;
    const tests = [
      "assert abs(root(9) - 3) < 1e-6",
      "from math import isclose\nassert isclose(root(9), 3)",
      "import math\nassert math.isclose(root(9), 3)",
      "assert len([root(9)]) == 7",
    ];
    for (const test of tests) {
      const problem = { name: "root", form: "asserts" as const, entry_point: "root", code, test };
      const outcome = await sandbox.run(attempt({ ...problem, stub: "" }));
      assertEquals(outcome.class, "assertion", `${test}: ${outcome.detail}`);
    }
  },
);
