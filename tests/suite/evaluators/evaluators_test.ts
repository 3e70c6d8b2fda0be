/** Every evaluator on answers as models give them. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { InputError } from "../../../lib/errors.ts";
import { CancelledError } from "../../../lib/execute/scope.ts";
import { resolveEvaluator } from "../../../lib/suite/evaluate.ts";
import { judging } from "../../../lib/suite/evaluators/bounded_time.ts";
import { splitThinking } from "../../../lib/suite/thinking.ts";
import { jsonIn } from "../../../lib/suite/evaluators/json_schema.ts";
import { numbersIn } from "../../../lib/suite/evaluators/numbers.ts";
import { detectReasoningType } from "../../../lib/suite/evaluators/reasoning_score.ts";
import type { Answer } from "../../../lib/suite/evaluator.ts";
import type { Evaluation } from "../../../lib/run/test_result.ts";
import type { EvaluatorChoice } from "../../../lib/settings/suite.ts";

function answer(response_text: string, more: Partial<Answer> = {}): Answer {
  return {
    test: { id: "t", name: "T", category: "c", prompt: "the prompt" },
    prompt_text: "the prompt",
    response_text,
    reasoning_text: null,
    signal: new AbortController().signal,
    ...more,
  };
}

async function judge(
  choice: { name: string; [option: string]: unknown },
  text: string,
  more = {},
): Promise<Evaluation> {
  return (await resolveEvaluator(choice, "s.json: evaluator", "/")).evaluate(answer(text, more));
}

/** Answers and whether they are right, for one choice of evaluator. */
const tables: [string, { name: string; [option: string]: unknown }, [string, boolean][]][] = [
  ["exact", { name: "exact", expected: "New York" }, [
    ["New York", true],
    ["  New \n York\n", true],
    ["new york", false],
    ["New York.", false],
    ["", false],
  ]],
  ["exact, several, any case", { name: "exact", expected: ["yes", "oui"], case_sensitive: false }, [
    ["YES", true],
    ["Oui", true],
    ["no", false],
  ]],
  ["exact, to the space", {
    name: "exact",
    expected: "a  b",
    trim: false,
    normalise_whitespace: false,
  }, [
    ["a  b", true],
    ["a b", false],
    ["a  b ", false],
  ]],
  ["contains all", { name: "contains", expected: ["red", "Blue"] }, [
    ["Blue and RED", true],
    ["only red", false],
  ]],
  ["contains any, case", {
    name: "contains",
    expected: ["Paris", "Lyon"],
    mode: "any",
    case_sensitive: true,
  }, [
    ["It is Lyon.", true],
    ["It is paris.", false],
  ]],
  ["regex", { name: "regex", pattern: "^\\d{4}-\\d\\d-\\d\\d$", flags: "m" }, [
    ["The date:\n2027-03-09\n", true],
    ["2027-3-9", false],
  ]],
  ["json_schema", {
    name: "json_schema",
    schema: { type: "object", required: ["age"], properties: { age: { type: "integer" } } },
  }, [
    ['{"age": 3}', true],
    ['Sure:\n```json\n{"age": 3}\n```\nDone.', true],
    ['The object {"age": 3, "s": "}"} is it', true],
    ['{"age": "3"}', false],
    ["{age: 3}", false],
    ["[1]", false],
    ["no object", false],
  ]],
  ["numeric", { name: "numeric", expected: 1234.5, tolerance: 0.01 }, [
    ["The total is 1,234.5.", true],
    ["1 + 2 = 3, and so 1234.50", true],
    ["\\boxed{1234.5} (in 2 steps)", true],
    ["**1234.5**", true],
    ["$1,234.50", true],
    ["1.2345e3", true],
    ["-1234.5", false],
    ["about twelve hundred", false],
    ["1234.5 divided by 2 is 617.25", false],
  ]],
  ["numeric, relative, first", {
    name: "numeric",
    expected: 200,
    relative_tolerance: 0.05,
    take: "first",
  }, [
    ["195 or so, not 7", true],
    ["180, or 200", false],
  ]],
  ["multiple_choice", { name: "multiple_choice", expected: "b", choices: 4 }, [
    ["B", true],
    ["(B)", true],
    ["**B**", true],
    ["b)", true],
    ["B. Because it is so.", true],
    ["The answer is B.", true],
    ["Answer: **(B)** since A is wrong", true],
    ["Option A looks right, but the correct answer is: B", true],
    ["Answer: A. Wait. Answer: B", true],
    ["$\\boxed{B}$", true],
    ["The answer is A, not B", false],
    ["It could be (A) or (B)", false],
    ["A better idea is to wait", false],
    ["", false],
  ]],
  ["targets", {
    name: "targets",
    targets: ["Oslo", { name: "Munich", any: ["Munich", "München"] }],
    pass_at: 1,
  }, [
    ["oslo and münchen", true],
    ["Oslo", false],
  ]],
];

