/** JSON in answers, against JSON Schema's own words (draft 2020-12). */
import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { InputError } from "../../../lib/errors.ts";
import { resolveEvaluator } from "../../../lib/suite/evaluate.ts";
import { jsonIn } from "../../../lib/suite/evaluators/json_schema.ts";

async function fits(schema: unknown, response_text: string, more = {}): Promise<boolean> {
  const choice = { name: "json_schema", schema, ...more };
  const evaluator = await resolveEvaluator(choice, "s.json: evaluator", "/");
  const test = { id: "t", name: "t", category: "c", prompt: "p" };
  const { signal } = new AbortController();
  const answer = { test, prompt_text: "p", response_text, reasoning_text: null, signal };
  return (await evaluator.evaluate(answer)).passed;
}

Deno.test("json_schema: multipleOf is reckoned in decimals", async () => {
  const cases: [number, string, boolean][] = [
    [0.01, "19.99", true],
    [0.01, "19.999", false],
    [0.1, "0.3", true],
    [0.1, "1.1", true],
    [0.01, "0.000000001", false],
    [0.0001, "0.0075", true],
    [1e-8, "12391239123", true],
    [0.01, "1e300", true],
    [1.5, "4.5", true],
    [1.5, "35", false],
    [2, "9007199254740992", true],
    [3, "-9", true],
    [0.07, "0", true],
  ];
  for (const [multipleOf, value, right] of cases) {
    const schema = { type: "object", properties: { price: { type: "number", multipleOf } } };
    assertEquals(await fits(schema, `{"price": ${value}}`), right, `${value} by ${multipleOf}`);
  }
});

Deno.test("json_schema: an integer above 2^53 is not taken for its neighbour", async () => {
  // right values from the Python package jsonschema, whose integers are exact
  const cases: [unknown, string, boolean][] = [
    [{ const: 2 ** 53 }, "9007199254740992", true],
    [{ const: 2 ** 53 }, "9007199254740993", false],
    [{ const: 2 ** 53 + 4 }, "9007199254740995", false],
    [{ const: -(2 ** 53) }, "-9007199254740993", false],
    [{ enum: [1, 2 ** 53] }, "9007199254740993", false],
    [{ const: { a: [2 ** 53] } }, 'So: {"a": [9007199254740993]}', false],
    [{ maximum: 2 ** 53 }, "9007199254740993", false],
    [{ maximum: 2 ** 53 + 2 }, "9007199254740993", true],
    [{ minimum: 2 ** 53 + 4 }, "9007199254740995", false],
    [{ minimum: 2 ** 53 + 2 }, "9007199254740995", true],
    [{ minimum: -(2 ** 53) }, "-9007199254740993", false],
    [{ const: 12345678901234567000 }, "12345678901234567000", true],
    [{ const: 12345678901234567000 }, "12345678901234567001", false],
    [{ type: "integer", minimum: 0 }, "12345678901234567890", true],
    [{ type: "string", pattern: "3$" }, '"9007199254740993"', true],
  ];
  for (const [schema, text, right] of cases) {
    assertEquals(await fits(schema, text), right, `${JSON.stringify(schema)} ${text}`);
  }
});

Deno.test("json_schema: only own properties count, and __proto__ is a name like others", async () => {
  for (const name of ["constructor", "toString", "__proto__", "hasOwnProperty"]) {
    const schema = JSON.parse(
      `{"type": "object", "required": ["${name}"], "properties": {"${name}": {"type": "integer"}}}`,
    );
    assertEquals(await fits(schema, "{}"), false, name);
    assertEquals(await fits(schema, `{"${name}": 1}`), true, name);
    assertEquals(await fits(schema, `{"${name}": "x"}`), false, name);
    const closed = { type: "object", additionalProperties: false, properties: { a: {} } };
    assertEquals(await fits(closed, `{"${name}": 1}`), false, name);
  }
});

Deno.test("json_schema: formats are checked, and one that is not known is refused", async () => {
  // right and wrong examples after the RFCs that the draft names
  const formats: [string, string, string][] = [
    ["date", "2028-02-29", "2027-02-29"],
    ["time", "10:20:30Z", "25:20:30Z"],
    ["date-time", "2027-03-09T10:20:30Z", "2027-03-09 at ten"],
    ["duration", "P3DT4H", "3 days"],
    ["email", "a.b@example.org", "a.b(at)example.org"],
    ["hostname", "example.org", "-example-.org"],
    ["uri", "https://example.org/a?b#c", "example"],
    ["uri-reference", "/a/b", "\\\\a"],
    ["uuid", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "f81d4fae"],
    ["ipv4", "192.0.2.1", "192.0.2.256"],
    ["ipv6", "2001:db8::1", "2001:db8::g"],
    ["json-pointer", "/a/b~1c", "a/b"],
    ["regex", "^a+$", "("],
  ];
  for (const [format, right, wrong] of formats) {
    const schema = { type: "object", properties: { x: { type: "string", format } } };
    assertEquals(await fits(schema, JSON.stringify({ x: right })), true, `${format} ${right}`);
    assertEquals(await fits(schema, JSON.stringify({ x: wrong })), false, `${format} ${wrong}`);
  }
  await assertRejects(() => fits({ type: "string", format: "dat" }, '"x"'), InputError, "dat");
});

