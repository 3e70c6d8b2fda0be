/**
 * A setting is declared once, as a zod schema. Its flag, its line of help, its default, its entries in
 * JSON Schema and in OpenAPI, and its TypeScript type are all derived from that. A doc comment at the
 * property is what an editor shows a program's author: TypeScript carries it through `z.input`.
 *
 * @example
 * ```ts
 * import { z } from "zod";
 *
 * const shape = z.strictObject({
 *   // a doc comment here
 *   grace_s: seconds().default(30).register(about, { help: "that a load may still take at its end" }),
 * });
 * type Given = z.input<typeof shape>; // { grace_s?: number | string }
 * ```
 */
import { z } from "zod";
import { InputError } from "../errors.ts";
import { DURATION_FORM, isPlainNumber, parseDuration, unitSlip } from "../text/duration.ts";
import { didYouMean } from "../text/nearest.ts";

/** The value that a program passes to a schema: names without defaults may be left out. */
export type InputOf<Schema extends { _zod: { input: unknown } }> = Schema["_zod"]["input"];

/** The value that a schema returns: times in seconds, defaults filled in. */
export type OutputOf<Schema extends { _zod: { output: unknown } }> = Schema["_zod"]["output"];

/** How a setting is presented to people. */
export interface About {
  /** The line of help of its flag, and its description in JSON Schema. */
  help: string;
  /** The help of the flag `--no-NAME`, for a setting that is on by default. */
  off?: string;
  /** The placeholder for the value in the help. */
  placeholder?: string;
  /** The flag's name, when it is not the setting's name with dashes and without the unit. */
  flag?: string;
  /** A one-letter flag with the same meaning. */
  short?: string;
  /**
   * A description of the default, when that is not a fixed value; a fixed value is the schema's default.
   */
  otherwise?: string;
  /** The value of the flag when it is given without one. */
  bare?: string;
  /** Whether it is a list whose values may contain commas, so that the flag is repeated for each. */
  whole?: true;
}

/**
 * The name of a setting's flag, unless it has a different one: without the unit, because the value may
 * have one.
 */
export function flagName(setting: string): string {
  return setting.replace(/_(s|hz|mb|bytes)$/, "").replaceAll("_", "-");
}

/** The presentation of each setting. */
export const about = z.registry<About>();

/** The schemas of files that people write, each with a name for `dyno schema NAME` and a description. */
export const fileForms = z.registry<{ name: string; title: string }>();

/** Where editors find a file's schema: the output of `dyno schema`. */
export const schemaField = z.string().optional();
/** The schema of a text that is not blank; its value is used unchanged. */
export const nonEmpty = z.string().min(1);
/** A whole number, at least 1. */
export const count = z.int().min(1);
/** A number above 0. */
export const positive = z.number().positive();
/** Hardware samples a second; 0 for none. */
export const sampleRate = z.number().min(0).max(10_000);

const durations = new WeakSet<z.ZodType>();

/**
 * A duration: a number of seconds, or a text such as "500ms" or "10m"; the checked value is in seconds.
 *
 * @param named whether the setting's name has the unit, as in grace_s. If not, a number that looks like
 * milliseconds is questioned.
 */
export function seconds(
  { min = 0, above = false, named = false }: { min?: number; above?: boolean; named?: boolean } =
    {},
) {
  const expected = `expected ${DURATION_FORM}, ${above ? "above" : "at least"} ${min}`;
  const schema = z.union([z.number(), z.string()]).transform((given, context) => {
    const value = typeof given === "number" ? given : parseDuration(given, "s");
    const plain = typeof given === "number" || isPlainNumber(given);
    const named_unit = named && typeof given === "number";
    const slip = plain && !named_unit && value !== null ? unitSlip(value) : null;
    if (value === null || !(above ? value > min : value >= min)) context.addIssue(expected);
    else if (slip !== null) context.addIssue(slip);
    return value ?? 0;
  });
  durations.add(schema);
  return schema;
}

/** Whether a schema, unwrapped, is one of {@linkcode seconds}. */
export function isDuration(schema: z.ZodType): boolean {
  return durations.has(schema);
}

type Given<Shape extends z.ZodRawShape> = {
  [Name in keyof Shape]: Shape[Name] extends z.ZodDefault<infer Inner extends z.ZodType>
    ? z.ZodOptional<Inner>
    : Shape[Name];
};

/**
 * The same settings without filling in defaults: for files and flags, where one takes precedence over the
 * other.
 */