for (const [name, choice, cases] of tables) {
  Deno.test(`evaluator ${name}`, async () => {
    for (const [text, passed] of cases) {
      const evaluation = await judge(choice, text);
      assertEquals(evaluation.passed, passed, `${JSON.stringify(text)}: ${evaluation.detail}`);
      assertEquals(evaluation.hit_rate, evaluation.created_hits / evaluation.targets);
    }
  });
}

Deno.test("targets: hits / targets is the hit rate, pass_at the threshold", async () => {
  const choice = { name: "targets", targets: ["a1", "b2", "c3", "d4"], pass_at: 0.75 };
  const three = await judge(choice, "a1 b2 c3");
  assertEquals([three.targets, three.created_hits, three.hit_rate, three.passed], [
    4,
    3,
    0.75,
    true,
  ]);
  assertStringIncludes(three.detail, '"d4"');
});

Deno.test("targets: a target is a text, one of several, or what a pattern finds", async () => {
  const targets = [
    "login",
    { name: "logout", any: ["log out", "sign out"] },
    { name: "year", pattern: "\\b20\\d\\d\\b" },
  ];
  const some = await judge({ name: "targets", targets }, "Sign out of the LOGIN page in 2031");
  assertEquals([some.passed, some.hit_rate], [true, 1]);
  const none = await judge({ name: "targets", targets }, "in 20311");
  assertStringIncludes(none.detail, '0 of 3; missed "login", "logout", "year"');
});

Deno.test("a pattern without end stops itself, not the run", async () => {
  const choice = { name: "regex", pattern: "(a+)+$" };
  await assertRejects(
    () => judge(choice, `${"a".repeat(60)}b`),
    Error,
    "did not end within 500 ms on an answer of 61 characters",
  );
  assertEquals((await judge(choice, "aaa")).passed, true, "the next search works");
});

Deno.test("numbers in a text", () => {
  const cases: [string, number[]][] = [
    ["version v2 of GPT-4 and H2O", []],
    ["3-5 items", [3, 5]],
    ["\u22127 degrees, 1\u00a0000 steps", [-7, 1000]],
    ["a list: 1, 2,3", [1, 2, 3]],
    ["3/4 of .5 and 2e-3", [0.75, 0.5, 0.002]],
    ["It is 42.", [42]],
    ["5kg at 84 km/h", [5, 84]],
  ];
  for (const [text, numbers] of cases) assertEquals(numbersIn(text), numbers, text);
});

Deno.test("the JSON of an answer: whole, fenced, in the text, none", () => {
  assertEquals(jsonIn("[1, 2]"), [1, 2]);
  assertEquals(jsonIn('~~~\n{"a": 1}\n~~~'), { a: 1 });
  assertEquals(jsonIn('first ```json\n{"a": 1}\n``` then\n```json\n{"b": 2}\n```'), { b: 2 });
  assertEquals(jsonIn('x {not json} y {"a": {"b": "}"}} z'), { a: { b: "}" } });
  assertEquals(jsonIn("nothing"), undefined);
});

