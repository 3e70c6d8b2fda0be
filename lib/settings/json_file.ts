/** Reads JSON or YAML that people wrote; errors name the file, the line and the column. */
import { readFile, stat } from "node:fs/promises";
import { findNodeAtLocation, parseTree, printParseErrorCode } from "jsonc-parser";
import type { Node, ParseError } from "jsonc-parser";
import type { z } from "zod";
import { isDeeper } from "../json_fields.ts";
import { isLimit, lostNumbers, lostText, parseDigits } from "../lost_digits.ts";
import { counted } from "../text/grouped.ts";
import { noSuchFile } from "../text/no_such_file.ts";
import { InputError, InputFaults, messageOf } from "../errors.ts";
import { refuseOdd, writtenText } from "../read_whole.ts";
import { fileKind } from "./file_kind.ts";
import { checked, fileForms } from "./setting.ts";

/** The most levels of lists and objects in such a file. */
const DEEPEST = 500;

/** The most errors of a file that are shown. */
const MOST_SHOWN = 8;

/** The most characters of a text that are shown when it is not JSON. */
const SHOWN_LETTERS = 12;

/** Files that people write are smaller; a larger one does not fit into one string. */
const LARGEST_BYTES = 256_000_000;

/** A parsed file with its text, which gives the positions of later errors. */
export interface JsonFile {
  /** Its path, for messages. */
  path: string;
  /** Its JSON: the text as read, or the JSON that its YAML stands for. */
  text: string;
  /** The parsed text, not yet checked. */
  value: unknown;
  /** The place (`line:column`) of a value that was not read from JSON; null when there is no such value. */
  at?(path: readonly (string | number)[]): string | null;
}

/**
 * Reads and parses a JSON file, or a YAML file (by its name, as in {@linkcode writtenText}).
 *
 * @throws {InputError} missing or unreadable file, or malformed JSON or YAML with line and column.
 */
export async function readJsonFile(path: string): Promise<JsonFile> {
  let text: string;
  try {
    const found = await stat(path);
    if (!found.isDirectory()) refuseOdd(path, found); // a folder is reported below
    const { size } = found;
    if (size > LARGEST_BYTES) {
      throw new InputError(
        `${path}: ${Math.ceil(size / 1e6)} MB is more than the ${
          LARGEST_BYTES / 1e6
        } MB that it may have`,
      );
    }
    text = writtenText(path, await readFile(path));
  } catch (error) {
    throw error instanceof InputError ? error : new InputError(unreadable(path, error));
  }
  if (!isYaml(path)) return parseJson(path, text);
  const { parseYaml } = await import("./yaml_file.ts");
  return parseYaml(path, text, DEEPEST);
}

/** Whether a file's name marks it as YAML. */
export function isYaml(path: string): boolean {
  return /\.ya?ml$/i.test(path);
}

/** Parses JSON text that came from `path`; see {@linkcode readJsonFile}. */
export function parseJson(path: string, text: string): JsonFile {
  try {
    const value = parseDigits(text);
    if (isDeeper(text, DEEPEST)) throw new RangeError();
    return { path, text, value };
  } catch (error) {
    if (error instanceof RangeError) throw new InputError(`${path}: nested too deeply`);
    throw new InputError(`${path}${malformed(text, messageOf(error))}`);
  }
}

/**
 * Checks a parsed file against a schema.
 *
 * @param keepsDigits whether the caller reads long whole numbers from the text; else they are errors.
 * @throws {InputError} all errors, one per line, each with its path (`tests[3].prompt`), line and column.
 */
export function checkJson<Schema extends z.ZodType>(
  file: JsonFile,
  schema: Schema,
  keepsDigits = false,
): z.output<Schema> {
  const known = (schema as { shape?: object }).shape; // of rows with other fields, those are not read
  const lost = (keepsDigits ? [] : lostNumbers(file.text)).filter(({ path }) =>
    !isLimit(path.at(-1)) && (known === undefined || String(path[0]) in known)
  );
  if (lost.length > 0) {
    throw new InputFaults(
      lost.slice(0, MOST_SHOWN).map((each) =>
        `${file.path}:${positionOf(file, each.path)}: ${showPath(each.path)}: ${lostText(each)}`
      ),
    );
  }
  const result = checked(schema, file.value);
  if ("value" in result) return result.value;
  const { complaints } = result;
  const form = fileForms.get(schema)?.name;
  const meant = fileKind(file.value);
  if (form !== undefined && meant !== null && !meant.forms.includes(form)) {
    throw new InputError(
      `${file.path}: is ${meant.what}, by its "${meant.by}"; run it with ${meant.command} ${file.path}`,
    );
  }
  const lines = complaints.slice(0, MOST_SHOWN).map(({ path, message, found }) => {
    const named = message.startsWith(`"${path.at(-1)}"`) ? path.slice(0, -1) : path;
    const where = named.length ? `${showPath(named)}: ` : "";
    return `${file.path}:${positionOf(file, path)}: ${where}${message}${found}`;
  });
  const more = complaints.length - lines.length;
  if (more > 0) lines.push(`${file.path}: and ${counted(more, "more fault")}`);
  const taken = meant === null ? "" : `taken for ${meant.what} by its "${meant.by}"; `;
  const see = form === undefined ? "" : ` (${taken}dyno schema ${form} prints the form)`;
  throw new InputFaults([...lines.slice(0, -1), lines.at(-1)! + see]);
}

