/** Flags of a command: declared once, parsed with types, and shown in its help. */
import { parseArgs } from "@std/cli/parse-args";
import { InputError } from "../../errors.ts";
import { didYouMean, nearest } from "../../text/nearest.ts";
import { isRunId } from "../../run/run_id.ts";
import { DURATION_FORM, isPlainNumber, parseDuration, unitSlip } from "../../text/duration.ts";
import { wrapText } from "../../text/width.ts";
import { parsedObject } from "../../json_fields.ts";
import { lostNumbers, lostText } from "../../lost_digits.ts";

/** A flag: how its text becomes a value, and how it is shown. */
export interface Flag<Value> {
  /** Its name; by default the key that it is declared under. */
  name?: string;
  /** A letter that can replace it, after one dash. */
  short?: string;
  kind: "switch" | "value" | "list";
  /** Represents the value in the help. */
  placeholder: string;
  help: string;
  /** The meaning of the flag without a value; if missing, the flag needs a value. */
  bare?: string;
  /** @throws {string} what was expected. @throws {InputError} another error. */
  parse(text: string): Value;
  /** The value of a flag that was given several times; by default, the lists are concatenated. */
  join?(values: Value[]): Value;
  /** The value if none is given. */
  otherwise?: Value;
}

export type Flags = Record<string, Flag<unknown>>;

/** The values of flags; undefined if a flag was not given and has no default. */
export type Values<F extends Flags> = {
  [Name in keyof F]: F[Name] extends SetFlag<infer Value> ? Value
    : F[Name] extends Flag<infer Value> ? Value | undefined
    : never;
};

/** A flag that always has a value. */
export type SetFlag<Value> = Flag<Value> & { otherwise: Value };

/** Gives a flag a default value; its help mentions it. */
export function otherwise<Value>(value: Value, flag: Flag<Value>): SetFlag<Value> {
  return { ...flag, help: `${flag.help} (${value})`, otherwise: value };
}

/** The name of a flag, without its dashes. */
export function nameOf(key: string, { name = key }: Flag<unknown>): string {
  return name;
}

/** A flag without a value. */
export function toggle(help: string): Flag<true> {
  return { kind: "switch", placeholder: "", help, parse: () => true };
}

/** A flag with any text. */
export function text(placeholder: string, help: string): Flag<string> {
  return { kind: "value", placeholder, help, parse: (given) => given };
}

/** A flag that may be repeated; commas separate values too. */
export function list(placeholder: string, help: string): Flag<string[]> {
  const parse = (given: string) => given.split(",").map((part) => part.trim()).filter(Boolean);
  return { kind: "list", placeholder, help, parse };
}

/** A number from `min` to `max`. */
export function number(
  placeholder: string,
  help: string,
  { min = 0, max = Infinity, whole = false }: { min?: number; max?: number; whole?: boolean } = {},
): Flag<number> {
  const parse = (given: string) => {
    const value = Number(given);
    const fits = given.trim() !== "" && Number.isFinite(value) && value >= min &&
      value <= max && (!whole || Number.isInteger(value));
    const range = max === Infinity ? `, at least ${min}` : ` from ${min} to ${max}`;
    if (!fits) throw `a ${whole ? "whole number" : "number"}${range}`;
    return value;
  };
  return { kind: "value", placeholder, help, parse };
}

/** Represents a duration in the help. */
export const TIME = "TIME";

/** A duration in seconds, above 0. */
export function time(help: string): Flag<number> {
  const parse = (given: string) => {
    const value = parseDuration(given, "s");
    if (value === null || value <= 0) throw `${DURATION_FORM}, above 0`;
    const slip = isPlainNumber(given) ? unitSlip(value) : null;
    if (slip !== null) throw new InputError(slip);
    return value;
  };
  return { kind: "value", placeholder: TIME, help, parse };
}

/** One of some words. */
export function choice<Word extends string>(words: readonly Word[], help: string): Flag<Word> {
  const parse = (given: string) => {
    const word = words.find((known) => known === given);
    if (word === undefined) throw `one of ${words.join(", ")}${didYouMean(given, words)}`;
    return word;
  };
  return { kind: "value", placeholder: words.join("|"), help, parse };
}

/** A JSON object. */
export function json(placeholder: string, help: string): Flag<Record<string, unknown>> {
  const parse = (given: string) => {
    const value = parsedObject(given);
    const [lost] = lostNumbers(given);
    if (lost !== undefined) throw new InputError(`${lost.path.join(".")}: ${lostText(lost)}`);
    if (value !== null) return value;
    throw `a JSON object such as '{"temperature": 0}'`;
  };
  return { kind: "value", placeholder, help, parse };
}

/** The folder of runs. */
export const outFlag: SetFlag<string> = {
  ...otherwise("runs", text("DIR", "the folder of runs")),
  short: "o",
};

