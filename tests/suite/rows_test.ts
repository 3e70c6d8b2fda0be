/** Suites made of rows: the shipped definitions on rows of our own in each file's form, and their faults. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { writeFileSync } from "node:fs";
import { InputError } from "../../lib/errors.ts";
import { settleApi } from "../../lib/endpoint/api.ts";
import { openSuite } from "../../lib/suite/open_suite.ts";
import { planTests } from "../../lib/suite/plan.ts";
import { temporaryFolder } from "./fixture.ts";

const definition = (name: string) =>
  new URL(`../../experiments/suites/${name}`, import.meta.url).pathname;
const rows = (name: string) => new URL(`../fixtures/suites/${name}`, import.meta.url).pathname;

const api = settleApi({ endpoint: "http://127.0.0.1:1/v1", model: "m" }, () => {});

async function made(name: string, file: string) {
  const suite = await openSuite(definition(`${name}.yaml`), rows(file));
  await planTests(suite, api, {}); // checks every evaluator's options
  return suite.suite.tests.map((test) => ({
    ...test,
    asked: test.prompt ?? test.messages!.map(({ content }) => content).join("\n"),
    evaluator: test.evaluator!,
  }));
}

Deno.test("GSM8K: the number behind the marks, with its commas and its sign", async () => {
  const tests = await made("gsm8k", "gsm8k.jsonl");
  assertEquals(tests.map(({ evaluator }) => evaluator.expected), [32, 3000, -5]);
  assertEquals(tests[0].id, "gsm8k_1");
  assertMatch(tests[0].asked, /^Solve this.*\n\nMara picks 3 baskets/);
  assert(tests.every(({ asked }) => !asked.includes("####")));
});

Deno.test("MMLU: lists in Parquet, the right one's place as a letter", async () => {
  const tests = await made("mmlu", "mmlu.parquet");
  assertEquals(tests.map(({ evaluator }) => [evaluator.expected, evaluator.choices]), [
    ["C", ["4", "6", "7", "9"]],
    ["A", ["Smith", "Marx", "Keynes", "Hayek"]],
  ]);
  assertEquals(tests.map(({ category }) => category), ["elementary_mathematics", "econometrics"]);
  assert(tests[0].asked.endsWith("Which is a prime?\n\nA) 4\nB) 6\nC) 7\nD) 9"), tests[0].asked);
  assertMatch(tests[0].asked, /about elementary mathematics\./);
});

Deno.test("ARC: letters or numbers as labels, three choices or four", async () => {
  const tests = await made("arc", "arc.parquet");
  assertEquals(tests.map(({ evaluator }) => [evaluator.expected, evaluator.choices]), [
    ["A", ["carbon dioxide", "iron", "salt", "sand"]],
    ["B", ["light", "gravity", "sound"]],
  ]);
  assertMatch(tests[1].asked, /A\) light\nB\) gravity\nC\) sound$/);
});

Deno.test("GPQA and TruthfulQA: the right one does not always stand first, and the letter follows it", async () => {
  const right = [["neutron", "7", "uracil"], [
    "It passes through you",
    "No: what moves angers them",
  ]];
  const suites = [await made("gpqa", "gpqa.csv"), await made("truthfulqa", "truthfulqa.parquet")];
  for (const [i, tests] of suites.entries()) {
    tests.forEach(({ asked, evaluator }, n) =>
      assert(asked.includes(`\n${evaluator.expected}) ${right[i][n]}`), asked)
    );
  }
  const letters = suites.flat().map(({ evaluator }) => evaluator.expected);
  assert(new Set(letters).size > 1, letters.join());
  const again = await made("gpqa", "gpqa.csv");
  assertEquals(again.map(({ asked }) => asked), suites[0].map(({ asked }) => asked));
  assertEquals(suites[0].map(({ id, category }) => [id, category])[1], ["rec02", "Chemistry"]);
});

Deno.test("HellaSwag: the label is a number in one source and a text in the other", async () => {
  const tests = await made("hellaswag", "hellaswag.jsonl");
  assertEquals(tests.map(({ evaluator }) => evaluator.expected), ["D", "A"]);
  assertEquals(tests[0].id, "hellaswag_24");
});

Deno.test("MATH: the last box of the solution; IFEval: instructions and their arguments as they are", async () => {
  const math = await made("math", "math.jsonl");
  assertEquals(math.map(({ evaluator }) => evaluator.expected), ["\\frac{5}{6}", "2"]);
  assert(math[0].asked.includes("\\boxed{}") && math[0].asked.includes("$\\frac{1}{2}"));
  const ifeval = await made("ifeval", "ifeval.jsonl");
  assertEquals(ifeval[0].evaluator.kwargs, [{}, { relation: "less than", num_words: 21 }]);
  assertEquals(ifeval[0].id, "ifeval_1000");
});

Deno.test("examples: so many, of the same kind, before the question; values keep their types", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/s.yaml`;
  writeFileSync(`${folder.path}/q.csv`, "q,a,kind\n2+3?,5,sum\n2*3?,6,product\n");
  writeFileSync(
    path,
    `test_suite_id: s
rows: {file: q.csv}
shots:
  count: 1
  same: kind
  rows:
    - {q: 1+1?, a: "2", kind: sum}
    - {q: 1+2?, a: "3", kind: sum}
    - {q: 4*2?, a: "8", kind: product}
test:
  category: "{{ row.kind }}"
  messages:
    - {role: system, content: Be brief.}
    - role: user
      content: "{% for shot in shots %}{{ shot.row.q }} {{ shot.row.a }}; {% endfor %}{{ row.q }}"
  evaluator: {name: numeric, expected: "{{ row.a | number }}"}
`,
  );
  const { suite, text } = await openSuite(path);
  assertEquals(suite.tests.map(({ messages }) => messages![1].content), [
    "1+1? 2; 2+3?",
    "4*2? 8; 2*3?",
  ]);
  assertEquals(suite.tests.map(({ evaluator }) => evaluator!.expected), [5, 6]);
  assertEquals(JSON.parse(text).tests.length, 2);
});

Deno.test("faults name the file, the row and the template", async () => {
  using folder = temporaryFolder();
  const put = (name: string, text: string) => {
    writeFileSync(`${folder.path}/${name}`, text);
    return `${folder.path}/${name}`;
  };
  put("q.jsonl", '{"q": "one", "a": "1"}\n{"q": "two", "a": "many"}\n');
  const fails = async (test: string, message: string, more = "rows: {file: q.jsonl}") =>
    await assertRejects(
      () => openSuite(put("s.yaml", `test_suite_id: s\n${more}\ntest:\n${test}\n`)),
      InputError,
      message,
    );
  await fails(
    "  prompt: '{{ row.question }}'",
    "s.yaml:4:11: test.prompt: undefined variable: row.question",
  );
  await fails("  prompt: '{{ row.question }}'", `(of the row at ${folder.path}/q.jsonl:1)`);
  await fails("  messages: [{role: user, content: '{{ row.aa }}'}]", 'did you mean "a"');
  await fails("  prompt: '{{ row.q | shout }}'", "undefined filter: shout");
  await fails("  prompt: '{{ row.q'", "not closed");
  await fails(
    "  prompt: '{{ row.q }}'\n  evaluator: {name: numeric, expected: '{{ row.a | number }}'}",
    's.yaml:5:40: test.evaluator.expected: number: "many" is not a number',
  );
  await fails("  name: x", 's.yaml:4:3: test: give either "prompt" or "messages"');
  await fails("  promt: x", 's.yaml:4:10: test: "promt" is not a field');
  await fails(
    "  prompt: x",
    "none.csv: no such file; it comes from a shop. Put it there, or give its path with --data",
    "rows: {file: none.csv, source: a shop}",
  );
  await fails(
    "  prompt: x",
    "choices.right",
    "rows: {file: q.jsonl}\nchoices: {texts: [a, b], right: 2}",
  );
  await fails("  id: x\n  prompt: y", 's.yaml:4:7: tests[1].id: "x" is already the id of tests[0]');
  const plain = put(
    "t.yaml",
    "test_suite_id: t\ntests: [{id: a, name: a, category: c, prompt: q}]\n",
  );
  await assertRejects(() => openSuite(plain, "q.jsonl"), InputError, "takes no rows");
});

Deno.test("no template reads a file or runs without end", async () => {
  using folder = temporaryFolder();
  writeFileSync(`${folder.path}/q.jsonl`, '{"q": "one"}\n');
  writeFileSync(`${folder.path}/secret.liquid`, "a secret");
  const open = (prompt: string) => {
    const path = `${folder.path}/s.json`;
    const suite = { test_suite_id: "s", rows: { file: "q.jsonl" }, test: { prompt } };
    writeFileSync(path, JSON.stringify(suite));
    return openSuite(path);
  };
  await assertRejects(() => open(`{% include '${folder.path}/secret.liquid' %}`), InputError);
  await assertRejects(() => open("{{ row.constructor }}"), InputError, "undefined variable");
  await assertRejects(() => open("{% for i in (1..1000000000) %}x{% endfor %}"), InputError);
});
