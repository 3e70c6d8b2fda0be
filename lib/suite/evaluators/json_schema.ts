/** json_schema: the answer's JSON fits a JSON Schema (draft 2020-12). */
import { z } from "zod";
import type { ErrorObject } from "ajv";
import { InputError, messageOf } from "../../errors.ts";
import { expects } from "./text.ts";
import { verdict } from "./verdict.ts";
import type { Evaluator } from "../evaluator.ts";

const DRAFT = "https://json-schema.org/draft/2020-12/schema";

/** So many opening brackets without a value behind them are tried; more is no answer. */
const MOST_FALSE_STARTS = 100;

type Schema = Record<string, unknown> | boolean;

const options = z.strictObject({
  schema: z.union(
    [z.record(z.string(), z.unknown()), z.boolean()],
    expects("a JSON Schema: an object or a boolean"),
  ),
});

/** What is wrong with a value, null if nothing. */
type Validate = (value: unknown) => string | null;

/** Compiled schemas, by their JSON: a suite may use one in a thousand tests. */
const compiled = new Map<string, Promise<Validate>>();

/** @throws {InputError} not a valid schema. */
function validator(schema: Schema): Promise<Validate> {
  const key = JSON.stringify(schema);
  const known = compiled.get(key);
  if (known) return known;
  const fresh = compile(schema);
  compiled.set(key, fresh);
  return fresh;
}

/**
 * An unknown keyword is refused: `requird` would let every answer pass. `format` is an annotation,
 * as in the draft; a `pattern` checks the form of a text.
 */
async function compile(schema: Schema): Promise<Validate> {
  const named = typeof schema === "boolean" ? undefined : schema.$schema;
  if (named !== undefined && named !== DRAFT && named !== `${DRAFT}#`) {
    throw new InputError(`schema.$schema: expected "${DRAFT}" or none, got "${named}"`);
  }
  const { Ajv2020 } = await import("ajv/dist/2020.js");
  const ajv = new Ajv2020({
    strictTypes: false,
    strictTuples: false,
    validateFormats: false,
    logger: false,
  });
  try {
    const validate = ajv.compile(schema);
    return (value) => validate(value) ? null : told(validate.errors![0]);
  } catch (error) {
    throw new InputError(`schema: ${messageOf(error)}`);
  }
}

/** `$.people[0].age must be integer`, with the names or values that the message only hints at. */
function told({ instancePath, message, params }: ErrorObject): string {
  const steps = instancePath.split("/").slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  const path = steps.map((step) => /^\d+$/.test(step) ? `[${step}]` : `.${step}`).join("");
  const more = params.additionalProperty ?? params.unevaluatedProperty ?? params.allowedValues ??
    params.allowedValue;
  return `$${path} ${message}${more === undefined ? "" : `: ${JSON.stringify(more)}`}`;
}

/**
 * The JSON in an answer: all of it, else the last fenced block that parses, else the first object or
 * list in the text, of the kind that is wanted if there is one. undefined when there is none.
 */
export function jsonIn(answer: string, wanted: "object" | "array" | null = null): unknown {
  const fenced = [...answer.matchAll(/(```|~~~)[^\n]*\n([^]*?)\1/g)].map((match) => match[2]);
  for (const text of [answer, ...fenced.reverse()]) {
    const value = parsed(text);
    if (value !== undefined) return value;
  }
  let first: unknown;
  for (const value of valuesIn(answer)) {
    if (wanted === null || Array.isArray(value) === (wanted === "array")) return value;
    first ??= value;
  }
  return first;
}

/** The objects and lists in a text that do not lie in one another. */
function* valuesIn(text: string): Generator<object> {
  let falseStarts = 0;
  for (let i = 0; i < text.length && falseStarts < MOST_FALSE_STARTS; i++) {
    if (text[i] !== "{" && text[i] !== "[") continue;
    const inside = balanced(text, i);
    const value = inside === null ? undefined : parsed(inside);
    if (value === undefined) {
      falseStarts++;
      continue;
    }
    yield value as object;
    i += inside!.length - 1;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** From an opening bracket to its closing one, strings respected. */
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

/** Judges the JSON that an answer holds; the detail names the first place that does not fit. */
export const jsonSchema: Evaluator<z.infer<typeof options>> = {
  name: "json_schema",
  options: options as z.ZodType<z.infer<typeof options>>,
  async prepare({ schema }) {
    await validator(schema);
  },
  async evaluate({ response_text }, { schema }) {
    const value = jsonIn(response_text, kindWanted(schema));
    if (value === undefined) return verdict("json_schema", false, "no valid JSON in the answer");
    const fault = (await validator(schema))(value);
    return verdict("json_schema", fault === null, fault ?? "fits the schema");
  },
};