/** The id for a new run. */
export function runId(help: string): Flag<string> {
  const parse = (given: string) => {
    if (!isRunId(given)) throw "an id such as bench_0123abcd_20260131_120000";
    return given;
  };
  return { kind: "value", placeholder: "ID", help, parse };
}

/**
 * Parses a command's arguments. Underscores in flag names count as dashes.
 *
 * @throws {InputError} an unknown flag, with the nearest ones, or a missing or wrong value.
 */
export function parseFlags<F extends Flags>(
  flags: F,
  argv: readonly string[],
): { values: Values<F>; positional: string[] } {
  const byName = new Map(Object.entries(flags).map(([key, flag]) => [nameOf(key, flag), key]));
  const names = [...byName.keys()];
  const flagNamed = (name: string) => flags[byName.get(name)!];
  const of = (kind: string) => names.filter((name) => flagNamed(name).kind === kind);
  const shorts = new Map(names.map((name) => [flagNamed(name).short, name]));
  const written = argv.map((argument) => dashed(whole(argument, shorts)));
  const takesValue = (name: string) => byName.has(name) && flagNamed(name).kind !== "switch";
  const parsed = parseArgs(withNegatives(written, takesValue), {
    boolean: of("switch"),
    string: ["_", ...of("value"), ...of("list")],
    collect: names,
    unknown: (argument, key) => {
      if (key === undefined || !argument.startsWith("-")) return true;
      const near = nearest(key, names).map((name) => `--${name}`);
      const meant = otherName(key, names) ||
        (near.length === 0 ? "" : `; did you mean ${near.join(" or ")}?`);
      // the rest is not repeated, as it may be a key
      throw new InputError(`${argument.split("=")[0]}: no such flag${meant}`);
    },
  });
  const values: Record<string, unknown> = {};
  for (const [name, key] of byName) {
    const given = (parsed[name] ?? []) as (string | boolean)[];
    const flag = flags[key];
    if (given.length > 0) values[key] = valueOf(name, flag, given);
    else if (flag.otherwise !== undefined) values[key] = flag.otherwise;
  }
  return { values: values as Values<F>, positional: parsed._.map(String) };
}

/**
 * Parses the arguments of a command that takes only flags.
 *
 * @param name the command, such as "dyno serve".
 * @throws {InputError} as for {@linkcode parseFlags}, and for an argument that is not a flag.
 */
export function parseOnlyFlags<F extends Flags>(
  name: string,
  flags: F,
  argv: readonly string[],
): Values<F> {
  const { values, positional } = parseFlags(flags, argv);
  if (positional.length > 0) throw new InputError(`"${positional[0]}": ${name} takes only flags`);
  return values;
}

function valueOf(name: string, flag: Flag<unknown>, given: (string | boolean)[]): unknown {
  if (flag.kind === "switch") return given.at(-1) === true ? flag.parse("") : undefined;
  if (flag.bare !== undefined && given.length === 1 && given[0] === "") given = [flag.bare];
  if (given.includes("")) throw new InputError(`--${name}: needs a value: ${flag.placeholder}`);
  if (flag.kind === "value" && given.length > 1) {
    throw new InputError(`--${name}: given ${given.length} times, expected once`);
  }
  const values = given.map((each) => parsedValue(name, flag, String(each)));
  if (flag.kind === "value") return values[0];
  return flag.join ? flag.join(values) : values.flat();
}

function parsedValue(name: string, flag: Flag<unknown>, given: string): unknown {
  try {
    return flag.parse(given);
  } catch (expected) {
    if (expected instanceof InputError) throw new InputError(`--${name}: ${expected.message}`);
    throw new InputError(`--${name}: "${given}" is not valid; expected ${expected}`);
  }
}

/** `--duration=5s` for `-d5s`, `--duration` for `-d`. */
function whole(argument: string, shorts: ReadonlyMap<string | undefined, string>): string {
  const [, short, value] = /^-([a-z])(?:=?([^]*))$/i.exec(argument) ?? [];
  const name = shorts.get(short);
  if (short === undefined || name === undefined) return argument;
  return value ? `--${name}=${value}` : `--${name}`;
}

/** `--rate=-1` for `--rate -1`: a number below 0 is a value, not a flag. */
function withNegatives(
  argv: readonly string[],
  takesValue: (name: string) => boolean,
): string[] {
  const end = argv.indexOf("--");
  const joined: string[] = [];
  argv.forEach((argument, i) => {
    const before = joined.at(-1) ?? "";
    const value = /^-\.?\d/.test(argument) && (end < 0 || i < end);
    if (value && before.startsWith("--") && takesValue(before.slice(2))) {
      joined.push(`${joined.pop()}=${argument}`);
    } else joined.push(argument);
  });
  return joined;
}

