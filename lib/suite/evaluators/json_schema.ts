/** json_schema: the answer's JSON fits a JSON Schema (draft 2020-12). */
import { z } from "zod";
import { InputError, messageOf } from "../../errors.ts";
import { verdict } from "./verdict.ts";
import type { Evaluator } from "../evaluator.ts";

const options = z.strictObject({
  schema: z.union([z.record(z.string(), z.unknown()), z.boolean()]),
});

type Validate = (value: unknown) => string | null;

/** Compiled schemas, by their JSON. */
const compiled = new Map<string, Promise<Validate>>();

/** @throws {InputError} not a valid schema. */
function validator(schema: object | boolean): Promise<Validate> {
  const key = JSON.stringify(schema);
  const known = compiled.get(key);
  if (known) return known;
  const fresh = compile(schema);
  compiled.set(key, fresh);
  return fresh;
}

async function compile(schema: object | boolean): Promise<Validate> {
  const { Ajv2020 } = await import("ajv/dist/2020.js");
  const ajv = new Ajv2020({ strict: false });
  try {
    const validate = ajv.compile(schema);
    return (value) => validate(value) ? null : ajv.errorsText(validate.errors, { dataVar: "$" });
  } catch (error) {
    throw new InputError(`schema: ${messageOf(error)}`);
  }
}

/**
 * The JSON in an answer: all of it, else the last fenced block that parses, else the first object or
 * list in the text. undefined when there is none.
 */
export function jsonIn(answer: string): unknown {
  const fenced = [...answer.matchAll(/(```|~~~)[^\n]*\n([^]*?)\1/g)].map((match) => match[2]);
  for (const text of [answer, ...fenced.reverse()]) {
    const value = parsed(text);
    if (value !== undefined) return value;
  }
  for (const start of answer.matchAll(/[{[]/g)) {
    const text = balanced(answer, start.index);
    const value = text === null ? undefined : parsed(text);
    if (value !== undefined) return value;
  }
  return undefined;
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

export const jsonSchema: Evaluator<z.infer<typeof options>> = {
  name: "json_schema",
  options: options as z.ZodType<z.infer<typeof options>>,
  async prepare({ schema }) {
    await validator(schema);
  },
  async evaluate({ response_text }, { schema }) {
    const value = jsonIn(response_text);
    if (value === undefined) return verdict("json_schema", false, "no JSON in the answer");
    const fault = (await validator(schema))(value);
    return verdict("json_schema", fault === null, fault ?? "fits the schema");
  },
};
