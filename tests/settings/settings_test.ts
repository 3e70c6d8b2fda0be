import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { InputError, InputFaults } from "../../lib/errors.ts";
import { experimentOf, looksLikeExperiment } from "../../lib/settings/experiment.ts";
import { CancelledError } from "../../lib/execute/scope.ts";
import { fileKind } from "../../lib/settings/file_kind.ts";
import { placedError } from "../../lib/settings/placed_error.ts";
import { canonicalJson, itemId } from "../../lib/settings/item_id.ts";
import { readTable } from "../../lib/formats/tables.ts";
import { parseJson, readJsonFile, roundedLimits } from "../../lib/settings/json_file.ts";
import { loadSuite, parseSuite } from "../../lib/settings/load_suite.ts";
import { didYouMean, nearest } from "../../lib/text/nearest.ts";

const refusal = (path: string, text: string) =>
  assertThrows(() => parseSuite(path, text), InputError).message;
const one = (test: object) => JSON.stringify({ test_suite_id: "s", tests: [test] }, null, 2);
const test = { id: "a", name: "A", category: "c", prompt: "p" };

Deno.test("malformed JSON: file, line and column", () => {
  const cases: [string, string][] = [
    ['{\n  "tests": [\n    {"id": 1,,}\n  ]\n}', "s.json:3:14: malformed JSON"],
    ['{"a": 1', "s.json:1:8: malformed JSON: close brace expected at the end of the file"],
    ["", "s.json: the file is empty"],
    ["{'a': 1}", `s.json:1:2: malformed JSON: a text in '…'; write it in "…"`],
    ['{"a": 1} x', "s.json:1:10: malformed JSON"],
    ['{\n// comment\n"a": 1}', "s.json:2:1: malformed JSON: a comment, which JSON does not have"],
    ['{"a": [1, 2,]}', "s.json:1:13: malformed JSON: a comma before ]; remove the comma"],
    ['{"a": 1,\n}', "s.json:2:1: malformed JSON: a comma before }; remove the comma"],
    ['{"a": True}', "s.json:1:7: malformed JSON: True is not JSON; expected true"],
    ['{"a": NaN}', "s.json:1:7: malformed JSON: NaN is not JSON; expected null or a number"],
    ['{"a": "line\nbreak"}', "s.json:1:7: malformed JSON"],
  ];
  for (const [text, message] of cases) assertStringIncludes(refusal("s.json", text), message);
  assertStringIncludes(refusal("s.json", "[".repeat(100_000) + "]".repeat(100_000)), "s.json:");
  assertStringIncludes(refusal("s.json", "[".repeat(100_000)), "s.json:");
});

