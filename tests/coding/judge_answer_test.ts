/** Judging answers: limits that scale with the canonical solution, names that the problem asks for. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { AnswerJudge } from "../../lib/coding/judge_answer.ts";
import { Sandbox } from "../../lib/coding/sandbox/sandbox.ts";
import { available } from "./sandbox/fixture.ts";
import type { Problem } from "../../lib/coding/problems/problem.ts";

const ignore = !available;
const limits = { timeout_s: 0.5, memory_bytes: 256 << 20 };
const never = new AbortController().signal;

function problem(canonical: string | null): Problem {
  return {
    problem_id: "p",
    index: 0,
    prompt: "import time\n\n\ndef f(x):\n",
    entry_point: "f",
    tests: {
      form: "check",
      text: "def check(candidate):\n    assert candidate(1) == 2\n",
      setup: "",
    },
    canonical_solution: canonical,
  };
}
const sleeping = (seconds: number) => `    time.sleep(${seconds})\n    return x + 1\n`;

Deno.test(
  { name: "an answer may take four times what the canonical solution takes here", ignore },
  async () => {
    await using sandbox = await Sandbox.open({ workers: 2 });
    const judged = async (canonical: string | null, body: string) => {
      const given = problem(canonical);
      return await new AnswerJudge(sandbox, limits).judge(given, given.prompt + body, never);
    };
    const [slow, without, endless, quick, both] = await Promise.all([
      judged(sleeping(0.7), sleeping(1)),
      judged(null, sleeping(1)),
      judged(sleeping(0.7), sleeping(60)),
      judged(sleeping(0), sleeping(60)),
      judged(sleeping(60), sleeping(60)),
    ]);
    assertEquals([slow.class, without.class, endless.class, quick.class, both.class], [
      "passed",
      "timeout",
      "timeout",
      "timeout",
      "sandbox_error",
    ]);
    assertStringIncludes(quick.detail, "no end after 0.5 s");
    assertStringIncludes(both.detail, "the canonical solution has no end within 3 s here");
  },
);

Deno.test(
  {
    name: "where the canonical solution needs more memory than there is, nothing is judged",
    ignore,
  },
  async () => {
    await using sandbox = await Sandbox.open({ workers: 2 });
    const judged = async (canonical: string | null, body: string) => {
      const given = problem(canonical);
      return await new AnswerJudge(sandbox, { ...limits, timeout_s: 10 })
        .judge(given, given.prompt + body, never);
    };
    const greedy = "    return len(bytes(600 << 20)) // (300 << 20)\n";
    const [both, alone, without] = await Promise.all([
      judged(greedy, greedy),
      judged("    return 2\n", greedy),
      judged(null, greedy),
    ]);
    assertEquals([both.class, alone.class, without.class], [
      "sandbox_error",
      "out_of_memory",
      "out_of_memory",
    ]);
    assertStringIncludes(both.detail, "need more than 256 MiB; give more with --test-memory");
  },
);

Deno.test(
  { name: "where the canonical solution fails its own tests, no failure is the answer's", ignore },
  async () => {
    await using sandbox = await Sandbox.open({ workers: 2 });
    const given = problem("    return x + 2\n"); // as HumanEval/32 of one publisher: its test is wrong
    const asserts = {
      ...given,
      problem_id: "asserts",
      prompt: "Add one.",
      tests: { form: "asserts" as const, text: "assert f(1) == 2\n", setup: "" },
      canonical_solution: "def f(x):\n    return x / 0\n",
    };
    const language = { name: "python", command: "{python} {file}", extension: "py" };
    const program = {
      ...given,
      problem_id: "program",
      tests: { form: "program" as const, language, cases: [{ input: "1", output: "2" }] },
      canonical_solution: "print(3)\n",
    };
    const judge = new AnswerJudge(sandbox, { ...limits, timeout_s: 10 });
    const outcomes = await Promise.all([
      judge.judge(given, given.prompt + "    return x\n", never),
      judge.judge(given, "", never),
      judge.judge(given, given.prompt + "    return x + 1\n", never),
      judge.judge(asserts, "def f(x):\n    return x\n", never),
      judge.judge(program, "print(4)\n", never),
    ]);
    const unjudged = "sandbox_error";
    assertEquals(
      outcomes.map((outcome) => outcome.class),
      [unjudged, unjudged, "passed", unjudged, unjudged],
    );
    const said = "the problem's own canonical solution fails its tests: ";
    assertStringIncludes(outcomes[0].detail, `${said}assertion`);
    assertStringIncludes(outcomes[3].detail, `${said}exception: f(1) raised ZeroDivisionError`);
  },
);

Deno.test({ name: "the checks' own time does not count against a program", ignore }, async () => {
  await using sandbox = await Sandbox.open({ workers: 1 });
  const given = problem(null);
  const text = "import time\n\n\ndef check(candidate):\n    assert candidate(1) == 2\n" +
    "    time.sleep(1.2)\n    assert candidate(2) == 3\n";
  const outcome = await new AnswerJudge(sandbox, limits).judge(
    { ...given, tests: { form: "check", text, setup: "" } },
    given.prompt + sleeping(0),
    never,
  );
  assertEquals([outcome.class, outcome.detail], ["passed", ""]);
});

const HELPED = "def g(x):\n    return x\n\n\ndef f(x):\n    return 2 * x\n";

Deno.test(
  { name: "a helper comes from the program where the problem asks for it", ignore },
  async () => {
    await using sandbox = await Sandbox.open({ workers: 2 });
    const judge = new AnswerJudge(sandbox, { ...limits, timeout_s: 10 });
    const judged = (text: string, canonical: string | null, code = HELPED) =>
      judge.judge(
        {
          problem_id: text + canonical,
          index: 0,
          prompt: text,
          entry_point: "f",
          tests: { form: "asserts", text: "assert g(f(2)) == 4\n", setup: "" },
          canonical_solution: canonical,
        },
        code,
        never,
      );
    const alone = "def f(x):\n    return 2 * x\n";
    assertEquals((await judged("Double it.", HELPED)).class, "passed");
    assertEquals((await judged("Write f and its inverse g.", alone)).class, "passed");
    const foreign = await judged("Double it.", alone);
    assertEquals(foreign.class, "sandbox_error");
    assertStringIncludes(foreign.detail, "neither the test nor the problem defines it");
    // asked for and not there: that is the program's fault
    assertEquals((await judged("Double it.", HELPED, alone)).class, "exception");
  },
);