export function asGiven<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
): z.ZodObject<Given<Shape>, z.core.$strict> {
  const shape: Record<string, z.ZodType> = {};
  for (const [name, each] of Object.entries(schema.shape) as [string, z.ZodType][]) {
    shape[name] = each;
    if (!(each instanceof z.ZodDefault)) continue;
    shape[name] = (each.unwrap() as z.ZodType).optional();
    left.set(shape[name], each.def.defaultValue);
    const told = about.get(each);
    if (told !== undefined) about.add(shape[name], told);
  }
  return z.strictObject(shape as unknown as Given<Shape>);
}

/** The defaults that are not filled in, for descriptions. */
const left = new WeakMap<z.ZodType, unknown>();

/** A schema without its optional wrappers, and the default value. */
export function unwrapped(schema: z.ZodType): { schema: z.ZodType; otherwise: unknown } {
  let inner = schema;
  let otherwise = left.get(schema);
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault) {
    if (inner instanceof z.ZodDefault) otherwise = inner.def.defaultValue;
    inner = inner.unwrap() as z.ZodType;
  }
  return { schema: inner, otherwise };
}

/** The JSON Schema of settings as people write them, with descriptions and defaults. */
export function jsonSchemaOf(schema: z.ZodType): Record<string, unknown> {
  return z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      const schema = zodSchema as unknown as z.ZodType;
      const { help } = about.get(schema) ?? {};
      const { otherwise, schema: inner } = unwrapped(schema);
      const unit = isDuration(inner) ? ": seconds, or a text such as 500ms or 10m" : "";
      if (help !== undefined) jsonSchema.description = `${help}${unit}`;
      // zod leaves out the default of values that the check converts
      if (otherwise !== undefined) jsonSchema.default = otherwise;
    },
  }) as Record<string, unknown>;
}

/** An error in words for people: where, and what is wrong. */
export interface Complaint {
  path: (string | number)[];
  message: string;
  /** The value found there, as `; found 0`; empty when it says nothing or may be a secret. */
  found: string;
}

/** Checks a value against a schema: returns the checked value, or every error, unknown fields first. */
export function checked<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): { value: z.output<Schema> } | { complaints: Complaint[] } {
  const result = schema.safeParse(value, { error: inWords });
  if (result.success) return { value: result.data };
  const complaints = result.error.issues.map(complaintOf).flatMap(eachField)
    .map((each) => ({ ...each, found: foundText(value, each) }));
  const unknown = complaints.filter(({ message }) => message.includes(NO_FIELD));
  return { complaints: [...unknown, ...complaints.filter((each) => !unknown.includes(each))] };
}

/** Renames settings whose name lacks the unit: duration becomes duration_s. */
export function withoutUnits<Shape extends z.ZodRawShape>(
  { shape }: z.ZodObject<Shape>,
  given: object,
): z.input<z.ZodObject<Shape>> {
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined).map(([name, value]) => [
      !(name in shape) && `${name}_s` in shape ? `${name}_s` : name,
      value,
    ]),
  ) as z.input<z.ZodObject<Shape>>;
}

/**
 * Checks settings that a program passes.
 *
 * @param what the beginning of the message, such as "settings".
 * @throws {InputError} every error with its place, and a description of each setting.
 */
export function checkSettings<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  what: string,
): z.output<Schema> {
  const result = checked(schema, value);
  if ("value" in result) return result.value;
  const shape = schema instanceof z.ZodObject ? schema.shape : {};
  const complaints = result.complaints.map(({ path, message, found }) => {
    const help = about.get(shape[String(path[0])] ?? schema)?.help;
    const told = `${message}${found}${help === undefined ? "" : ` (${help})`}`;
    return `${[what, ...path].join(".")}: ${told}`;
  });
  throw new InputError(complaints.join("; "));
}

const NO_FIELD = " is not a field";

/** Names of types in the words of a person who writes JSON. */
const TYPES: Record<string, string> = {
  array: "a list",
  boolean: "true or false",
  int: "a whole number",
  number: "a number",
  object: "an object",
  record: "an object",
  string: "a text",
};

