/** Modules that problems' tests import are looked for before a model is asked anything. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { checkModules, importedBy } from "../../lib/coding/needed_modules.ts";
import { Sandbox } from "../../lib/coding/sandbox/sandbox.ts";
import { available } from "./sandbox/fixture.ts";
import type { Problem } from "../../lib/coding/problems/problem.ts";

function problem(id: string, text: string, prompt = "def f(x):\n"): Problem {
  const tests = { form: "check" as const, text, setup: "" };
  return {
    problem_id: id,
    index: 0,
    prompt,
    entry_point: "f",
    tests,
    canonical_solution: null,
  };
}

Deno.test("the modules that a text imports", () => {
  const text = "import numpy as np, os.path\nfrom scipy.stats import norm\n" +
    "def check(candidate):\n    import math\n    try:\n        import quick\n    except ImportError:\n" +
    "        pass\n'''\nimport the numbers first\nfrom here on\n'''\n";
  assertEquals([...importedBy(text)], ["numpy", "os", "scipy", "math"]);
});

Deno.test(
  { name: "a module that is missing is named with its problems", ignore: !available },
  async () => {
    await using sandbox = await Sandbox.open({ workers: 1 });
    const fine = problem("a", "import math\nfrom collections import deque\n");
    await checkModules(sandbox, [fine]);
    const lacking = "import no_such_one as n\n";
    const checking = () =>
      checkModules(sandbox, [
        fine,
        problem("b", lacking),
        problem("c", "", `${lacking}\n\ndef f(x):\n`),
      ]);
    const { message } = await assertRejects(checking, InputError);
    assertStringIncludes(message, "no_such_one (b and 1 others)");
    assertStringIncludes(message, "python3 -m pip install no_such_one");
    assertStringIncludes(message, "--python");
    if ((await sandbox.lacking(["cv2"])).length === 0) return;
    const named = () => checkModules(sandbox, [problem("d", "import cv2\n")]);
    assertStringIncludes(
      (await assertRejects(named, InputError)).message,
      "install opencv-python)",
    );
  },
);

Deno.test({
  name: "one that is missing all the same is no fault of the program",
  ignore: !available,
}, async () => {
  await using sandbox = await Sandbox.open({ workers: 1 });
  for (
    const test of [
      "import no_such_one\ndef check(candidate):\n    assert candidate(1)\n",
      "def check(candidate):\n    import no_such_one\n    assert candidate(1)\n",
    ]
  ) {
    const outcome = await sandbox.run({
      code: "def f(x):\n    return x\n",
      entry_point: "f",
      test,
      form: "check",
      timeout_s: 10,
      memory_bytes: 256 << 20,
    });
    assertEquals(outcome.class, "sandbox_error");
    assertStringIncludes(outcome.detail, "no_such_one");
  }
});
