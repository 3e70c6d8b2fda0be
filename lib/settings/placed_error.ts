/** Adds the place in the file to errors that are found only after the file was read. */
import { dirname, resolve } from "node:path";
import { InputError, InputFaults } from "../errors.ts";
import { beside } from "./beside_file.ts";
import { type PlacesOf, positionOf, readJsonFile, showPath } from "./json_file.ts";
import { flagName } from "./setting.ts";

type Path = (string | number)[];

/** A field, its kind, and a field inside it: `tests[2].evaluator (regex): pattern: `. */
const FIELD =
  /^((?:[\w$-]+)(?:\.[\w$-]+|\[\d+\])*)(?: \([^)]*\))?: (?:([\w$-]+(?:\.[\w$-]+|\[\d+\])*): )?/;

/**
 * The error with file, line and column, if it names a field of the file (`FILE: FIELD: …`) or a flag
 * whose value came from the file (`--FLAG: …`). Any other error is returned unchanged.
 *
 * @param flags the settings that came from flags and therefore not from the file. Without it, no flag is
 * looked up in the file.
 */
export function placedError(error: unknown, file: PlacesOf, flags?: object): unknown {
  const faults = faultsOf(error);
  const told = faults.map((fault) => placed(fault, file, flags));
  return told.some((text, i) => text !== faults[i]) ? new InputFaults(told) : error;
}

/**
 * Like {@linkcode placedError}, but reads the file again; returns the error unchanged when it cannot be
 * read.
 *
 * @param path the file; when left out, the one that the error names.
 */
export async function placedInFile(
  error: unknown,
  path?: string,
  flags?: object,
): Promise<unknown> {
  const [fault = ""] = faultsOf(error);
  const named = path ?? /^(.+?\.(?:json|ya?ml)): /i.exec(fault)?.[1];
  if (fault === "" || named === undefined) return error;
  const file = await readJsonFile(named).catch(() => null);
  return file === null ? error : placedError(error, file, flags);
}

/** Rewrites a message about a flag as one about the field with the same meaning. */
export function asField(message: string): string {
  return message.replace(/^--([a-z-]+)/, (_, flag: string) => flag.replaceAll("-", "_"));
}

/** The faults of an input error; empty for any other error. */
function faultsOf(error: unknown): readonly string[] {
  if (error instanceof InputFaults) return error.faults;
  return error instanceof InputError && error.constructor === InputError ? [error.message] : [];
}

function placed(fault: string, file: PlacesOf, flags: object | undefined): string {
  const [, flag, after = ""] = /^--([a-z][a-z-]*)([^]*)$/.exec(fault) ?? [];
  const own = flag === undefined || flags === undefined ? null : settingOf(flag, file, flags);
  if (own !== null) {
    const [, quoted] = /^: ("(?:[^"\\]|\\.)*")/.exec(after) ?? [];
    const list = valueAt(file, own);
    const at = Array.isArray(list) ? list.findIndex((one) => JSON.stringify(one) === quoted) : -1;
    const path = at < 0 ? own : [...own, at];
    return `${file.path}:${positionOf(file, path)}: ${showPath(path)}${after}`;
  }
  if (QUESTION.test(fault)) return `${file.path}: ${fault}`;
  const [, missing] = MISSING.exec(fault) ?? [];
  const names = missing === undefined ? null : pathNaming(missing, file);
  if (names !== null) {
    return `${file.path}:${positionOf(file, names)}: ${showPath(names)}: ${fault}`;
  }
  if (!fault.startsWith(`${file.path}: `)) return fault;
  const said = fault.slice(file.path.length + 2);
  const [, field = "", inner = ""] = FIELD.exec(said) ?? [];
  const path = keysOf(`${field}.${inner}`);
  if (path.length === 0 || valueAt(file, path.slice(0, 1)) === undefined) return fault;
  return `${file.path}:${positionOf(file, path)}: ${said}`;
}

/** Where the file sets the value that a flag would; null when it does not, or when the flag was given. */
function settingOf(flag: string, file: PlacesOf, flags: object): Path | null {
  const name = flag.replace(/^no-/, "");
  const given = flags as Record<string, unknown>;
  const isMeant = (key: string) =>
    given[key] === undefined && (flagName(key) === name || RENAMED[name] === key);
  for (const at of [[], ["matrix"]]) {
    const key = Object.keys(objectOrList(valueAt(file, at))).find(isMeant);
    if (key !== undefined) return [...at, key];
  }
  return null;
}

/** Flags whose name differs from their setting's. */
const RENAMED: Record<string, string> = { header: "headers", category: "categories" };

/** How messages about missing settings begin. */
const QUESTION = /^(?:how much load|how long)\?/;
const MISSING = /^(.+?): no such file/;

/**
 * The text in a file that names another file, as a path relative to the first file's folder; null for
 * none.
 */
function pathNaming(path: string, file: PlacesOf): Path | null {
  const named = beside(dirname(file.path));
  const find = (value: unknown, at: Path): Path | null => {
    if (typeof value === "string") return resolve(named(value)) === resolve(path) ? at : null;
    for (const [key, part] of Object.entries(objectOrList(value))) {
      const found = find(part, [...at, Array.isArray(value) ? Number(key) : key]);
      if (found !== null) return found;
    }
    return null;
  };
  return find(JSON.parse(file.text), []);
}

function objectOrList(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}

function valueAt({ text }: PlacesOf, path: Path): unknown {
  return path.reduce(
    (value, key) => (value as Record<string | number, unknown> | null)?.[key],
    JSON.parse(text),
  );
}

/** The keys of a field in {@linkcode showPath}'s notation. */
function keysOf(field: string): Path {
  return [...field.matchAll(/\[(\d+)\]|[\w$-]+/g)].map(([key, index]) =>
    index === undefined ? key : Number(index)
  );
}