/**
 * Warnings about limits in a file's JSON Schemas that lose digits when they are sent and compared, one
 * line each.
 */
export function roundedLimits({ path: name, text }: JsonFile): string[] {
  return lostNumbers(text).filter(({ path }) => isLimit(path.at(-1))).map(({ path, written }) =>
    `${name}: ${showPath(path)}: ${written} is taken as ${Number(written)}`
  );
}

/** What is needed to find the place of a value in a file. */
export type PlacesOf = Pick<JsonFile, "path" | "text" | "at">;

/** `line:column` of the value at a path, or of its nearest parent that exists. */
export function positionOf(file: PlacesOf, path: readonly (string | number)[]): string {
  const { text, at } = file;
  for (let depth = path.length; at && depth >= 0; depth--) {
    const place = at(path.slice(0, depth));
    if (place !== null) return place;
  }
  const tree = treeOf(text);
  for (let depth = path.length; tree && depth >= 0; depth--) {
    const node = findNodeAtLocation(tree, path.slice(0, depth));
    if (node) return lineAndColumn(text, node.offset);
  }
  return "1:1";
}

/** `tests[3].prompt` for ["tests", 3, "prompt"]. */
export function showPath(path: readonly (string | number)[]): string {
  return path.map((key, i) => typeof key === "number" ? `[${key}]` : (i ? "." : "") + key).join("");
}

/** The syntax tree; undefined when the text is nested too deeply for the parser. */
function treeOf(text: string, errors: ParseError[] = []): Node | undefined {
  try {
    return parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
  } catch {
    return undefined;
  }
}

function lineAndColumn(text: string, offset: number): string {
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  return `${line}:${offset - before.lastIndexOf("\n")}`;
}

function malformed(text: string, engineMessage: string): string {
  if (text.trim() === "") return ": the file is empty; expected JSON";
  const errors: ParseError[] = [];
  treeOf(text, errors);
  if (errors.length === 0) return `: malformed JSON: ${engineMessage}`;
  const { offset, error } = errors[0];
  if (offset === text.search(/\S/)) {
    const begin = JSON.stringify(text.trim().slice(0, SHOWN_LETTERS));
    return `:${
      lineAndColumn(text, offset)
    }: malformed JSON: begins with ${begin}; expected { or [ (YAML ` +
      "is known by its name, .yaml or .yml)";
  }
  const what = commonMistake(text, offset) ??
    printParseErrorCode(error).replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
  const end = offset >= text.trimEnd().length ? " at the end of the file" : "";
  return `:${lineAndColumn(text, offset)}: malformed JSON: ${what}${end}`;
}

/** What JSON does not have although JavaScript or Python do; null where the text has none of it. */
function commonMistake(text: string, offset: number): string | null {
  const at = text.slice(offset);
  if (/^[}\]]/.test(at) && /,\s*$/.test(text.slice(0, offset))) {
    return `a comma before ${at[0]}; remove the comma`;
  }
  if (at.startsWith("'")) return `a text in '…'; write it in "…"`;
  if (/^\/[/*]/.test(at)) return "a comment, which JSON does not have; remove it, or write YAML";
  const word = /^(True|False|None|NaN|-?Infinity|undefined)\b/.exec(at)?.[0];
  if (word === undefined) return null;
  return `${word} is not JSON; expected ${WRITTEN[word] ?? "null or a number"}`;
}

/** What JSON writes for the words of Python and JavaScript. */
const WRITTEN: Readonly<Record<string, string>> = {
  True: "true",
  False: "false",
  None: "null",
  undefined: "null",
};

function unreadable(path: string, error: unknown): string {
  const code = (error as { code?: string }).code;
  if (code === "ENOENT") return noSuchFile(path);
  if (code === "EISDIR") return `${path}: is a folder, expected a JSON or YAML file`;
  if (code === "EACCES") return `${path}: not readable (permission denied)`;
  return `${path}: ${messageOf(error)}`;
}
