/** Errors about what a file says, found only after it was read, with the place in it. */
import { InputError, InputFaults } from "../errors.ts";
import { type PlacesOf, positionOf, readJsonFile, showPath } from "./json_file.ts";

type Path = (string | number)[];

/** A field, what it is, and a field within: `tests[2].evaluator (regex): pattern: `. */
const FIELD =
  /^((?:[\w$-]+)(?:\.[\w$-]+|\[\d+\])*)(?: \([^)]*\))?: (?:([\w$-]+(?:\.[\w$-]+|\[\d+\])*): )?/;

/**
 * The error with file, line and column, where it names a field of the file (`FILE: FIELD: …`), or a flag
 * whose value the file gave (`--FLAG: …`). Any other error as it is.
 *
 * @param flags the settings that flags gave: these are not the file's.
 */
export function placedError(error: unknown, file: PlacesOf, flags: object = {}): unknown {
  const faults = faultsOf(error);
  const told = faults.map((fault) => placed(fault, file, flags));
  return told.some((text, i) => text !== faults[i]) ? new InputFaults(told) : error;
}

/**
 * As {@linkcode placedError}, in a file that is read again for it; one that cannot be read tells no place.
 *
 * @param path the file; left out, the one that the error names.
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

/** What is said of a flag, as said of the field of a file that is for the same. */
export function asField(message: string): string {
  return message.replace(/^--([a-z-]+)/, (_, flag: string) => flag.replaceAll("-", "_"));
}

/** The faults of wrong input; none of what is another error. */
function faultsOf(error: unknown): readonly string[] {
  if (error instanceof InputFaults) return error.faults;
  return error instanceof InputError && error.constructor === InputError ? [error.message] : [];
}

function placed(fault: string, file: PlacesOf, flags: object): string {
  const [, flag, after = ""] = /^--([a-z][a-z-]*)([^]*)$/.exec(fault) ?? [];
  const own = flag === undefined ? null : settingOf(flag, file, flags);
  if (own !== null) {
    const [, quoted] = /^: ("(?:[^"\\]|\\.)*")/.exec(after) ?? [];
    const list = valueAt(file, own);
    const at = Array.isArray(list) ? list.findIndex((one) => JSON.stringify(one) === quoted) : -1;
    const path = at < 0 ? own : [...own, at];
    return `${file.path}:${positionOf(file, path)}: ${showPath(path)}${after}`;
  }
  if (!fault.startsWith(`${file.path}: `)) return fault;
  const said = fault.slice(file.path.length + 2);
  const [, field = "", inner = ""] = FIELD.exec(said) ?? [];
  const path = keysOf(`${field}.${inner}`);
  if (path.length === 0 || valueAt(file, path.slice(0, 1)) === undefined) return fault;
  return `${file.path}:${positionOf(file, path)}: ${said}`;
}

/** Where the file gives what a flag would; null where it does not, or the flag was given. */
function settingOf(flag: string, file: PlacesOf, flags: object): Path | null {
  const name = flag.replace(/^no-/, "").replaceAll("-", "_");
  const paths = ["", "s", "_s", "_hz", "_mb"].flatMap((unit) => [
    [name + unit],
    ["matrix", name + unit],
  ]);
  const given = flags as Record<string, unknown>;
  return paths.find((path) =>
    given[path.at(-1)!] === undefined && valueAt(file, path) !== undefined
  ) ?? null;
}

function valueAt({ text }: PlacesOf, path: Path): unknown {
  return path.reduce(
    (value, key) => (value as Record<string | number, unknown> | null)?.[key],
    JSON.parse(text),
  );
}

/** The keys of a field as {@linkcode showPath} writes it. */
function keysOf(field: string): Path {
  return [...field.matchAll(/\[(\d+)\]|[\w$-]+/g)].map(([key, index]) =>
    index === undefined ? key : Number(index)
  );
}