Deno.test("reasoning_score: better arguments score higher, tricks do not", async () => {
  const prompt_text =
    "A bakery's sales fell after it moved to a side street. Explain why, step by step.";
  const score = async (text: string) =>
    (await judge({ name: "reasoning_score", reasoning_type: "causal" }, text, { prompt_text }))
      .reasoning_score!;
  const good = await score(
    "First, the sales fell after the bakery moved, so the order fits a cause. Second, a side street has fewer people passing, " +
      "and therefore fewer customers see the bakery. However, sales also fall with the season, because demand changes. To check this, " +
      "compare the same weeks of last year with another bakery that stayed. In conclusion, the move is the likely cause.",
  );
  const bare = await score("The move.");
  const stuffed = await score(
    "First because therefore thus however check verify. ".repeat(20) + "In conclusion therefore.",
  );
  const refusal = await score("I cannot answer that as an AI.");
  assert(good > 0.6, `good ${good}`);
  assert(bare < 0.25 && stuffed < 0.25 && refusal <= 0.1, `${bare} ${stuffed} ${refusal}`);
  assertEquals(await score(""), 0);
  assertEquals(
    good,
    await score(
      "First, the sales fell after the bakery moved, so the order fits a cause. Second, a side street has fewer people passing, " +
        "and therefore fewer customers see the bakery. However, sales also fall with the season, because demand changes. To check this, " +
        "compare the same weeks of last year with another bakery that stayed. In conclusion, the move is the likely cause.",
    ),
  );
});

Deno.test("the type of reasoning is named by option or test, else detected", async () => {
  const type = async (choice: object, more: object) =>
    (await judge({ name: "reasoning_score", ...choice }, "because", more)).reasoning_type;
  const test = { id: "t", name: "T", category: "c", prompt: "p", reasoning_type: "comparative" };
  assertEquals(await type({ reasoning_type: "causal" }, { test }), "causal");
  assertEquals(await type({}, { test }), "comparative");
  assertEquals(await type({}, { prompt_text: "Compare tea and coffee" }), "comparative");
  assertEquals(detectReasoningType("Calculate 3 + 4"), "mathematical");
  assertEquals(detectReasoningType("Write a poem"), "general");
});

const deno = (code: string) => [process.execPath, "eval", code];

Deno.test("command: a program reads the answer as JSON and says whether it is right", async () => {
  const program = deno(
    `const {test, prompt, response} = JSON.parse(await new Response(Deno.stdin.readable).text());
     console.log(JSON.stringify({passed: response === "x", score: 0.5, detail: test.id + " " + prompt}))`,
  );
  const evaluation = await judge({ name: "command", command: program }, "x");
  assertEquals([evaluation.passed, evaluation.hit_rate, evaluation.detail], [
    true,
    0.5,
    "t the prompt",
  ]);
});

Deno.test("command: what goes wrong is said, and no process is left", async () => {
  const fails = async (command: string[], more: object, message: string) =>
    assertStringIncludes(
      (await assertRejects(() => judge({ name: "command", command, ...more }, "x"))).message,
      message,
    );
  await fails(["sh", "-c", "echo broken >&2; exit 3"], {}, "exit code 3: broken");
  await fails(["sh", "-c", "echo no"], {}, "printed no JSON");
  await fails(["sh", "-c", 'echo "{\\"passed\\": 1}"'], {}, "passed");
  await fails(["/no/such/program"], {}, "ENOENT");
  await fails(["sh", "-c", "yes"], {}, "more than 1 MB");
  const marker = `61.${Math.floor(Math.random() * 1e9)}`;
  await fails(
    ["sh", "-c", `sleep ${marker} & sleep ${marker}`],
    { timeout_s: 0.3 },
    "no end after 0.3 s",
  );
  const { stdout } = await new Deno.Command("pgrep", { args: ["-f", `sleep ${marker}`] }).output();
  assertEquals(new TextDecoder().decode(stdout), "");
});

Deno.test("command: an abort ends the program", async () => {
  const controller = new AbortController();
  const evaluator = await resolveEvaluator({ name: "command", command: ["sleep", "60"] }, "", "/");
  const judging = evaluator.evaluate(answer("x", { signal: controller.signal }));
  controller.abort();
  await assertRejects(() => judging, CancelledError);
});

