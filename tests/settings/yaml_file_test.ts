/** YAML in place of JSON: what it comes to (by ruamel.yaml 0.19.1, a YAML 1.2 parser), and the places of faults. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { writeFileSync } from "node:fs";
import { InputError } from "../../lib/errors.ts";
import { loadSuite } from "../../lib/settings/load_suite.ts";
import { parseYaml } from "../../lib/settings/yaml_file.ts";
import { readPrices } from "../../lib/run/prices.ts";
import { temporaryFolder } from "../suite/fixture.ts";

const parsed = (text: string) => parseYaml("f.yaml", text, 500);

Deno.test("YAML is the JSON that it stands for; numbers keep their form", () => {
  const file = parsed(`# a comment
name: "x: y"
prompt: |
  two
  lines
folded: >-
  one
  line
numbers: [50, 50.0, 1e3, 0x10, -0.5, 9007199254740993]
words: [yes, no, on, ~, null, true, "12", 2026-01-01, 1_000]
base: &base {a: 1, b: [2]}
copy: *base
more: {<<: *base, b: 3}
`);
  // as ruamel.yaml 0.19.1 has it, but for what the core schema leaves a text (the date, and
  // 1_000), and for the number that JavaScript has not
  assertEquals(file.value, {
    name: "x: y",
    prompt: "two\nlines\n",
    folded: "one line",
    numbers: [50, 50, 1000, 16, -0.5, "9007199254740993"],
    words: ["yes", "no", "on", null, null, true, "12", "2026-01-01", "1_000"],
    base: { a: 1, b: [2] },
    copy: { a: 1, b: [2] },
    more: { a: 1, b: 3 },
  });
  assertEquals(
    /"numbers":\[([^\]]*)\]/.exec(file.text)![1],
    "50,50.0,1e3,16,-0.5,9007199254740993",
  );
  assertEquals(file.at!(["numbers", 3]), "9:26");
  assertEquals(file.at!(["copy", "b"]), "11:23");
});

Deno.test("malformed YAML is told in the words of who wrote it", () => {
  const told: [string, string][] = [
    ["tests:\n  - id: a\n   prompt: hi\n", "3:1: malformed YAML: the indentation does not fit"],
    ['a: "hi\n', "a quote that is not closed"],
    ["a: 'hi\n", "a quote that is not closed"],
    ["a:\n\t- b\n", "2:1: malformed YAML: a tab in the indentation"],
    ["prompt: Say: hi\n", '1:9: malformed YAML: a second ": " in one line'],
    ["a: 1\n  b: 2\n", "a line indented further than its key"],
    ["a: {x: 1\n", "a [ or { that is not closed"],
    ["a: b}\nc: [d]]\n", "2:7: malformed YAML: a ] without its beginning"],
    ["a: @x\n", "a text that begins with @; quote it"],
    ["a: %x\n", "a text that begins with %; quote it"],
    ['a: "C:\\q"\n', "\\q is not an escape in double quotes"],
    ["a:b\nc: d\n", "a space follows the colon"],
    ["a: - b\n", "a - on the line of its key"],
    ["- a\nb: 1\n", "2:1: malformed YAML: text after a value, or a line"],
  ];
  for (const [text, message] of told) assertThrows(() => parsed(text), InputError, message, text);
});

Deno.test("what is no YAML, or no JSON could hold, is refused with its place", () => {
  const refused: [string, string][] = [
    ["a: [1, 2", "f.yaml:1:9: malformed YAML"],
    ["a: 1\na: 2\n", 'f.yaml:2:1: "a" appears twice'],
    ["a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document"],
    ["{a: 1, 'a': 2}\n", 'f.yaml:1:8: "a" appears twice'],
    ["? [1, 2]\n: x\n", "a key is not text"],
    ["a: .inf\n", "f.yaml:1:4: .inf is not a number that JSON has"],
    ["a: *b\n", "f.yaml:1:4: *b names nothing"],
    ["", "f.yaml: the file is empty"],
    ["# only this\n", "f.yaml: the file is empty"],
    ["a: 1\n\tb: 2\n", "f.yaml:2"],
    ["a: {<<: 3}\n", "<< takes a map"],
    ["a: &a [*a]\n", "nested too deeply"],
    ["[".repeat(600) + "]".repeat(600), "nested too deeply"],
  ];
  for (const [text, message] of refused) {
    assertThrows(() => parsed(text), InputError, message, JSON.stringify(text.slice(0, 40)));
  }
  // a billion laughs
  const laughs = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
  for (let i = 1; i < 12; i++) laughs.push(`a${i}: &a${i} [${Array(10).fill(`*a${i - 1}`)}]`);
  assertThrows(() => parsed(laughs.join("\n")), InputError, "more than 64 MB");
  // and one of merges, which comes to nothing: 10^30 of them
  const merges = ["a0: &a0 {}"];
  for (let i = 1; i <= 30; i++) {
    merges.push(`a${i}: &a${i} {<<: [${Array(10).fill(`*a${i - 1}`)}]}`);
  }
  assertThrows(() => parsed(merges.join("\n")), InputError, "more than 64 MB");
});

Deno.test("a map of 100,000 keys is read: each is looked up, not compared with each", () => {
  const names = Array.from({ length: 100_000 }, (_, i) => `k${i}: ${i}`);
  assertEquals(Object.keys(parsed(names.join("\n")).value as object).length, 100_000);
});

Deno.test("suites and other files may be YAML; faults name the line", async () => {
  using folder = temporaryFolder();
  const put = (name: string, text: string) => {
    writeFileSync(`${folder.path}/${name}`, text);
    return `${folder.path}/${name}`;
  };
  const suite = await loadSuite(put(
    "s.yaml",
    `test_suite_id: demo
tests:
  - id: sum
    name: Sum
    category: arithmetic
    prompt: What is 2 + 2?
    evaluator: {name: numeric, expected: 4}
`,
  ));
  assertEquals(suite.suite.tests[0].prompt, "What is 2 + 2?");
  assertEquals(JSON.parse(suite.text).test_suite_id, "demo");
  const bad = put(
    "bad.yml",
    "test_suite_id: demo\ntests:\n  - id: a\n    name: A\n    category: c\n    promt: q\n",
  );
  await assertRejects(
    () => loadSuite(bad),
    InputError,
    `bad.yml:6:12: tests[0]: "promt" is not a field`,
  );
  const twice = put(
    "twice.yaml",
    "test_suite_id: d\ntests:\n- {id: a, name: A, category: c, prompt: q}\n" +
      "- {id: a, name: A, category: c, prompt: q}\n",
  );
  await assertRejects(() => loadSuite(twice), InputError, "twice.yaml:4:8: tests[1].id");
  const prices = put("p.yaml", "unit: USD per million tokens\nprices:\n- {model: m, input: -1}\n");
  await assertRejects(() => readPrices(prices), InputError, "p.yaml:3:");
});
