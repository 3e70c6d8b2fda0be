/** LiveCodeBench's form, BigCodeBench's, and what is refused by its name. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { InputError } from "../../../lib/errors.ts";
import { extractCode } from "../../../lib/coding/extract/extract_code.ts";
import { AnswerJudge } from "../../../lib/coding/judge_answer.ts";
import { loadProblems } from "../../../lib/coding/problems/load_problems.ts";
import { Sandbox } from "../../../lib/coding/sandbox/sandbox.ts";
import { available } from "../sandbox/fixture.ts";
import type { Problem } from "../../../lib/coding/problems/problem.ts";

async function loaded(...problems: unknown[]): Promise<Problem[]> {
  const folder = mkdtempSync(join(tmpdir(), "dyno-problems-"));
  try {
    const path = join(folder, "problems.jsonl");
    writeFileSync(path, problems.map((problem) => JSON.stringify(problem)).join("\n"));
    return await loadProblems(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** As Python 3.11 wrote it: base64 of zlib of pickle of JSON, as the data set has its private tests. */
const PACKED =
  "eJxrYJkazAABPf7R1UqZeQWlJUpWCkrRJjoKprExeTFKMaUGBqmWMUpKOgpK+aUlMHlTHQWTWJBYSWpxSUllQSpINK00L7kkMz8vMUepNnaKHgCV1xr9";
const PACKED_LONG =
  "eJxrYJmawcgABhGJQEZ0tVJmXkFpiZKVgpK5gsEoIBoo6Sgo5ZeWwMIOxC1JLS4pqSxIBQkUl6Rk5inVxk7RAwDgtEtA";

const functional = {
  question_title: "Turn",
  question_content: "Turn a list around.",
  platform: "leetcode",
  question_id: "9001",
  contest_id: "c",
  starter_code:
    "class Solution:\n    def turned(self, xs: List[int], note: str) -> List[int]:\n        ",
  difficulty: "easy",
  public_test_cases: JSON.stringify([
    { input: '[1, 2, 3]\n"true"', output: "[3, 2, 1]", testtype: "functional" },
    { input: '[true, null]\n""', output: "[null, true]", testtype: "functional" },
  ]),
  private_test_cases: PACKED,
  metadata: '{"func_name": "turned"}',
};
const stdin = {
  ...functional,
  question_id: "9002",
  starter_code: "",
  public_test_cases: JSON.stringify([{ input: "3\n4\n", output: "3", testtype: "stdin" }]),
  private_test_cases: PACKED_LONG,
  metadata: "{}",
};

Deno.test("LiveCodeBench: a function's tests and a program's, the private ones unpacked", async () => {
  const [first, second] = await loaded(functional, stdin);
  assertEquals([first.problem_id, first.entry_point], ["9001", "turned"]);
  assertStringIncludes(first.prompt, "Turn a list around.\n\nBegin with:\n\nclass Solution:");
  assertEquals(first.tests.form === "asserts" && first.tests.text.trim().split("\n"), [
    'assert _listed(turned([1, 2, 3], json.loads("\\"true\\""))) == [3, 2, 1]',
    'assert _listed(turned(json.loads("[true, null]"), "")) == json.loads("[null, true]")',
    'assert _listed(turned([4, 5], json.loads("\\"é\\""))) == [5, 4]',
  ]);
  assertEquals([second.problem_id, second.tests.form], ["9002", "program"]);
  if (second.tests.form !== "program") throw new Error();
  assertEquals(second.tests.cases.map(({ input }) => input.length), [4, 302]);
});

Deno.test({ name: "LiveCodeBench: answers are judged", ignore: !available }, async () => {
  const problems = await loaded(functional, stdin);
  await using sandbox = await Sandbox.open({ workers: 2 });
  const judge = new AnswerJudge(sandbox, { timeout_s: 10, memory_bytes: 256 << 20 });
  const judged = async (index: number, text: string) => {
    const code = index === 1 ? text : extractCode({ text, reasoning: null }, problems[0]).code!;
    return (await judge.judge(problems[index], code, new AbortController().signal)).class;
  };
  const method = (body: string) =>
    "```python\nclass Solution:\n" +
    `    def turned(self, xs: List[int], note: str) -> List[int]:\n        ${body}\n\`\`\``;
  assertEquals(
    await Promise.all([
      judged(0, method("return xs[::-1]")),
      judged(0, method("return tuple(reversed(xs))")),
      judged(0, method("return xs")),
      judged(1, "print(input().split()[0])"),
      judged(1, "print(3)"),
      // what lcb_runner/evaluation/testing_util.py gives an answer: its import_string, recursion to 50,000,
      // lines without the spaces around them and numbers compared as decimals
      judged(0, method("@cache\n        def f(): return xs[::-1]\n        return f()")),
      judged(
        1,
        "def f(n): return 0 if n == 0 else f(n - 1)\nn = f(20000)\nprint(Counter(input().split()[:1]).popitem()[0])",
      ),
      judged(1, "print(' ', input().split()[0] + '.0')"),
      judged(1, "print(input().split()[0] + '.0000001')"),
      judged(1, "print(len(str(10 ** 5000)) * 0 + int(input().split()[0]))"),
    ]),
    [
      ...["passed", "passed", "assertion", "passed", "assertion"],
      ...["passed", "passed", "passed", "assertion", "passed"],
    ],
  );
});