function dashed(argument: string): string {
  const [name, ...value] = argument.split("=");
  if (!/^--[a-z_-]+$/i.test(name)) return argument;
  return [name.replaceAll("_", "-"), ...value].join("=");
}

/** Width of a help text, the same as of its prose. */
const HELP_WIDTH = 100;
/** A longer flag gets its own line. */
const HEAD_WIDTH = 26;
/** A longer list of words is put after the flag. */
const LONGEST_PLACEHOLDER = 45;

/** The flags as aligned lines for a help text. */
export function flagHelp(flags: Flags): string[] {
  const rows = Object.entries(flags).map(([key, flag]) => {
    const { placeholder, help, short } = flag;
    const name = `--${nameOf(key, flag)}${short === undefined ? "" : `, -${short}`}`;
    return placeholder.length > LONGEST_PLACEHOLDER
      ? [`${name} WORD`, `${help}: ${placeholder.replaceAll("|", ", ")}`]
      : [`${name} ${placeholder}`.trimEnd(), help];
  });
  const width = Math.min(HEAD_WIDTH, Math.max(...rows.map(([head]) => head.length)));
  const lines = rows.flatMap(([head, help]) => {
    const [first, ...rest] = wrapText(help, HELP_WIDTH - width - 4);
    const below = rest.map((line) => `${" ".repeat(width + 4)}${line}`);
    return head.length > width
      ? [`  ${head}`, `${" ".repeat(width + 4)}${first}`, ...below]
      : [`  ${head.padEnd(width)}  ${first}`, ...below];
  });
  const timed = Object.values(flags).some(({ placeholder }) => placeholder === TIME);
  return timed ? [...lines, "", `${TIME} is ${DURATION_FORM}; a plain number is seconds.`] : lines;
}

/**
 * Names in other tools, and our flags for each: the first one that the command has is suggested.
 */
const OTHER_NAMES: readonly [names: string, flags: readonly string[]][] = [
  [
    "concurrency max-concurrency num-concurrent parallel threads jobs max-workers num-workers " +
    "max-connections max-samples users num-users vus workers",
    ["workers", "concurrency", "parallel"],
  ],
  ["url base-url api-base host target server backend-url", ["endpoint"]],
  ["num-prompts num-requests request-count max-requests iterations", ["requests", "limit"]],
  ["request-rate rps qps rate-limit", ["rate", "requests-per-minute"]],
  ["max-seconds benchmark-duration time run-time", ["duration"]],
  ["dataset dataset-path dataset-name input-file file data-path", ["prompts", "trace", "data"]],
  ["output output-dir output-path output-file log-dir save-dir result-dir artifact-dir", ["out"]],
  ["served-model-name model-name", ["model"]],
  ["max-tokens osl output-len random-output-len output-tokens-mean", [
    "output-tokens",
    "parameters",
  ]],
  ["isl input-len random-input-len prompt-tokens prompt-tokens-mean", ["input-tokens"]],
  ["temperature top-p top-k extra-body extra-inputs generate-kwargs", ["body", "parameters"]],
  ["n-samples num-samples num-repeats n", ["samples", "epochs", "repeat"]],
  ["max-retries retries", ["retry-attempts"]],
  ["request-timeout", ["timeout"]],
  ["warmup-requests num-warmups warmup-request-count", ["warmup"]],
  ["goodput", ["slo"]],
  ["random-seed", ["seed"]],
  ["filter", ["category", "tests"]],
];

/**
 * What another tool's flag is called here, as the end of an error message; empty if unknown.
 *
 * @param flags those of the command.
 */
function otherName(name: string, flags: readonly string[]): string {
  if (/^(openai-)?api-?key$/.test(name) && flags.includes("api-key-env")) {
    return "; a key does not belong on a command line: export it, and name its variable with --api-key-env";
  }
  const known = OTHER_NAMES.find(([names]) => names.split(" ").includes(name))?.[1] ?? [];
  const meant = known.find((flag) => flags.includes(flag));
  return meant === undefined ? "" : `; here it is --${meant}`;
}

/** The variable DYNO_KEY_ENV means the same, for commands started by other programs. */
export const keyFlag = {
  "key-env": list("NAME=ORIGIN", "lets a file send the key in NAME to ORIGIN (also: DYNO_KEY_ENV)"),
};

/** For each task; the texts are passed to Slurm unchanged. */
export const slurmFlags = {
  "partition": text("NAME", "Slurm: the partition"),
  "time": text("LIMIT", "Slurm: limit of each task, such as 30:00"),
  "memory": text("SIZE", "Slurm: memory of each task, such as 4G"),
  "gres": text("LIST", "Slurm: generic resources of each task, such as gpu:1"),
  "account": text("NAME", "Slurm: the account that pays"),
};
