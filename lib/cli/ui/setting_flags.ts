/** Flags made from settings: name, help, default and parsing come from the settings. */
import { z } from "zod";
import { InputError } from "../../errors.ts";
import { headerFault } from "../../settings/headers.ts";
import {
  type About,
  about,
  checked,
  flagName,
  isDuration,
  unwrapped,
} from "../../settings/setting.ts";
import { didYouMean } from "../../text/nearest.ts";
import { type Flag, json, TIME } from "./flags.ts";

/** A flag for each setting, under the setting's name; its value is the setting's checked value. */
export type SettingFlags<Shape extends z.ZodRawShape> = {
  [Name in keyof Shape]: Flag<NonNullable<z.output<Shape[Name]>>>;
};

/** The flags of settings that have a description; the others exist only in files. */
export function flagsOf<Shape extends z.ZodRawShape>(
  { shape }: z.ZodObject<Shape>,
): SettingFlags<Shape> {
  const flags: Record<string, Flag<unknown>> = {};
  for (const [name, schema] of Object.entries(shape) as [string, z.ZodType][]) {
    const told = about.get(schema);
    if (told !== undefined) flags[name] = flagOf(name, schema, told);
  }
  return flags as SettingFlags<Shape>;
}

/** Those of the given values that are settings, among all that a command takes. */
export function settingsIn<Shape extends z.ZodRawShape>(
  { shape }: z.ZodObject<Shape>,
  values: Readonly<Record<string, unknown>>,
): { [Name in keyof Shape]?: NonNullable<z.output<Shape[Name]>> } {
  return Object.fromEntries(
    Object.entries(values).filter(([name, value]) => name in shape && value !== undefined),
  ) as { [Name in keyof Shape]?: NonNullable<z.output<Shape[Name]>> };
}

function flagOf(setting: string, whole: z.ZodType, told: About): Flag<unknown> {
  const { schema, otherwise } = unwrapped(whole);
  const { short, placeholder = "TEXT", flag: name = flagName(setting) } = told;
  const without = told.otherwise ?? shownDefault(otherwise, isDuration(schema));
  const help = without === null ? told.help : `${told.help} (${without})`;
  const { bare } = told;
  const common = {
    name,
    help,
    ...(short === undefined ? {} : { short }),
    ...(bare === undefined ? {} : { bare }),
  };
  if (schema instanceof z.ZodBoolean) {
    const on = otherwise === true;
    return {
      ...common,
      kind: "switch",
      placeholder: "",
      ...(on ? { name: `no-${name}`, help: told.off ?? told.help } : { help: told.help }),
      parse: () => !on,
    };
  }
  const many = textsIn(schema);
  if (many) {
    const split = (given: string) => given.split(",").map((part) => part.trim()).filter(Boolean);
    const parse = (given: string) => valueOf(many, told.whole ? [given] : split(given));
    if (schema instanceof z.ZodUnion) { // one alternative is a text
      const join = (values: unknown[]) => {
        const all = values.flat();
        return all.length === 1 ? all[0] : all;
      };
      return { ...common, kind: "list", placeholder, parse, join };
    }
    return { ...common, kind: "list", placeholder, parse };
  }
  if (schema instanceof z.ZodRecord) {
    if (!(schema.valueType instanceof z.ZodString)) {
      const { parse } = json(placeholder, help);
      return { ...common, kind: "value", placeholder, parse };
    }
    const join = (records: unknown[]) => Object.assign({}, ...records);
    return { ...common, kind: "list", placeholder, parse: headerOf, join };
  }
  if (schema instanceof z.ZodEnum) {
    return {
      ...common,
      kind: "value",
      placeholder: schema.options.join("|"),
      parse: parse(schema),
    };
  }
  const shown = told.placeholder ?? (isDuration(schema) ? TIME : "TEXT");
  return { ...common, kind: "value", placeholder: shown, parse: parse(schema) };
}

/** A default as a person would write it; null if there is none, or it says nothing. */
function shownDefault(value: unknown, duration: boolean): string | null {
  if (value === undefined || typeof value === "boolean") return null;
  if (duration) return `${value}s`;
  if (Array.isArray(value)) return value.join(",");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** The list of texts that a setting is or may be. */
function textsIn(schema: z.ZodType): z.ZodType | null {
  const forms = schema instanceof z.ZodUnion ? schema.options as z.ZodType[] : [schema];
  return forms.find((form) => form instanceof z.ZodArray && form.element instanceof z.ZodString) ??
    null;
}

function parse(schema: z.ZodType): (given: string) => unknown {
  const forms = schema instanceof z.ZodUnion ? schema.options as z.ZodType[] : [schema];
  const numeric = forms.some((form) => form instanceof z.ZodNumber);
  return (given) => {
    const isNumber = numeric && given.trim() !== "" && Number.isFinite(Number(given));
    return valueOf(schema, isNumber ? Number(given) : given, given);
  };
}

function valueOf(schema: z.ZodType, value: unknown, given?: string): unknown {
  const result = checked(schema, value);
  if ("value" in result) return result.value;
  const [{ message }] = result.complaints;
  if (schema instanceof z.ZodEnum) {
    const words = schema.options.map(String);
    throw `one of ${words.join(", ")}${didYouMean(String(value), words)}`;
  }
  const expected = numbersIn(schema) ?? /^expected (.*)$/.exec(message)?.[1];
  if (expected === undefined) throw new InputError(`"${given ?? value}": ${message}`);
  throw expected;
}

/** The numbers that a setting accepts, in words. */
function numbersIn(schema: z.ZodType): string | null {
  const forms = schema instanceof z.ZodUnion ? schema.options as z.ZodType[] : [schema];
  const words = forms.map((form) => {
    if (form instanceof z.ZodLiteral) return `"${form.value}"`;
    return form instanceof z.ZodNumber ? numberIn(form) : null;
  });
  return words.includes(null) ? null : words.join(", or ");
}

function numberIn(form: z.ZodNumber): string {
  const { minValue: min, maxValue: max, isInt } = form;
  const known = (bound: number | null) =>
    bound !== null && Math.abs(bound) < Number.MAX_SAFE_INTEGER;
  const open = (form.def.checks ?? []).map(({ _zod }) => _zod.def as { inclusive?: boolean })
    .some(({ inclusive }) => inclusive === false);
  const what = isInt ? "a whole number" : "a number";
  if (known(min) && known(max)) return `${what} ${open ? "above" : "from"} ${min} to ${max}`;
  if (known(max)) return `${what}, at most ${max}`;
  return known(min) ? `${what}${open ? " above" : ", at least"} ${min}` : what;
}

/**
 * Parses one header.
 *
 * @throws {InputError} it is not `NAME: VALUE`; the message does not repeat its value.
 */
function headerOf(line: string): Record<string, string> {
  const match = /^([^:\s]+):[ \t]*([^]*?)[ \t]*$/.exec(line);
  if (!match) {
    throw new InputError(`"${line.split(/[:\s]/, 1)[0]}…" is not of the form 'NAME: VALUE'`);
  }
  const header = { [match[1].toLowerCase()]: match[2] };
  const fault = headerFault(header);
  if (fault) throw new InputError(`"${fault.name}" ${fault.message}`);
  return header;
}