/** Rows as bigcode/bigcodebench 0.1.4 has them: own tasks, with its kinds of tests. */
function bigCode(
  task: number,
  imports: string,
  header: string,
  solution: string,
  tests: string,
  before = "import unittest\n",
) {
  const code_prompt = `${imports}${header}`;
  return {
    task_id: `BigCodeBench/${task}`,
    complete_prompt: `${code_prompt}    """\n    Do it.\n    """\n`,
    instruct_prompt: `Do it.\nYou should write self-contained code starting with:\n${code_prompt}`,
    canonical_solution: solution,
    code_prompt,
    test: `${before}\nclass TestCases(unittest.TestCase):\n${tests}`,
    entry_point: "task_func",
    doc_struct: "{}",
    libs: "[]",
  };
}

const written = bigCode(
  1,
  "import json\nimport os\n",
  "def task_func(path):\n",
  "    with open(path) as file:\n        rows = json.load(file)\n" +
    "    target = os.path.join(os.path.dirname(path), 'sum.txt')\n" +
    "    with open(target, 'w') as file:\n        file.write(str(sum(rows)))\n    return target\n",
  `    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.path = os.path.join(self.folder, "rows.json")
        with open(self.path, "w") as file:
            json.dump([1, 2, 3], file)
    def tearDown(self):
        shutil.rmtree(self.folder)
    def test_sum(self):
        with open(task_func(self.path)) as file:
            self.assertEqual(file.read(), "6")
    def test_missing(self):
        with self.assertRaises(FileNotFoundError):
            task_func(os.path.join(self.folder, "none"))
`,
  "import json\nimport os\nimport shutil\nimport tempfile\nimport unittest\n",
);
const patched = bigCode(
  2,
  "import subprocess\n",
  "def task_func(names):\n",
  "    return [subprocess.run(['host', name]).returncode for name in names]\n",
  `    @patch("subprocess.run")
    def test_codes(self, run):
        run.return_value.returncode = 0
        self.assertEqual(task_func(["a", "b"]), [0, 0])
        self.assertEqual(run.call_count, 2)
`,
  "import unittest\nfrom unittest.mock import patch\n",
);
const seeded = bigCode(
  3,
  "import random\nfrom collections import Counter\n",
  "def task_func(n, seed=None):\n",
  "    random.seed(seed)\n    return Counter((i, random.choice('ab')) for i in range(n))\n",
  `    @classmethod
    def setUpClass(cls):
        cls.n = 40
    def test_counts(self):
        found = task_func(self.n, seed=1)
        self.assertIsInstance(found, Counter)
        self.assertEqual(sum(found.values()), self.n)
        self.assertEqual(found, task_func(self.n, seed=1))
    def test_kinds(self):
        for n in (0, 1):
            with self.subTest(n=n):
                self.assertLessEqual(len(task_func(n)), n)
`,
);
/** Its test cannot be met: as published ones whose canonical solution fails in this sandbox. */
const unfair = bigCode(
  4,
  "",
  "def task_func(x):\n",
  "    return x\n",
  "    def test_it(self):\n        self.assertEqual(task_func(1), 2)\n",
);

Deno.test({ name: "BigCodeBench: answers are judged", ignore: !available }, async () => {
  const problems = await loaded(written, patched, seeded, unfair);
  assertEquals(
    problems.map(({ problem_id }) => problem_id.split("/")[0]),
    Array(4).fill("BigCodeBench"),
  );
  await using sandbox = await Sandbox.open({ workers: 2 });
  const judge = new AnswerJudge(sandbox, { timeout_s: 10, memory_bytes: 256 << 20 });
  const judged = async (index: number, change: (code: string) => string) => {
    const problem = problems[index];
    const code = problem.prompt + change(problem.canonical_solution!);
    const { class: kind, checks } = await judge.judge(problem, code, new AbortController().signal);
    return `${kind} ${checks?.passed} of ${checks?.total}`;
  };
  const same = (code: string) => code;
  assertEquals(
    await Promise.all([
      judged(0, same),
      judged(0, (code) => code.replace("sum(rows)", "len(rows)")),
      judged(0, () => "    return path\n"),
      judged(1, same),
      judged(1, (code) => code.replace("in names", "in names[:1]")),
      judged(2, same),
      judged(2, (code) => code.replace("random.seed(seed)", "pass")),
      judged(2, () => "    return {'a': n}\n"),
      judged(3, (code) => code.replace("x", "x + 2")),
    ]),
    [
      "passed 2 of 2",
      "assertion 1 of 2",
      "assertion 0 of 2",
      "passed 1 of 1",
      "assertion 0 of 1",
      "passed 2 of 2",
      "assertion 1 of 2",
      "assertion 0 of 2",
      "sandbox_error 0 of 1",
    ],
  );
});

Deno.test("forms that cannot be judged are refused by name, what is wrong in others is named", async () => {
  const multiple = {
    name: "HumanEval_0",
    language: "js",
    prompt: "a",
    tests: "b",
    stop_tokens: [],
  };
  const mixed = JSON.stringify([
    { input: "1", output: "1", testtype: "stdin" },
    { input: "1", output: "1", testtype: "functional" },
  ]);
  const refused: [unknown, string][] = [
    [{ ...seeded, test: undefined }, "test: "],
    [multiple, "MultiPL-E's form"],
    [{ ...functional, metadata: "{}" }, 'metadata: no "func_name"'],
    [{ ...functional, public_test_cases: "[]", private_test_cases: "" }, "holds no tests"],
    [{ ...functional, public_test_cases: "x" }, "public_test_cases: expected JSON"],
    [{ ...functional, public_test_cases: mixed }, "stdin and functional tests in one problem"],
    [{ ...functional, private_test_cases: "AAAA" }, "private_test_cases: neither JSON nor"],
  ];
  for (const [problem, message] of refused) {
    const error = await assertRejects(() => loaded(problem), InputError);
    assertStringIncludes(error.message, message);
    assertStringIncludes(error.message, "problems.jsonl:1:1");
  }
});