/** Messages that replace zod's where a person needs more. */
function inWords(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === "unrecognized_keys") {
    const known = Object.keys((issue.inst as z.ZodObject | undefined)?.shape ?? {});
    const keys = issue.keys as string[];
    return keys.map((key) => `"${key}"${NO_FIELD}${didYouMean(key, known)}`).join("\n");
  }
  if ((issue.code === "too_small" || issue.code === "too_big") && issue.origin !== "string") {
    const bound = issue.code === "too_small"
      ? `${issue.inclusive ? "at least" : "above"} ${issue.minimum}`
      : `${issue.inclusive ? "at most" : "below"} ${issue.maximum}`;
    const of = issue.origin === "number" || issue.origin === "int" ? "a number" : "a list of";
    return `expected ${of}${of === "a number" && issue.inclusive ? "," : ""} ${bound}`;
  }
  if (issue.code === "too_small" && issue.origin === "string") {
    return issue.minimum === 1
      ? "expected a text that is not empty"
      : `expected a text of at least ${issue.minimum} letters`;
  }
  if (issue.code === "too_big" && issue.origin === "string") {
    return `expected a text of at most ${issue.maximum} letters`;
  }
  if (issue.code === "invalid_union" && issue.discriminator !== undefined) {
    return `expected ${kindsOf(issue.inst as z.ZodUnion, issue.discriminator).join(", ")}`;
  }
  if (issue.code === "invalid_type") {
    const isWhole = issue.inst instanceof z.ZodNumber && issue.inst.isInt;
    const expected = `expected ${TYPES[isWhole ? "int" : issue.expected] ?? issue.expected}`;
    return issue.input === undefined ? `is missing; ${expected}` : expected;
  }
  if (issue.code === "invalid_value") {
    const words = (issue.values as unknown[]).map(String);
    const known = words.length > 1 ? `one of ${words.join(", ")}` : `"${words[0]}"`;
    return issue.input === undefined
      ? `is missing; expected ${known}`
      : `expected ${known}${didYouMean(String(issue.input), words)}`;
  }
  return undefined;
}

function kindsOf(union: z.ZodUnion, discriminator: string): string[] {
  return (union.options as z.ZodObject[])
    .flatMap(({ shape }) => [...(shape[discriminator] as z.ZodLiteral).values].map(String));
}

/** An error whose value has not been looked up yet. */
type Told = Omit<Complaint, "found">;

/** Longer values are shortened. */
const LONGEST_FOUND = 60;

function foundText(value: unknown, { path, message }: Told): string {
  const there = path.reduce<unknown>(
    (part, key) => (part as Record<string, unknown>)?.[key],
    value,
  );
  const isNamed = message.includes(NO_FIELD) || message.startsWith("is missing");
  if (there === undefined || isNamed || path.includes("headers")) return "";
  if (typeof there === "object" && there !== null) {
    const ofType = Object.values(TYPES).some((type) => message === `expected ${type}`);
    return ofType ? `; found ${Array.isArray(there) ? "a list" : "an object"}` : "";
  }
  const text = String(JSON.stringify(there));
  if (typeof there === "string" && message.includes(text)) return "";
  return `; found ${text.length > LONGEST_FOUND ? `${text.slice(0, LONGEST_FOUND)}…` : text}`;
}

/**
 * For a choice between forms, the error of the form that was probably meant: the one that matched
 * furthest.
 */
function complaintOf(issue: z.core.$ZodIssue): Told {
  const path = [...issue.path] as (string | number)[];
  if (issue.code === "invalid_union") {
    const inner = issue.errors.flat().map(complaintOf).sort((a, b) => depthOf(b) - depthOf(a));
    if (inner.length > 0 && depthOf(inner[0]) > 0) {
      return { path: [...path, ...inner[0].path], message: inner[0].message };
    }
    const forms = inner.map(({ message }) => /expected (.*)$/.exec(message)?.[1]);
    const known = forms.filter((form) => form !== undefined);
    const own = issue.message !== "Invalid input"; // the schema's own words
    if (known.length > 0 && !own) {
      return { path, message: `expected ${[...new Set(known)].join(" or ")}` };
    }
  }
  return { path, message: issue.message.replace(/^Invalid input: /, "") };
}

/** Splits an error about several fields into one for each. */
function eachField({ path, message }: Told): Told[] {
  if (!message.includes(NO_FIELD)) return [{ path, message }];
  return message.split("\n").map((line) => {
    const [, key] = /^"(.*?)" is not a field/.exec(line) ?? [];
    return { path: key === undefined ? path : [...path, key], message: line };
  });
}

function depthOf({ path, message }: Told): number {
  return path.length + (message.includes(NO_FIELD) ? 1 : 0);
}
