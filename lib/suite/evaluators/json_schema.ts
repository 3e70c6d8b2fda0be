/**
 * json_schema: the answer's JSON matches a JSON Schema (draft 2020-12, or 2019-09 or 7 if the schema says
 * so).
 */
import { z } from "zod";
import type { ErrorObject } from "ajv";
import type { Ajv2020 } from "ajv/dist/2020.js";
import { InputError, messageOf } from "../../errors.ts";
import { isDeeper, jsonStringEnd } from "../../json_fields.ts";
import { replacingLost } from "../../lost_digits.ts";
import { showPath } from "../../settings/json_file.ts";
import { patternReason } from "./bounded_search.ts";
import { withinTime } from "./bounded_time.ts";
import { expects } from "./text.ts";
import { verdict } from "./verdict.ts";
import type { Evaluator } from "../evaluator.ts";

const DRAFT = "https://json-schema.org/draft/2020-12/schema";
const DRAFTS: Record<string, () => Promise<typeof Ajv2020>> = {
  [DRAFT]: async () => (await import("ajv/dist/2020.js")).Ajv2020,
  "https://json-schema.org/draft/2019-09/schema": async () =>
    (await import("ajv/dist/2019.js")).Ajv2019,
  "http://json-schema.org/draft-07/schema": async () => (await import("ajv/dist/ajv.js")).Ajv,
};

type Schema = Record<string, unknown> | boolean;

const options = z.strictObject({
  schema: z.union(
    [z.record(z.string(), z.unknown()), z.boolean()],
    expects("a JSON Schema: an object or a boolean"),
  ),
  /** Which of several JSON values in the answer counts: the last complete one, or the first. */
  take: z.enum(["last", "first"]).default("last"),
});

/** Returns what is wrong with a value; null for nothing. */
type Validate = (value: unknown) => string | null;

/** Compiled schemas, by their JSON, because a suite may use one schema in a thousand tests. */
const compiled = new Map<string, Promise<Validate>>();

/** Compiles a schema. @throws {InputError} the schema is not valid. */
function validator(schema: Schema): Promise<Validate> {
  const key = JSON.stringify(schema);
  const known = compiled.get(key);
  if (known) return known;
  const fresh = compile(schema);
  compiled.set(key, fresh);
  return fresh;
}

/**
 * Unknown keywords and formats are refused, because `requird` would let every answer pass. Only own
 * properties count, and `multipleOf` is computed in decimals.
 */