Deno.test("a whole number whose digits a number does not keep is refused, or kept as its text", async () => {
  // IEEE 754: above 2^53 = 9007199254740992 only even whole numbers, and fewer further up
  const lost = ["9007199254740993", "-9007199254740993", "9223372036854775807", "9".repeat(400)];
  const kept = [
    "9007199254740991",
    "9007199254740992",
    "9007199254740994",
    "1e22",
    "1" + "0".repeat(22),
  ];
  const suite = (field: object, number: string) =>
    one({ ...test, ...field }).replace('"N"', number);
  for (const number of lost) {
    assertStringIncludes(
      refusal("s.json", suite({ parameters: { seed: "N" } }, number)),
      `s.json:10:17: tests[0].parameters.seed: ${number} has more digits than a number keeps`,
    );
    const schema = { name: "json_schema", schema: { const: "N" } };
    assertStringIncludes(refusal("s.json", suite({ evaluator: schema }, number)), "schema.const: ");
  }
  for (const number of ["1e400", "-1.5E+309"]) {
    assertStringIncludes(
      refusal("s.json", suite({ parameters: { seed: "N" } }, number)),
      `s.json:10:17: tests[0].parameters.seed: ${number} is too large for a number`,
    );
  }
  for (const number of [...kept, "1e308", "1e-400"]) {
    parseSuite("s.json", suite({ parameters: { seed: "N" } }, number));
  }
  const limit = { name: "json_schema", schema: { maximum: "N" } };
  const limited = suite({ evaluator: limit }, "9223372036854775807");
  parseSuite("s.json", limited);
  assertEquals(roundedLimits(parseJson("s.json", limited)), [
    "s.json: tests[0].evaluator.schema.maximum: 9223372036854775807 is taken as 9223372036854776000",
  ]);
  const folder = mkdtempSync(join(tmpdir(), "dyno-digits-"));
  try {
    const rows = async (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return (await readTable(join(folder, name))).map(({ fields }) => fields);
    };
    assertEquals(await rows("a.jsonl", '{"id":9007199254740993,"n":5}\n{"id":-12}\n'), [
      { id: "9007199254740993", n: 5 },
      { id: -12 },
    ]);
    for (const [name, text] of [["b.jsonl", "N"], ["b.json", "[N]"]]) {
      const row = text.replace("N", '{"body":{"seed":9007199254740993}}');
      await assertRejects(
        () => rows(name, row),
        InputError,
        "body.seed: 9007199254740993 has more",
      );
      await assertRejects(
        () => rows(name, row.replace("9007199254740993", "1e400")),
        InputError,
        "body.seed: 1e400 is too large",
      );
    }
    writeFileSync(join(folder, "c.yaml"), "id: 9007199254740993\n");
    assertEquals((await readJsonFile(join(folder, "c.yaml"))).value, { id: "9007199254740993" });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

Deno.test("a missing or wrong field: its path, line and column", () => {
  assertStringIncludes(refusal("s.json", '{\n  "tests": []\n}'), "s.json:1:1: test_suite_id:");
  assertStringIncludes(
    refusal("s.json", '{"test_suite_id": "s", "tests": []}'),
    "tests: the suite has no tests",
  );
  assertStringIncludes(
    refusal("s.json", one({ ...test, category: undefined })),
    "s.json:4:5: tests[0].category:",
  );
  assertStringIncludes(
    refusal("s.json", one({ ...test, name: 7 })),
    "s.json:6:15: tests[0].name:",
  );
  assertStringIncludes(
    refusal("s.json", one({ ...test, prompt: undefined })),
    'give either "prompt" or "messages"',
  );
  assertStringIncludes(
    refusal("s.json", one({ ...test, messages: [{ role: "user", content: "x" }] })),
    'give either "prompt" or "messages"',
  );
  assertStringIncludes(
    refusal("s.json", one({ ...test, evaluator: {} })),
    "tests[0].evaluator.name",
  );
  assertStringIncludes(refusal("s.json", "[]"), "s.json:1:1");
});

Deno.test("a duplicate id: where, and whose it is", () => {
  const text = JSON.stringify(
    { test_suite_id: "s", tests: [test, { ...test, name: "B" }] },
    null,
    2,
  );
  assertStringIncludes(
    refusal("s.json", text),
    's.json:11:13: tests[1].id: "a" is already the id of tests[0]',
  );
});

Deno.test("an unknown field is an error that names the nearest, with its place", () => {
  const wrong = one({ ...test, evalutor: { name: "exact" } });
  const said = refusal("s.json", wrong);
  assertStringIncludes(said, "s.json:9:");
  assertStringIncludes(said, 'tests[0]: "evalutor" is not a field; did you mean "evaluator"');
  const suite = { test_suite_id: "s", tests: [test], evaluators: [] };
  assertStringIncludes(refusal("s.json", JSON.stringify(suite)), 'did you mean "evaluator"');
});

Deno.test("all faults of a file are told, each with its place; of very many the first", () => {
  const text = one({ id: "a", name: "A", promt: "p", categry: "c", evaluator: { name: 7 } });
  const { faults } = assertThrows(() => parseSuite("s.json", text), InputFaults);
  const place = (word: string) => {
    const line = text.split("\n").findIndex((each) => each.includes(word));
    return `s.json:${line + 1}:`;
  };
  for (const word of ["promt", "categry"]) {
    const found = faults.find((fault) => fault.includes(`"${word}" is not a field`));
    assertStringIncludes(found ?? "", place(word));
  }
  assert(faults.some((fault) => fault.includes("tests[0].category: is missing")));
  assert(faults.some((fault) => fault.startsWith(place("evaluator")) || /evaluator/.test(fault)));
  const many = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`odd${i}`, i]));
  const shown = assertThrows(() => parseSuite("s.json", one({ ...test, ...many })), InputFaults);
  assertEquals(shown.faults.length, 9);
  assertStringIncludes(shown.faults[8], "22 more faults");
});

