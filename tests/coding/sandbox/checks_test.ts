/** How many checks of a test hold: counted behind the first failure too, which stays what is told. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Sandbox } from "../../../lib/coding/sandbox/sandbox.ts";
import { available, program } from "./fixture.ts";
import type { OutcomeClass } from "../../../lib/coding/sandbox/outcome.ts";

const check = (...lines: string[]) =>
  `def check(candidate):\n${lines.map((line) => `    ${line}\n`).join("")}`;
const four = [1, 2, 3, 4].map((n) => `assert candidate(${n}) == ${2 * n}`);
const loop = ["for n in range(6):", "    assert candidate(n) == 2 * n"];
const helper = "def same(a, b):\n    assert a == b\n\n";
const raises = [
  "try:",
  "    candidate(-1)",
  "    assert False, 'no error'",
  "except ValueError:",
  "    pass",
];

const right = "    return 2 * x";
const small = "    return 2 * x if x < 3 else 0";
const loops = `    while x > 3: pass\n${small}`;
const ends_itself = `    import os\n    x > 3 and os._exit(0)\n${small}`;
const raising = "    return 2 * x if x != 2 else x / 0";

/** A test, a function's body, how it ends, and how many of how many checks held. */
const ends: [string, string, OutcomeClass, [number, number] | null][] = [
  [check(...four), right, "passed", [4, 4]],
  [check(...four), small, "assertion", [2, 4]],
  [check(...four), raising, "exception", [3, 4]],
  [check(...four), "    return {}[x] if x > 1 else 1", "assertion", [0, 4]],
  [check(...loop), small, "assertion", [3, 6]],
  [check(...loop, ...four), small, "assertion", [5, 10]],
  [check("if candidate(1) == 3:", "    assert False", ...four), right, "passed", [4, 4]],
  [helper + check(...four, "same(candidate(5), 10)"), small, "assertion", [2, 5]],
  [check(...raises, ...four), right, "assertion", [4, 5]],
  [check(...raises, ...four), "    if x < 0: raise ValueError\n" + right, "passed", [5, 5]],
  // what is no assert ends the checks: the others are failed
  [check(four[0], "candidate(2) + 1", ...four.slice(2)), raising, "exception", [1, 3]],
  [check("values = [candidate(n) for n in (1, 2)]", "assert values"), raising, "exception", [0, 1]],
  // whatever comes behind the first failure, it stays
  [check(four[2], four[0], four[3]), loops, "assertion", [1, 3]],
  [check(four[2], four[0], four[3]), ends_itself, "assertion", [1, 3]],
  [check(...four), "    while x > 2: pass\n" + right, "timeout", [2, 4]],
  [check(...four), "    import os\n    x > 2 and os._exit(0)\n" + right, "exception", [2, 4]],
  [check("assert all(candidate(n) == 2 * n for n in range(9))"), small, "assertion", [0, 1]],
  [check("if candidate(1) != 2:", "    raise AssertionError"), right, "passed", null],
];

Deno.test({ name: "sandbox: checks are counted", ignore: !available }, async () => {
  await using sandbox = await Sandbox.open({ workers: 4 });
  await Promise.all(ends.map(async ([test, body, kind, counted]) => {
    const code = `def double(x):\n${body}\n`;
    const limits = program({ code, test, form: "check", entry_point: "double" }, 1);
    const outcome = await sandbox.run(limits);
    const { checks } = outcome;
    const found = [outcome.class, checks && [checks.passed, checks.total]];
    assertEquals(found, [kind, counted], `${test}\n${code}\n${outcome.detail}`);
    assertEquals(outcome.passed, kind === "passed");
  }));
});

Deno.test(
  { name: "sandbox: checks of bare asserts, and what is told", ignore: !available },
  async () => {
    await using sandbox = await Sandbox.open({ workers: 1 });
    const test = "assert double(1) == 2\nassert double(3) == 6\nassert double(2) == 5\n";
    const code = `def double(x):\n${small}\n`;
    const outcome = await sandbox.run(
      program({ code, test, form: "asserts", entry_point: "double" }),
    );
    assertEquals([outcome.class, outcome.checks], ["assertion", { passed: 1, total: 3 }]);
    assertStringIncludes(outcome.detail, "assert double(3) == 6\ndouble(3) returned 0");
    assert(!outcome.detail.includes("== 5"));
  },
);

Deno.test(
  { name: "sandbox: counting is bounded, a pass needs every check", ignore: !available },
  async () => {
    await using sandbox = await Sandbox.open({ workers: 3 });
    const many = check("for n in range(3000):", "    assert candidate(n) == 2 * n");
    const run = (body: string) =>
      sandbox.run(program({
        code: `def double(x):\n${body}\n`,
        test: many,
        form: "check",
        entry_point: "double",
      }));
    const [passed, late, early] = await Promise.all([
      run(right),
      run("    return 2 * x if x < 2500 else 0"),
      run("    return 2 * x if x > 0 else 1"),
    ]);
    assertEquals([passed.class, passed.checks], ["passed", { passed: 1000, total: 1000 }]);
    assertEquals([late.class, late.checks], ["assertion", { passed: 1000, total: 1001 }]);
    assertStringIncludes(late.detail, "double(2500)");
    assertEquals([early.class, early.checks], ["assertion", { passed: 999, total: 1000 }]);
    assertStringIncludes(early.detail, "double(0)");
  },
);

Deno.test(
  { name: "sandbox: a test that calls very often ends long before its limit", ignore: !available },
  async () => {
    await using sandbox = await Sandbox.open({ workers: 1 });
    const calls = Deno.env.get("DYNO_TEST_LONG") ? 100_000 : 5_000;
    const test = check(
      `for n in range(${calls}):`,
      "    if candidate(n) != 2 * n:",
      "        assert False",
      "assert True",
    );
    const code = `def double(x):\n${right}\n`;
    // the way there and back is not the program's time: of that it has little
    const begun_ms = performance.now();
    const outcome = await sandbox.run(
      program({ code, test, form: "check", entry_point: "double" }, 10),
    );
    assertEquals([outcome.class, outcome.detail], ["passed", ""]);
    const took_s = (performance.now() - begun_ms) / 1000;
    assert(outcome.worked_s < 0.75 * took_s, `${outcome.worked_s} s of ${took_s} s`);
  },
);