async function compile(schema: Schema): Promise<Validate> {
  const named = typeof schema === "boolean" ? undefined : schema.$schema;
  const draft = DRAFTS[String(named ?? DRAFT).replace(/#$/, "")];
  if (draft === undefined) {
    const known = Object.keys(DRAFTS).map((uri) => `"${uri}"`).join(", ");
    throw new InputError(`schema.$schema: expected ${known} or none, got "${named}"`);
  }
  const Validator = await draft();
  const { default: addFormats } = await import("ajv-formats");
  const unknown: string[] = [];
  const noted = (line: unknown) => {
    // a schema that leaves out optional parts, such as the "then" of an "if", is not an error
    if (/unknown (?:keyword|format)/.test(String(line))) unknown.push(String(line));
  };
  const ajv = new Validator({
    strict: "log",
    strictTypes: false,
    strictTuples: false,
    ownProperties: true,
    logger: { log: noted, warn: noted, error: noted },
  });
  ajv.addVocabulary(["$anchor"]); // the validator uses it without knowing it as a keyword
  (addFormats as unknown as (to: typeof ajv) => void)(ajv);
  ajv.removeKeyword("multipleOf");
  ajv.addKeyword({
    keyword: "multipleOf",
    type: "number",
    schemaType: "number",
    error: { message: ({ schema }) => `must be multiple of ${schema}` },
    validate: isMultiple,
  });
  if (!ajv.validateSchema(speakable(schema) as Schema)) throw schemaFault(ajv.errors!);
  try {
    const validate = ajv.compile(speakable(schema) as Schema);
    if (unknown.length > 0) throw new Error(unknown[0]);
    return (value) => validate(speakable(value)) ? null : told(validate.errors![0]);
  } catch (error) {
    throw compileFault(messageOf(error), schema);
  }
}

/** What is wrong in a schema: the deepest error, which is the actual cause. */
function schemaFault(errors: readonly ErrorObject[]): InputError {
  const depth = ({ instancePath }: ErrorObject) => instancePath.split("/").length;
  const [error] = errors.toSorted((a, b) => depth(b) - depth(a));
  const { keyword, params, message } = error;
  const place = showPath(["schema", ...stepsOf(error)]);
  const wanted = keyword === "enum"
    ? `expected one of ${params.allowedValues.join(", ")}`
    : keyword === "type"
    ? `expected ${[params.type].flat().map((type) => NAMES[type] ?? type).join(" or ")}`
    : keyword === "minItems"
    ? `expected a list of at least ${params.limit}`
    : `it ${message!.replace("NOT", "not")}`;
  return new InputError(`${place}: ${wanted}`);
}

const NAMES: Record<string, string> = {
  array: "a list",
  boolean: "true or false",
  integer: "a whole number",
  number: "a number",
  object: "an object",
  string: "a text",
};

/** What the validator cannot use in a schema that is otherwise valid, with its place. */
function compileFault(said: string, schema: Schema): InputError {
  const at = (fits: (key: string, value: unknown) => boolean) =>
    showPath(["schema", ...pathIn(schema, fits) ?? []]);
  const [, keyword] = /unknown keyword: "(.*)"/.exec(said) ?? [];
  if (keyword !== undefined) {
    return new InputError(`${at((key) => key === keyword)}: JSON Schema has no such keyword`);
  }
  const [, format] = /unknown format "(.*?)"/.exec(said) ?? [];
  if (format !== undefined) {
    const place = at((key, value) => key === "format" && value === format);
    return new InputError(`${place}: "${format}" is not a format that JSON Schema has`);
  }
  const [, target] = /can't resolve reference (\S+)/.exec(said) ?? [];
  if (target !== undefined) {
    const place = at((key, value) => /^\$(?:ref|dynamicRef)$/.test(key) && value === target);
    return new InputError(`${place}: "${target}" is not in the schema`);
  }
  const [, pattern] = /regular expression: \/([^]*)\/\w*: /.exec(said) ?? [];
  if (pattern !== undefined) {
    const place = at((key, value) => key === pattern || (key === "pattern" && value === pattern));
    return new InputError(`${place}: ${patternReason(said)}`);
  }
  return new InputError(`schema: ${said}`);
}

/** The path of the first matching field, in the order of the schema; null for none. */
function pathIn(
  value: unknown,
  fits: (key: string, value: unknown) => boolean,
): (string | number)[] | null {
  if (typeof value !== "object" || value === null) return null;
  for (const [key, inside] of Object.entries(value)) {
    const step = Array.isArray(value) ? Number(key) : key;
    if (fits(key, inside)) return [step];
    const within = pathIn(inside, fits);
    if (within !== null) return [step, ...within];
  }
  return null;
}

/** The steps to the place that the validator's error names. */
function stepsOf({ instancePath }: ErrorObject): (string | number)[] {
  return instancePath.split("/").slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~").replaceAll("\0", ""))
    .map((step) => /^\d+$/.test(step) ? Number(step) : step);
}

/** Whether a number is a multiple of another in decimals: 19.99 is a multiple of 0.01. */
function isMultiple(of: number, value: number): boolean {
  const [a, b] = [decimal(value), decimal(of)];
  const exponent = Math.min(a.exponent, b.exponent);
  const whole = ({ digits, exponent: own }: Decimal) => digits * 10n ** BigInt(own - exponent);
  return whole(a) % whole(b) === 0n;
}

/** A number as digits · 10^exponent */
interface Decimal {
  digits: bigint;
  exponent: number;
}

function decimal(value: number): Decimal {
  const [mantissa, exponent = "0"] = String(value).split("e");
  const [whole, part = ""] = mantissa.split(".");
  return { digits: BigInt(whole + part), exponent: Number(exponent) - part.length };
}

/** Renames `__proto__`, which is an ordinary key in JSON but not for the validator. */
const PROTO = "__proto__", SPOKEN = "__proto__\0";

function speakable(value: unknown): unknown {
  if (value === PROTO) return SPOKEN;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(speakable);
  return Object.fromEntries(
    Object.entries(value).map((
      [name, inside],
    ) => [name === PROTO ? SPOKEN : name, speakable(inside)]),
  );
}

/**
 * An error such as `$.people[0].age must be integer`, with the names or values that the validator's
 * message leaves out.
 */
function told(error: ErrorObject): string {
  const { message, params } = error;
  const path = stepsOf(error).map((step) => typeof step === "number" ? `[${step}]` : `.${step}`)
    .join("");
  const more = params.additionalProperty ?? params.unevaluatedProperty ?? params.allowedValues ??
    params.allowedValue;
  return `$${path} ${message!.replaceAll("\0", "")}${
    more === undefined ? "" : `: ${JSON.stringify(more)}`
  }`;
}

/**
 * The JSON in an answer: all of it, else the last (or first) complete object, list or fenced value, of
 * the wanted kind if there is one. Values inside another one or inside an incomplete one do not count.
 * undefined when there is none.
 */
export function jsonIn(
  answer: string,
  wanted: "object" | "array" | null = null,
  take: "last" | "first" = "last",
  parsed = parsedNear,
): unknown {
  const whole = parsed(answer);
  if (whole !== undefined) return whole;
  const fenced = [...answer.matchAll(/(```|~~~)[^\n]*\n([^]*?)\1/g)]
    .map(({ index, 2: text }) => ({ at: index, value: parsed(text) }))
    .filter(({ value }) => value !== undefined && (typeof value !== "object" || value === null));
  const values = [...fenced, ...valuesIn(answer, parsed)].sort((a, b) => a.at - b.at)
    .map(({ value }) => value);
  const isWanted = (value: unknown) =>
    wanted === null || (typeof value === "object" && Array.isArray(value) === (wanted === "array"));
  const fitting = values.some(isWanted) ? values.filter(isWanted) : values;
  return take === "last" ? fitting.at(-1) : fitting[0];
}

/** A check of an answer takes milliseconds, but a schema's pattern may backtrack for years. */
const CHECK_LIMIT_MS = 2000;

/** How an object or a list in JSON begins; other brackets are skipped. */
const BEGINNING = /\{\s*["}]|\[\s*(?:[[{"\]\d-]|true|false|null)/y;
/** How an incomplete object begins; a bracket in prose does not begin like this. */
const FIRST_KEY = /\{\s*(?=")/y;
const COLON = /\s*:/y;
/** The most characters to read after brackets that look like JSON but are not; no real answer has more. */
const MOST_READ_IN_VAIN = 10_000_000;

/** The outermost objects and lists in a text, and where they begin. */
function* valuesIn(
  text: string,
  parsed: (text: string) => unknown,
): Generator<{ at: number; value: unknown }> {
  let inVain = 0;
  for (let i = 0; i < text.length && inVain < MOST_READ_IN_VAIN; i++) {
    if (text[i] !== "{" && text[i] !== "[") continue;
    BEGINNING.lastIndex = i;
    if (!BEGINNING.test(text)) continue;
    const inside = balanced(text, i);
    const value = inside === null ? undefined : parsed(inside);
    if (value !== undefined) {
      yield { at: i, value };
      i += inside!.length - 1;
      continue;
    }
    inVain += inside?.length ?? text.length - i;
    if (inside === null && beginsMember(text, i)) return;
  }
}

function beginsMember(text: string, at: number): boolean {
  FIRST_KEY.lastIndex = at;
  if (!FIRST_KEY.test(text)) return false;
  COLON.lastIndex = jsonStringEnd(text, FIRST_KEY.lastIndex);
  return COLON.test(text);
}

/** More levels than any answer needs; code that walks through values uses the stack for each level. */
const MOST_LEVELS = 500;

/** Parses a text; undefined when it is not JSON, or nested too deeply for an answer. */
function parsedNear(text: string, parse: (text: string) => unknown = JSON.parse): unknown {
  if (isDeeper(text, MOST_LEVELS)) return undefined;
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

/** Like {@linkcode parsedNear}, but an integer that loses digits is rounded to its other side. */
const parsedFar = (text: string): unknown =>
  parsedNear(
    text,
    (json) => replacingLost(json, (_key, written, near) => otherSide(written, near)),
  );

/** The number on the other side of an integer from the one that it is rounded to. */
function otherSide(written: string, near: number): number {
  if (!/^-?\d+$/.test(written) || !Number.isFinite(near)) return near;
  const size = (of: bigint) => of < 0n ? -of : of;
  const [exact, rounded] = [size(BigInt(written)), size(BigInt(near))];
  if (exact === rounded) return near;
  // the next number away from zero, or towards it, is the next integer in its bits
  const bits = new BigInt64Array(new Float64Array([near]).buffer);
  bits[0] += exact > rounded ? 1n : -1n;
  return new Float64Array(bits.buffer)[0];
}

/** From an opening bracket to its closing one; brackets in strings do not count. */
function balanced(text: string, start: number): string | null {
  let depth = 0, inString = false;
  for (let i = start; i < text.length; i++) {
    const letter = text[i];
    if (inString) {
      if (letter === "\\") i++;
      else if (letter === '"') inString = false;
    } else if (letter === '"') inString = true;
    else if (letter === "{" || letter === "[") depth++;
    else if ((letter === "}" || letter === "]") && --depth === 0) return text.slice(start, i + 1);
  }
  return null;
}

function kindWanted(schema: Schema): "object" | "array" | null {
  const type = typeof schema === "boolean" ? null : schema.type;
  return type === "object" || type === "array" ? type : null;
}

/**
 * Checks the JSON in an answer; the detail names the first place that does not match. An integer that
 * JavaScript cannot hold lies between two that it can, and both must match: 2^53 + 1 is not `const` 2^53.
 */
export const jsonSchema: Evaluator<z.infer<typeof options>> = {
  name: "json_schema",
  options: options as z.ZodType<z.infer<typeof options>>,
  async prepare({ schema }) {
    await validator(schema);
  },
  async evaluate({ response_text }, { schema, take }) {
    const wanted = kindWanted(schema);
    const value = jsonIn(response_text, wanted, take);
    if (value === undefined) return verdict("json_schema", false, "no valid JSON in the answer");
    const far = /\d{16}/.test(response_text)
      ? jsonIn(response_text, wanted, take, parsedFar)
      : undefined;
    const check = await validator(schema);
    const fault = withinTime(
      () => check(value) ?? (far === undefined ? null : check(far)),
      CHECK_LIMIT_MS,
      () =>
        `a pattern of the schema did not end within ${
          CHECK_LIMIT_MS / 1000
        } s; write it without nested ` +
        "repetition such as (a+)+",
    );
    return verdict("json_schema", fault === null, fault ?? "fits the schema");
  },
};