Deno.test("json_schema: which of several values counts", async () => {
  const schema = {
    type: "object",
    required: ["a"],
    properties: { a: { type: "integer" } },
  };
  assertEquals(await fits(schema, 'First draft: {"a": "one"}\nFinal: {"a": 1}'), true);
  assertEquals(
    await fits(schema, 'First draft: {"a": "one"}\nFinal: {"a": 1}', { take: "first" }),
    false,
  );
  assertEquals(jsonIn('```json\n{"a": 1}\n```\nor rather {"a": 2}'), { a: 2 });
  assertEquals(jsonIn('{"a": 1} and then {"a": 2, "b": {"c": 3'), { a: 1 }, "cut off");
  assertEquals(jsonIn('{"a": {"b": 1}, "c": [1, 2'), undefined, "no part of one that was cut off");
  assertEquals(jsonIn('{"a": 1} as in [1]', "object"), { a: 1 });
  assertEquals(jsonIn('in \\frac{1}{2} of [x] cases: [{"a": 1}]'), [{ a: 1 }]);
  assertEquals(jsonIn(`${"\\frac{a}{b} ".repeat(2000)}{"a": 1}`), { a: 1 });
  assertEquals(jsonIn("```json\n42\n```"), 42);
  assertEquals(jsonIn("42"), 42);
  for (const [open, close] of [["[", "]"], ['{"a":', "}"]]) {
    const deep = `${open.repeat(100_000)}1${close.repeat(100_000)}`;
    assertEquals(await fits({ type: ["array", "object"] }, deep), false, "nested without end");
  }
});

/** Groups of the JSON-Schema-Test-Suite whose schemas are valid and were refused, or are of an older draft. */
Deno.test("json_schema: what a schema leaves out is not a mistake, and older drafts are read as such", async () => {
  const cases: [object, unknown, boolean][] = [
    [{ if: { const: 0 } }, 0, true],
    [{ then: { const: 0 } }, 1, true],
    [{ maxContains: 1 }, [1, 2], true],
    [{ minContains: 0, contains: { const: 1 } }, [], true],
    [
      { properties: { foo: {} }, patternProperties: { "f.o": { minItems: 2 } } },
      { foo: [] },
      false,
    ],
    [
      { properties: { foo: {} }, patternProperties: { "f.o": { minItems: 2 } } },
      { foo: [1, 2] },
      true,
    ],
    [{ $ref: "#foo", $defs: { A: { $anchor: "foo", type: "integer" } } }, 1, true],
    [{ $ref: "#foo", $defs: { A: { $anchor: "foo", type: "integer" } } }, "a", false],
  ];
  for (const [schema, value, valid] of cases) {
    assertEquals(await fits(schema, JSON.stringify(value)), valid, JSON.stringify(schema));
  }
  const list = { items: [{ type: "integer" }], additionalItems: false };
  for (
    const draft of [
      "http://json-schema.org/draft-07/schema#",
      "https://json-schema.org/draft/2019-09/schema",
    ]
  ) {
    assertEquals(await fits({ $schema: draft, ...list }, "[1]"), true);
    assertEquals(await fits({ $schema: draft, ...list }, "[1, 2]"), false);
    assertEquals(await fits({ $schema: draft, multipleOf: 0.01 }, "19.99"), true);
  }
  const refused: [object, string][] = [
    [list, "items"],
    [{ requird: ["a"] }, "requird"],
    [{ type: "string", format: "datum" }, "datum"],
    [{ $schema: "http://json-schema.org/draft-04/schema#" }, "draft-07"],
  ];
  for (const [schema, named] of refused) {
    await assertRejects(() => fits(schema, "1"), InputError, named);
  }
});

Deno.test("what is wrong with a schema or a pattern is said in plain words, with its place", async () => {
  const cases: [object, string][] = [
    [{ properties: { a: { type: "strng" } } }, "schema.properties.a.type: expected one of array, "],
    [
      { properties: { a: { requird: [] } } },
      "schema.properties.a.requird: JSON Schema has no such",
    ],
    [{ allOf: [{ required: "a" }] }, "schema.allOf[0].required: expected a list"],
    [{ $ref: "#/$defs/x" }, 'schema.$ref: "#/$defs/x" is not in the schema'],
    [{ items: { format: "emal" } }, 'schema.items.format: "emal" is not a format'],
    [
      { items: { pattern: "(" } },
      "schema.items.pattern: expected a regular expression of JavaScript: a (",
    ],
  ];
  for (const [schema, said] of cases) {
    const fault = await assertRejects(() => fits(schema, "1"), InputError);
    assertStringIncludes(fault.message, said);
  }
  // ECMA-262 takes none of these
  for (
    const pattern of [
      "(",
      ")",
      "[a",
      "*a",
      "(?i)a",
      "a{2,1}",
      "[b-a]",
      "\\",
      "(?<n",
      "(?<n>a)(?<n>b)",
    ]
  ) {
    const choice = { name: "regex", pattern };
    const fault = await assertRejects(() => resolveEvaluator(choice, "x", "/"), InputError);
    assertMatch(
      fault.message,
      /pattern: expected a regular expression of JavaScript: (?!.*[Ii]nvalid)/,
    );
  }
});
