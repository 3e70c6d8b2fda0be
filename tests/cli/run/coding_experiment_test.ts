/** Coding problems named by an experiment file: the same settings as the flags'. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { writeFileSync } from "node:fs";
import { dyno } from "../../e2e/dyno.ts";
import { temporaryFolder } from "../../suite/fixture.ts";

const PROBLEM = {
  task_id: "T/0",
  prompt: 'def one() -> int:\n    """Gives 1."""\n',
  entry_point: "one",
  canonical_solution: "    return 1\n",
  test: "def check(candidate):\n    assert candidate() == 1\n",
};

Deno.test("an experiment runs coding problems on its mock endpoint; flags go before it", async () => {
  using folder = temporaryFolder();
  const put = (name: string, text: string) => writeFileSync(`${folder.path}/${name}`, text);
  const script = { default_response: "```python\ndef one():\n    return 1\n```", answers: [] };
  const experiment = {
    name: "ones",
    suite: "ones.jsonl",
    model: "mock",
    samples: 2,
    test_timeout_s: "20s",
    mock: { script: "script.json" },
  };
  put("ones.jsonl", JSON.stringify(PROBLEM) + "\n");
  put("script.json", JSON.stringify(script));
  put("e.json", JSON.stringify(experiment));
  const cwd = folder.path;
  const both = await dyno(["run", "e.json", "--json"], { cwd });
  assertEquals(both.code, 0, both.stderr);
  assertStringIncludes(both.stderr, "Answers: 2 each");
  const one = await dyno(["run", "e.json", "--samples", "1", "--mode", "iterative", "--json"], {
    cwd,
  });
  assertEquals(one.code, 0, one.stderr);
  assertStringIncludes(one.stderr, "Attempts: at most 10");
  put("wrong.json", JSON.stringify({ ...experiment, tests: ["T/0"] }));
  const wrong = await dyno(["run", "wrong.json"], { cwd });
  assertEquals(wrong.code, 2);
  assertStringIncludes(wrong.stderr, ": tests: not for coding problems");
});