Deno.test("a module beside the suite is an evaluator: adding one is adding a file", async () => {
  const folder = mkdtempSync(join(tmpdir(), "dyno-evaluator-"));
  try {
    const module = `export default {
      name: "even",
      options: { safeParse: (data) => ({ success: true, data }) },
      evaluate: ({ response_text }) => ({ evaluator: "even", passed: response_text.length % 2 === 0,
        targets: 1, created_hits: 1, hit_rate: 1, detail: "" }),
    };`;
    writeFileSync(join(folder, "even.ts"), module);
    writeFileSync(join(folder, "empty.ts"), "export default 1;");
    const even = await resolveEvaluator({ name: "./even.ts" }, "s.json", folder);
    assertEquals((await even.evaluate(answer("ab"))).passed, true);
    const load = (name: string) => resolveEvaluator({ name }, "s.json", folder);
    await assertRejects(() => load("./none.ts"), InputError, "none.ts: no such file");
    writeFileSync(join(folder, "torn.ts"), "export default (");
    await assertRejects(() => load("./torn.ts"), InputError, "cannot be loaded");
    await assertRejects(() => load("./empty.ts"), InputError, "not an evaluator");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

Deno.test("wrong options are told before the run", async () => {
  const wrong: [Record<string, unknown> & { name: string }, string][] = [
    [{ name: "exact" }, "expected"],
    [{ name: "exact", expected: "a", expcted: 1 }, "expcted"],
    [{ name: "regex", pattern: "(" }, "pattern"],
    [{ name: "numeric", expected: "5" }, "expected"],
    [{ name: "multiple_choice", expected: "AB" }, "one letter"],
    [{ name: "targets", targets: [] }, "targets"],
    [{ name: "targets", targets: ["a", "a"] }, "each counts once"],
    [{ name: "contains", expected: " " }, "not blank"],
    [{ name: "regex", pattern: "a", flags: "g" }, "flags out of i, m, s"],
    [{ name: "json_schema", schema: { requird: ["a"] } }, "requird"],
    [{ name: "command", command: [] }, "command"],
    [{ name: "json_schema", schema: { type: "objekt" } }, "schema"],
    [{ name: "nummeric", expected: 1 }, 'did you mean "numeric"'],
    [{ name: "constructor" }, "no evaluator"],
  ];
  for (const [choice, message] of wrong) {
    await assertRejects(
      () => resolveEvaluator(choice, "s.json: tests[0].evaluator", "/"),
      InputError,
      message,
    );
  }
});

Deno.test("thinking in tags is not the answer", () => {
  assertEquals(splitThinking("<think>\nhm\n</think>\n\n42"), { answer: "42", thinking: "hm" });
  assertEquals(splitThinking("hm, so</think>42"), { answer: "42", thinking: "hm, so" });
  assertEquals(splitThinking("<think>never ends"), { answer: "", thinking: "never ends" });
  assertEquals(splitThinking("<thinking>a</thinking>[THINK]b[/THINK] 42"), {
    answer: "42",
    thinking: "a\nb",
  });
  assertEquals(
    splitThinking("<reasoning>a</reasoning><answer>C</answer>").answer,
    "<answer>C</answer>",
  );
  assertEquals(splitThinking("plain"), { answer: "plain", thinking: null });
});

Deno.test("an answer made to be read for hours is an evaluation that failed, not the run's end", async () => {
  const message = (choice: EvaluatorChoice, text: string) =>
    assertRejects(() => judge(choice, text)).then(({ message }: Error) => message);
  const { limit_ms } = judging;
  assertEquals(limit_ms, 10_000);
  judging.limit_ms = 500;
  try {
    // digits without a point: each could begin a number whose point never comes
    assertStringIncludes(
      await message({ name: "numeric", expected: 5 }, "1".repeat(3_000_000)),
      "numeric did not end within 0.5 s on an answer of 3000000 characters",
    );
  } finally {
    judging.limit_ms = limit_ms;
  }
  const schema = { type: "object", properties: { a: { type: "string", pattern: "^(x+)+$" } } };
  assertStringIncludes(
    await message({ name: "json_schema", schema }, `{"a": "${"x".repeat(60)}y"}`),
    "a pattern of the schema did not end within 2 s",
  );
  for (const tag of ["<think>", "[THINK]", "<think>x</thought>", "</think><think>"]) {
    splitThinking(tag.repeat(300_000)); // each looked for an end that never came
  }
});