Deno.test("a byte order mark is no fault; a missing file and a folder are plain errors", async () => {
  const folder = mkdtempSync(join(tmpdir(), "dyno-suite-"));
  try {
    const path = join(folder, "s.json");
    writeFileSync(path, "\ufeff" + one(test));
    assertEquals((await loadSuite(path)).suite.tests[0].id, "a");
    await assertRejects(() => loadSuite(join(folder, "none.json")), InputError, "no such file");
    await assertRejects(() => readJsonFile(folder), InputError, "is a folder");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

Deno.test("an experiment is told from a suite, its paths lie beside it, its fields are checked", () => {
  const file = (value: object) => parseJson("exp/e.json", JSON.stringify(value));
  const value = { name: "e", suite: "s.json", mock: { script: "m.json" } };
  assert(looksLikeExperiment(file(value)));
  assert(looksLikeExperiment(file({ ...value, tests: ["a"] })));
  assert(!looksLikeExperiment(file({ test_suite_id: "s", suite: "x", tests: [test] })));
  assertEquals(experimentOf(file(value)).suite, "exp/s.json");
  assertEquals(experimentOf(file(value)).mock?.script, "exp/m.json");
  const wrong = (change: object) =>
    assertThrows(() => experimentOf(file({ ...value, ...change })), InputError).message;
  assertStringIncludes(wrong({ worker: 3 }), 'did you mean "workers"');
  assertStringIncludes(wrong({ workers: 0 }), "workers");
  assertStringIncludes(wrong({ timeout: "soon" }), "timeout");
});

Deno.test("a value that does not fit is shown, unless it may be a secret", () => {
  const said = (change: object) =>
    assertThrows(
      () => experimentOf(parseJson("e.json", JSON.stringify({ name: "e", suite: "s", ...change }))),
      InputError,
    ).message;
  assertStringIncludes(said({ limit: 0 }), "limit: expected a number, at least 1; found 0");
  assertStringIncludes(said({ limit: "all" }), 'limit: expected a whole number; found "all"');
  assertStringIncludes(said({ timeout: "soon" }), '; found "soon"');
  assertStringIncludes(said({ suite: ["a"] }), "suite: expected a text; found a list");
  assertStringIncludes(said({ balance: "sticki" }), 'did you mean "sticky"?; found "sticki"');
  assert(!said({ headers: { authorization: 12345678 } }).includes("12345678"));
  assert(said({ timeout: "x".repeat(500) }).length < 400);
});

Deno.test("what is found wrong after reading has its place: a field, or the flag for the same", () => {
  const text = '{\n  "slo": ["ttft:5", "tft:5"],\n  "rate": 2,\n  "wait_ready_s": 3,\n' +
    '  "tests": [{"evaluator": {"name": "regex", "pattern": "("}}],\n  "matrix": {"text": [1]}\n}';
  const file = parseJson("f.json", text);
  const placed = (message: string, flags = {}) =>
    (placedError(new InputError(message), file, flags) as Error).message;
  const cases: [string, string][] = [
    ['--slo: "tft:5": is none', 'f.json:2:21: slo[1]: "tft:5": is none'],
    ["--slo: nothing", "f.json:2:10: slo: nothing"],
    ["--rate: 2 is no rate", "f.json:3:11: rate: 2 is no rate"],
    ["--wait-ready: too long", "f.json:4:19: wait_ready_s: too long"],
    ["--text: x", "f.json:6:22: matrix.text: x"],
    ["--out: cannot write", "--out: cannot write"],
    ["--tag: x", "--tag: x"],
    ["f.json: rate: too much", "f.json:3:11: rate: too much"],
    ["tft:5: no such file", "f.json:2:21: slo[1]: tft:5: no such file"],
    ["how long? give --requests", "f.json: how long? give --requests"],
    [
      "f.json: tests[0].evaluator (regex): pattern: no",
      "f.json:5:56: tests[0].evaluator (regex): pattern: no",
    ],
    ["f.json: is a load; run it", "f.json: is a load; run it"],
    ["g.json: rate: too much", "g.json: rate: too much"],
  ];
  for (const [message, expected] of cases) assertEquals(placed(message), expected);
  assertEquals(placed("--rate: 2 is no rate", { rate: 2 }), "--rate: 2 is no rate");
  const given = parseJson("g.json", '{"prompts": "p", "headers": {}, "memory_limit_mb": 1}');
  const flags: [string, string][] = [
    ["--header: x", "g.json:1:29: headers: x"],
    ["--memory-limit: x", "g.json:1:52: memory_limit_mb: x"],
    ["--prompt, --prompts: give one of them", "--prompt, --prompts: give one of them"],
  ];
  for (const [message, expected] of flags) {
    const told = placedError(new InputError(message), given, { prompt: "a" }) as Error;
    assertEquals(told.message, expected);
  }
  // of a suite no flag is a field: --tests is not its list of tests
  const flag = new InputError("--tests: none");
  assertEquals(placedError(flag, file), flag);
  const cut = new CancelledError();
  assertEquals(placedError(cut, file), cut);
});

Deno.test("a mistyped field tells the kind of a file as the one that it is near", () => {
  const kind = (value: object) => {
    const found = fileKind(value);
    return found && [found.name, found.by];
  };
  const cases: [object, string[] | null][] = [
    [{ name: "e", suit: "s.json", endpoint: "x" }, ["experiment", "suit"]],
    [{ name: "e", suite: "s.json", tests: ["a"] }, ["experiment", "suite"]],
    [{ test_suite_idd: "s", test: [{}] }, ["suite", "test_suite_idd"]],
    [{ row: { file: "x" }, test: {} }, ["suite", "row"]],
    [{ name: "b", industrys: [] }, ["batch", "industrys"]],
    [{ name: "s", matrix: {}, comand: ["x"] }, ["sweep", "matrix"]],
    [{ knd: "load", rate: 2 }, ["load", "knd"]],
    [{ scenario: [] }, ["scenarios", "scenario"]],
    [{ name: "x" }, null],
  ];
  for (const [value, expected] of cases) assertEquals(kind(value), expected, JSON.stringify(value));
  assert(looksLikeExperiment(parseJson("e.json", '{"name": "e", "suit": "s.json"}')));
  const said = assertThrows(
    () => experimentOf(parseJson("e.json", '{"name": "e", "suit": "s.json"}')),
    InputError,
  ).message;
  assertStringIncludes(said, 'e.json:1:23: "suit" is not a field; did you mean "suite"');
  assertStringIncludes(said, 'taken for an experiment by its "suit"');
});

Deno.test("an item's id depends on what it is, not on the order of its keys", () => {
  assertEquals(itemId({ a: 1, b: { c: 2, d: 3 } }), itemId({ b: { d: 3, c: 2 }, a: 1 }));
  assert(itemId({ a: 1 }) !== itemId({ a: 2 }));
  assertEquals(
    canonicalJson([{ b: 1, a: [2, { d: 1, c: 2 }] }]),
    '[{"a":[2,{"c":2,"d":1}],"b":1}]',
  );
});

Deno.test("nearest names: misspelt, part of a name, none", () => {
  const known = ["arithmetic", "reasoning", "extraction"];
  assertEquals(nearest("aritmetic", known), ["arithmetic"]);
  assertEquals(nearest("REASON", known), ["reasoning"]);
  assertEquals(nearest("zzz", known), []);
  assertEquals(nearest("lst", ["cost", "list", "plot"]), ["list"]); // the others are two letters off
  assertEquals(didYouMean("aritmetic", known), '; did you mean "arithmetic"?');
});

Deno.test("a text of 50 MB in a JSON file is a text, not nesting", () => {
  // as a picture in a data: URL is; and with escapes, which are looked at one by one
  for (const text of ["x".repeat(50e6), '\\"[{'.repeat(5e6)]) {
    assertEquals(
      (parseJson("f.json", JSON.stringify({ text })).value as { text: string }).text,
      text,
    );
  }
  const deep = `{"a": "\\\\", "b": ${"[".repeat(600)}${"]".repeat(600)}}`;
  assertThrows(() => parseJson("f.json", deep), InputError, "nested too deeply");
});
