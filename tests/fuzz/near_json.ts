/** Random JSON near a valid example: values replaced, left out, added, moved, and keys that bite. */
import fc from "fast-check";
import { HOSTILE, texts } from "./fuzzing.ts";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const KEYS = ["__proto__", "constructor", "prototype", "toString", "", "length", "then", "toJSON"];

const number = fc.oneof(
  fc.constantFrom(0, -0, -1, 0.5, 1e308, 2 ** 53, 1e21, 5e-324),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

/** Objects whose keys may be those of every object, as JSON.parse makes them. */
function objectOf(entries: [string, Json][]): Json {
  const object = {};
  for (const [key, value] of entries) define(object, key, value);
  return object;
}

const strange: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    number,
    texts(),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.array(fc.tuple(fc.oneof(fc.constantFrom(...KEYS), texts()), tie("value")), { maxLength: 3 })
      .map(objectOf),
    fc.constant(objectOf([["__proto__", { polluted: 1 }]])),
    fc.constant(objectOf([["constructor", { prototype: { polluted: 1 } }]])),
  ),
})).value;

const edit = fc.record({
  at: fc.nat(),
  how: fc.constantFrom("replace", "replace", "remove", "add", "copy", "deepen"),
  key: fc.constantFrom(...KEYS, ...HOSTILE),
  value: strange,
});

/** JSON texts near one of the examples, at times cut off. */
export function nearJson(...examples: unknown[]): fc.Arbitrary<string> {
  return fc.record({
    example: fc.constantFrom(...examples),
    edits: fc.array(edit, { maxLength: 4 }),
    // seldom: most texts are to be whole, so that what is behind the parser is reached
    cut: fc.option(fc.nat(), { freq: 20 }),
    twice: fc.option(fc.nat(), { freq: 20 }),
  }).map(({ example, edits, cut, twice }) => {
    const root: { value: Json } = { value: copyOf(example as Json) };
    for (const change of edits) apply(root, change);
    let text = JSON.stringify(root.value) ?? "null";
    if (twice !== null) text = withKeyTwice(text, twice);
    return cut === null ? text : text.slice(0, cut % (text.length + 1));
  });
}

const copyOf = (value: Json): Json => JSON.parse(JSON.stringify(value));

type Parent = { [key: string]: Json } | Json[];

/** The places of values below the root, in order. */
function places(value: Json, into: [Parent, string][] = []): [Parent, string][] {
  if (typeof value !== "object" || value === null) return into;
  for (const key of Object.keys(value)) {
    into.push([value, key]);
    places((value as Record<string, Json>)[key], into);
  }
  return into;
}

function apply(
  root: { value: Json },
  { at, how, key, value }: { at: number; how: string; key: string; value: Json },
): void {
  value = copyOf(value); // else edits would change it for all inputs behind
  const all = places(root as unknown as Json);
  const [parent, name] = all[at % all.length];
  const old = (parent as Record<string, Json>)[name];
  if (how === "remove" && parent !== (root as unknown)) {
    if (Array.isArray(parent)) parent.splice(Number(name), 1);
    else delete parent[name];
  } else if (how === "add" && typeof old === "object" && old !== null) {
    if (Array.isArray(old)) old.push(value);
    else define(old, key, value);
  } else if (how === "copy") {
    const [from, other] = all[(at >>> 8) % all.length];
    define(parent, name, copyOf((from as Record<string, Json>)[other]));
  } else if (how === "deepen") {
    define(parent, name, [old]);
  } else define(parent, name, value);
}

function define(object: object, key: string, value: Json): void {
  Object.defineProperty(object, key, {
    value,
    enumerable: true,
    writable: true,
    configurable: true,
  });
}

/** The text with one of its `"key":` put in once more. */
function withKeyTwice(text: string, at: number): string {
  const keys = [...text.matchAll(/"[^"\\]*":/g)];
  if (keys.length === 0) return text;
  const { 0: key, index } = keys[at % keys.length];
  return `${text.slice(0, index)}${key}null,${text.slice(index)}`;
}
