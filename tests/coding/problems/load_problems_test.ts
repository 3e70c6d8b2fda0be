/** Coding problems: each form of file, what is wrong named by its place, ranges, and the real data. */
import process from "node:process";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { assert, assertEquals, assertLess, assertRejects, assertThrows } from "@std/assert";
import { InputError } from "../../../lib/errors.ts";
import { loadProblems, selectRange } from "../../../lib/coding/problems/load_problems.ts";
import { extractCode } from "../../../lib/coding/extract/extract_code.ts";
import type { Problem, PythonTests } from "../../../lib/coding/problems/problem.ts";

const hasPython = spawnSync("python3", ["-c", ""]).status === 0;

/** Writes a file, gives its path to `use`, and removes it. */
async function withFile(
  content: string | Uint8Array,
  use: (path: string) => Promise<void>,
  name = "problems.jsonl",
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "dyno-problems-"));
  try {
    writeFileSync(join(folder, name), content);
    await use(join(folder, name));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const lines = (...values: unknown[]) =>
  values.map((value) => typeof value === "string" ? value : JSON.stringify(value)).join("\n") +
  "\n";

const twice = {
  task_id: "Own/0",
  prompt: "def twice(n):\n",
  entry_point: "twice",
  canonical_solution: "    return 2 * n\n",
  test: "def check(candidate):\n    assert candidate(2) == 4\n",
};
const loadedTwice: Problem = {
  problem_id: "Own/0",
  index: 0,
  prompt: twice.prompt,
  entry_point: "twice",
  tests: { form: "check", text: twice.test, setup: "" },
  canonical_solution: twice.canonical_solution,
};

/** What Python says to a problem's tests of a solution; null if they pass. */
function failure(problem: Problem, solution: string): string | null {
  const { form, text, setup } = problem.tests as PythonTests;
  const call = form === "check" ? `\ncheck(${problem.entry_point})\n` : "";
  const program = `import random\nrandom.seed(1)\n${solution}\n${setup}\n${text}${call}`;
  const ran = spawnSync("python3", ["-"], { input: program, encoding: "utf8", timeout: 20_000 });
  if (ran.status === 0) return null;
  return ran.stderr.trim().split("\n").at(-1) || String(ran.error ?? ran.signal);
}

const canonical = (problem: Problem) =>
  problem.tests.form === "check"
    ? problem.prompt + problem.canonical_solution
    : problem.canonical_solution!;

Deno.test("HumanEval's form, plain and gzipped, with a mark, CRLF and blank lines", async () => {
  await withFile(
    lines(twice),
    async (path) => assertEquals(await loadProblems(path), [loadedTwice]),
  );
  const odd = `\ufeff\r\n${JSON.stringify(twice)}\r\n\r\n`;
  await withFile(odd, async (path) => assertEquals(await loadProblems(path), [loadedTwice]));
  await withFile(gzipSync(lines(twice)), async (path) => {
    assertEquals(await loadProblems(path), [loadedTwice]);
  }, "problems.jsonl.gz");
});

Deno.test("MBPP's form, both variants", async () => {
  const old = {
    task_id: 11,
    text: "Write a function to halve.",
    code: "def helper(n):\n    return n\n\ndef halve(n):\n    return helper(n) // 2",
    test_list: ["assert sorted([halve(4)]) == [TWO]", "assert halve(2) == 1"],
    test_setup_code: "TWO = 2",
    challenge_test_list: [],
  };
  const { text, test_setup_code: _, ...rest } = old;
  const sanitized = {
    ...rest,
    task_id: 12,
    prompt: text,
    test_imports: ["import math", "from math import pi as TWO"],
  };
  await withFile(lines(old, sanitized), async (path) => {
    const [first, second] = await loadProblems(path);
    assertEquals(first, {
      problem_id: "MBPP/11",
      index: 0,
      prompt: old.text,
      entry_point: "halve",
      tests: { form: "asserts", text: `${old.test_list.join("\n")}\n`, setup: "TWO = 2\n" },
      canonical_solution: old.code,
    });
    assertEquals(second.problem_id, "MBPP/12");
    assertEquals((second.tests as PythonTests).setup, "import math\nfrom math import pi as TWO\n");
    if (hasPython) assertEquals(failure(first, canonical(first)), null);
  });
});

Deno.test({
  name:
    "HumanEval+'s form: inputs keep every digit, and solutions are compared with the canonical one",
  ignore: !hasPython,
  async fn() {
    const plus = JSON.stringify({ ...twice, contract: "assert True\n", atol: 0 }).slice(0, -1) +
      ', "base_input": [[2], [1.0]], "plus_input": [[12345678901234567890], [Infinity], ["\\ud83d\\ude00\\"]}"], [[1, [2]]]]}';
    await withFile(lines(plus), async (path) => {
      const [problem] = await loadProblems(path);
      assertEquals(failure(problem, canonical(problem)), null);
      const fails = (body: string) => failure(problem, `def twice(n):\n    ${body}\n`) !== null;
      assertEquals(fails("return n + n"), false);
      assertEquals(
        fails("return 2 * n if n != 12345678901234567890 else 24691357802469134336"),
        true,
      );
      assertEquals(fails("return 4"), true);
      assertEquals(fails("return tuple(2 * n) if type(n) is list else 2 * n"), true);
      assertEquals(fails("return type('E', (), {'__eq__': lambda self, other: True})()"), true);
    });
  },
});

Deno.test("MBPP's form: a list in sanitized-mbpp.json, MBPP+'s further tests, the solution's imports", async () => {
  const row = {
    task_id: 596,
    prompt: "Write a function to find the size of a tuple.",
    code: "import sys\nimport re\nfrom math import inf\ndef size(t):\n    return sys.getsizeof(t)",
    test_imports: ["import math"],
    test_list: ["assert size((1,)) == sys.getsizeof((1,))"],
    test: "for given in [((1, 2),)]:\n    assert size(*given) == sys.getsizeof(*given)\n",
  };
  await withFile(JSON.stringify([row, { ...row, task_id: 2 }], null, 1), async (path) => {
    const [first, second] = await loadProblems(path);
    assertEquals(second.problem_id, "MBPP/2");
    const { text, setup } = first.tests as PythonTests;
    assertEquals(text, `${row.test_list[0]}\n${row.test}`);
    assertEquals(setup, "import math\nimport sys\n");
    if (hasPython) assertEquals(failure(first, canonical(first)), null);
    if (hasPython) assert(failure(first, "def size(t):\n    return 48 if len(t) == 1 else 0"));
  }, "sanitized-mbpp.json");
  await withFile(JSON.stringify([row, { task_id: 1 }]), async (path) => {
    const error = await assertRejects(() => loadProblems(path), InputError);
    assert(error.message.startsWith(`${path}:2:1: neither "entry_point"`), error.message);
  }, "sanitized-mbpp.json");
});

Deno.test({
  name: "MBPP+'s form: arguments that JSON cannot hold, and results that EvalPlus takes otherwise",
  ignore: !hasPython,
  async fn() {
    const row = (id: number, code: string, inputs: string) => {
      const entry_point = /def (\w+)/.exec(code)![1];
      const fields = { task_id: `Mbpp/${id}`, prompt: '"""\nDo it.\n"""\n', entry_point, atol: 0 };
      return JSON.stringify({ ...fields, canonical_solution: `\n${code}\n` }).slice(0, -1) +
        `, "base_input": ${inputs}, "plus_input": {}}`;
    };
    // the conversions of evalplus 0.3.1's mbpp_deserialize_inputs
    const types = "def kinds(*given):\n    return repr(given)";
    const made: [number, string, string][] = [
      [2, "[[[1], [2]]]", "((1,), (2,))"],
      [63, "[[[[1, 2]]]]", "([(1, 2)],)"],
      [75, "[[[[1, 2]], 3]]", "([(1, 2)], 3)"],
      [106, "[[[1], [2]]]", "([1], (2,))"],
      [115, "[[[[1], [], 2]]]", "([{1}, {}, {}],)"],
      [124, '[["1", "2j"]]', "(1.0, 2j)"],
      [250, "[[[1], 2]]", "((1,), 2)"],
      [259, "[[[[1]], [[2]]]]", "(((1,),), ((2,),))"],
      [278, "[[[1, [2]]]]", "((1, (2,)),)"],
      [307, "[[[1], 2, 3]]", "((1,), 2, 3)"],
      [722, '[[{"a": [1]}, 2, 3]]', "({'a': (1,)}, 2, 3)"],
      [252, '[["1+2j"]]', "((1+2j),)"],
      [580, "[[[1, [2, []]]]]", "((1, (2, ())),)"],
      [3, "[[[1]]]", "([1],)"],
    ];
    for (const [id, inputs, shown] of made) {
      await withFile(row(id, types, inputs), async (path) => {
        const [problem] = await loadProblems(path);
        const code = `def kinds(*given):\n    return ${JSON.stringify(shown)}`;
        assertEquals(failure(problem, code), null, String(id));
      });
    }
    const judged: [number, string, string, string, boolean][] = [
      [164, "def are_equivalent(a, b):\n    return True", "[[1, 2]]", "return 3", true],
      [295, "def sum_div(n):\n    return n", "[[4]]", "return 0", true],
      [295, "def sum_div(n):\n    return n", "[[4]]", "return 1", false],
      [
        581,
        "def surface_Area(b, h):\n    return 2 * b * h + b * b",
        "[[3, 4]]",
        "import math; return round(b * b + 2 * b * math.sqrt(b * b / 4 + h * h))",
        true,
      ],
      [558, "def digit_distance_nums(a, b):\n    return 9", "[[123, 1256]]", "return 8", true],
      [558, "def digit_distance_nums(a, b):\n    return 9", "[[123, 1256]]", "return 7", false],
    ];
    for (const [id, code, inputs, body, right] of judged) {
      await withFile(row(id, code, inputs), async (path) => {
        const [problem] = await loadProblems(path);
        assertEquals(failure(problem, canonical(problem)), null);
        const other = `${code.split("\n")[0]}\n    ${body}\n`;
        assertEquals(failure(problem, other) === null, right, `${id} ${body}`);
      });
    }
  },
});

Deno.test({
  name: "inputs in a list of problems are numbers as they are written",
  ignore: !hasPython,
  async fn() {
    const fields = { entry_point: "kinds", prompt: "def kinds(*given):\n", atol: 0 };
    const problem = (task_id: string, inputs: string) =>
      JSON.stringify({ ...fields, task_id, canonical_solution: "    return repr(given)\n" })
        .slice(0, -1) + `, "base_input": ${inputs}}`;
    // what Python's json reads
    const made = [
      ["[[1.0, 2]]", "(1.0, 2)"],
      ["[[12345678901234567890]]", "(12345678901234567890,)"],
      ['[[NaN, -Infinity, "],[{\\"", []]]', "(nan, -inf, '],[{\"', [])"],
    ];
    const list = made.map(([inputs], i) => problem(`HumanEval/${i}`, inputs)).join(",\n ");
    await withFile(`\ufeff[${list}]\n`, async (path) => {
      const problems = await loadProblems(path);
      assertEquals(problems.length, 3);
      for (const [i, [, shown]] of made.entries()) {
        const code = `def kinds(*given):\n    return ${JSON.stringify(shown)}`;
        assertEquals(failure(problems[i], code), null, shown);
      }
    }, "list.json");
    await withFile("[]", async (path) => {
      await assertRejects(() => loadProblems(path), InputError, path);
    }, "list.json");
  },
});

Deno.test("what is wrong is named with file, line and field", async () => {
  const refused: [string, string][] = [
    [lines(twice, '{"task_id": '), ":2:13: malformed JSON"],
    [lines(twice, "[1]"), ":2:1: expected a problem as a JSON object"],
    [lines(twice, "", { ...twice, task_id: "b", prompt: 3 }), ":3:25: prompt: "],
    [lines({ ...twice, test: undefined }), ':1:1: expected "test"'],
    [lines({ ...twice, entry_point: "a b" }), "entry_point: expected a Python name"],
    [lines({ task_id: 1, code: "x" }), ':1:1: neither "entry_point"'],
    [lines({ task_id: 1, text: "t", test_list: [] }), "test_list: "],
    [lines({ task_id: 1, test_list: ["assert f(1)"] }), 'expected "text" or "prompt"'],
    [
      lines({ task_id: 1, text: "t", code: "def g(): 0", test_list: ["assert f(1)"] }),
      "test_list: no",
    ],
    [
      lines({ ...twice, canonical_solution: null, base_input: [[1]] }),
      ":1:1: canonical_solution: ",
    ],
    [lines(twice, twice), ':2: task_id: "Own/0" is already the id of line 1'],
    ["\n\n", ": holds no problems"],
  ];
  for (const [content, message] of refused) {
    await withFile(content, async (path) => {
      const error = await assertRejects(() => loadProblems(path), InputError);
      assert(error.message.startsWith(path), error.message);
      assert(error.message.includes(message), `${error.message} lacks ${message}`);
    });
  }
  await assertRejects(() => loadProblems("nowhere.jsonl"), InputError, "no such file");
  await assertRejects(() => loadProblems(tmpdir()), InputError, "is a folder");
  const packed = gzipSync(lines(twice));
  for (const broken of [packed.subarray(0, 40), new TextEncoder().encode(lines(twice))]) {
    await withFile(broken, async (path) => {
      await assertRejects(() => loadProblems(path), InputError, "not a complete gzip file");
    }, "broken.jsonl.gz");
  }
});

Deno.test("ten megabytes are read in less than a second", async () => {
  const many = Array.from({ length: 10_000 }, (_, i) => ({
    ...twice,
    task_id: `Own/${i}`,
    test: twice.test + "# filler é\n".repeat(70),
  }));
  const content = lines(...many);
  assert(new TextEncoder().encode(content).length > 9_000_000);
  await withFile(content, async (path) => {
    await loadProblems(path);
    const before = process.cpuUsage();
    assertEquals((await loadProblems(path)).length, 10_000);
    assertLess(process.cpuUsage(before).user / 1e6, 1);
  });
});

Deno.test("a range has an end that is not included; places and lists", () => {
  const items = Array.from({ length: 164 }, (_, i) => i);
  assertEquals(selectRange(items, "0-10"), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assertEquals(selectRange(items, "0-164").length, 164);
  assertEquals(selectRange(items, "163"), [163]);
  assertEquals(selectRange(items, "0,3,7-9"), [0, 3, 7, 8]);
  assertEquals(selectRange(items, " 9 , 3 - 5, 4-6 "), [3, 4, 5, 9]);
  const refused = [
    "",
    "a",
    "1-",
    "-1",
    "1-2-3",
    "1,,2",
    "1.5",
    "0x1",
    "5-5",
    "9-3",
    "164",
    "0-165",
    "99999999999",
  ];
  for (const range of refused) {
    assertThrows(() => selectRange(items, range), InputError, "--range: ", range);
  }
  assertThrows(() => selectRange(items, "0-165"), InputError, "goes beyond the 164 problems");
});

const REAL = fileURLToPath(
  new URL("../../../shared/data/humaneval/HumanEval.jsonl.gz", import.meta.url),
);
/** Of the programs that come out of the replies, those that are run: each way of saying, each problem. */
const RUN = Deno.env.get("DYNO_TEST_LONG")
  ? { text: "all", every: 1 }
  : { text: "a quarter", every: 4 };
const reason = !existsSync(REAL) ? ` (skipped: ${REAL} is not there)` : "";

Deno.test({
  name:
    `the real HumanEval: canonical solutions come out of ten replies, ${RUN.text} of them pass${reason}`,
  ignore: reason !== "" || !hasPython,
  async fn() {
    const problems = await loadProblems(REAL);
    assertEquals(problems.length, 164);
    assertEquals(problems[0].problem_id, "HumanEval/0");
    const wrap: ((problem: Problem) => string)[] = [
      (problem) => problem.canonical_solution!,
      (problem) => `Here's it:\n\n\`\`\`python\n${canonical(problem)}\`\`\`\nIt works.`,
      (problem) => canonical(problem),
      (problem) => problem.canonical_solution!.trim(),
      (problem) => `\`\`\`\n${problem.canonical_solution!.replace(/^ {4}/gm, "")}\n\`\`\``,
      (problem) => `It's simple:\n\n${canonical(problem)}\nThis works, it's tested.`,
      (problem) => `1. So:\n   ~~~py\n${onlyFunction(problem).replace(/^(?=.)/gm, "   ")}   ~~~\n`,
      (problem) => JSON.stringify({ thought: "def", code: canonical(problem) }),
      (problem) => `<think>\n${problem.prompt}\n</think>\n${problem.canonical_solution}\nprint(1)`,
      ({ canonical_solution: body }) =>
        /^(?: {4})* {1,3}\S/m.test(body!)
          ? body!
          : body!.replace(/^ +/gm, (space) => "\t".repeat(space.length / 4)),
    ];
    const programs = problems.flatMap((problem) =>
      wrap.map((say, i) => {
        const { code, how } = extractCode({ text: say(problem), reasoning: null }, problem);
        assert(code !== null, `${problem.problem_id} ${i}: ${how}`);
        const call = `check(${problem.entry_point})`;
        return [
          `${problem.problem_id} ${i} ${how}`,
          `${code}\n${(problem.tests as PythonTests).text}\n${call}\n`,
        ];
      })
    );
    const run = programs.filter((_, i) => (i + Math.floor(i / wrap.length)) % RUN.every === 0);
    assertEquals(runAll(run), "");
  },
});

/** A solution without what the prompt begins with. */
function onlyFunction(problem: Problem): string {
  const whole = canonical(problem);
  return whole.slice(whole.lastIndexOf(`def ${problem.entry_point}(`));
}

/** Runs programs in one Python, each in a namespace of its own; the names of those that fail. */
function runAll(programs: string[][]): string {
  const runner = `
import json, random, sys
for name, program in json.load(sys.stdin):
    random.seed(1)
    try: exec(compile(program, name, "exec"), {"__name__": "answer"})
    except BaseException as error: print(name, type(error).__name__, error)
`;
  const ran = spawnSync("python3", ["-c", runner], {
    input: JSON.stringify(programs),
    encoding: "utf8",
    timeout: 120_000,
    maxBuffer: 1e8,
  });
  return ran.stdout + ran.stderr + (ran.error ?? "");
}

const BASICS = fileURLToPath(
  new URL("../../../experiments/suites/python_basics.jsonl", import.meta.url),
);

Deno.test({
  name: "python_basics: every canonical solution passes and every stub fails",
  ignore: !hasPython,
  async fn() {
    const problems = await loadProblems(BASICS);
    assertEquals(problems.length, 30);
    assertEquals(new Set(problems.map(({ entry_point }) => entry_point)).size, 30);
    for (const { problem_id, prompt } of problems) {
      assert(/>>> /.test(prompt), `${problem_id}: no example`);
    }
    const tested = (name: string, code: string, { tests, entry_point }: Problem) => [
      name,
      `${code}\n${(tests as PythonTests).text}\ncheck(${entry_point})\n`,
    ];
    const solutions = problems.map((each) => tested(each.problem_id, canonical(each), each));
    assertEquals(runAll(solutions), "");
    const stubs = problems.flatMap((problem) =>
      ["None", "0", "''", "[]", "True"].map((value) =>
        tested(
          `${problem.entry_point} returning ${value}`,
          `${problem.prompt}    return ${value}\n`,
          problem,
        )
      )
    );
    const failed = runAll(stubs);
    for (const [name] of stubs) assert(failed.includes(`${name} `), `${name} passes`);
  },
});
