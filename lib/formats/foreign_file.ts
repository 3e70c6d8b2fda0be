/** Reads foreign files: JSON up to a maximum size, JSON lines and CSV rows as a stream. */
import { open, readFile, stat } from "node:fs/promises";
import { withoutNonFinite } from "../json_fields.ts";
import { noSuchFile } from "../text/no_such_file.ts";
import { InputError, messageOf } from "../errors.ts";
import { parseJson } from "../settings/json_file.ts";
import { csvRows } from "./csv.ts";
import { readLines, textPieces } from "./json_lines.ts";
import { encodingOf } from "../read_whole.ts";

/** A JSON file is read as a whole; this size fits into one string. */
const LARGEST_JSON = 512_000_000;
const HEAD_BYTES = 1 << 20;
/**
 * The values of a larger file are counted before it is parsed: a byte of `[[],[],` needs ten bytes
 * of memory.
 */
const COUNTED = 16_000_000;
const MOST_BRACKETS = 10_000_000;
const MOST_COMMAS = 40_000_000;
/** For larger files an error message has no line and column, because finding them needs memory. */
const EXPLAINED = 5_000_000;

/**
 * Reads a JSON file (UTF-8, or UTF-16 with a byte order mark). Python's bare NaN and Infinity are
 * read as null.
 *
 * @throws {InputError} it is unreadable, not a file, too large, or malformed.
 */
export async function readForeignJson(path: string): Promise<unknown> {
  return parseForeignJson(path, await readForeignText(path));
}

/** The text of a file; see {@linkcode readForeignJson}. */
export async function readForeignText(path: string): Promise<string> {
  const bytes = await sizeOf(path);
  if (bytes > LARGEST_JSON) {
    const size = `${Math.ceil(bytes / 1e6)} MB`;
    throw new InputError(
      `${path}: ${size} is more than the 512 MB that a JSON file may have; split it, or use JSON lines`,
    );
  }
  try {
    const content = await readFile(path);
    if (bytes > COUNTED) checkCounts(path, content);
    return new TextDecoder(encodingOf(content)).decode(content);
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** @throws {InputError} it has more values than fit into memory. */
function checkCounts(path: string, content: Uint8Array): void {
  let brackets = 0, commas = 0;
  for (const byte of content) {
    if (byte === 0x2c) commas++;
    else if (byte === 0x5b || byte === 0x7b) brackets++;
  }
  if (brackets <= MOST_BRACKETS && commas <= MOST_COMMAS) return;
  throw new InputError(
    `${path}: about ${
      Math.round(Math.max(brackets, commas) / 1e6)
    } million values, more than are ` +
      "read of one JSON file; split it, or use JSON lines",
  );
}

/** The start of a file, at most a megabyte, and whether that is the whole file. */
export async function fileHead(path: string): Promise<{ text: string; whole: boolean }> {
  const size = await sizeOf(path);
  const bytes = new Uint8Array(Math.min(size, HEAD_BYTES));
  try {
    const file = await open(path);
    try {
      const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
      const content = bytes.subarray(0, bytesRead);
      const text = new TextDecoder(encodingOf(content)).decode(content);
      return { text, whole: size <= HEAD_BYTES };
    } finally {
      await file.close();
    }
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** Parses the text of a foreign file; see {@linkcode readForeignJson}. */
export function parseForeignJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof RangeError) throw new InputError(`${path}: nested too deeply`);
    if (text.includes("NaN") || text.includes("Infinity")) {
      const repaired = withoutNonFinite(text);
      if (repaired !== text) return parseForeignJson(path, repaired);
    }
    if (text.length <= EXPLAINED) return parseJson(path, text).value;
    throw new InputError(`${path}: malformed JSON: ${messageOf(error)}`);
  }
}

/**
 * The values of a JSON lines file.
 *
 * @param torn called for a malformed last line: its writer was interrupted.
 * @throws {InputError} an earlier line is malformed.
 */
export async function* jsonLinesOf(
  path: string,
  torn: (message: string) => void,
): AsyncGenerator<{ value: unknown; line: number }> {
  let held: unknown = null;
  for await (const { line: text, number: line } of readLines(path)) {
    if (held) throw held;
    let value: unknown;
    try {
      value = parseForeignJson(`${path}, line ${line}`, text);
    } catch (error) {
      held = error;
      continue;
    }
    yield { value, line };
  }
  if (held) torn(messageOf(held));
}

/**
 * The rows of a CSV file (RFC 4180: quotes, doubled quotes, line breaks within quotes) as objects
 * of texts, by the names in the first row.
 *
 * @throws {InputError} a row has more or fewer fields than the first one, or a quote is not closed.
 */
export async function* csvRowsOf(path: string): AsyncGenerator<Record<string, string>> {
  let names: string[] | null = null, row = 0;
  for await (const values of csvRows(path, textPieces(path))) {
    row++;
    if (names === null) {
      names = values.map((name) => name.trim());
    } else if (values.length === names.length) {
      yield Object.fromEntries(names.map((name, i) => [name, values[i]]));
    } else {
      const fields = `${values.length} ${values.length === 1 ? "field" : "fields"}`;
      throw new InputError(`${path}: row ${row}: ${fields}, expected ${names.length}`);
    }
  }
}

/** The names in the first row of a CSV file. */
export async function csvHeaderOf(path: string): Promise<string[]> {
  for await (const values of csvRows(path, textPieces(path))) {
    return values.map((name) => name.trim());
  }
  return [];
}

async function sizeOf(path: string): Promise<number> {
  try {
    const found = await stat(path);
    if (!found.isFile()) throw new InputError(`${path}: is not a file`);
    return found.size;
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): Error {
  if (error instanceof InputError) return error;
  const code = (error as { code?: string }).code;
  if (code === undefined) return error instanceof Error ? error : new Error(String(error));
  if (code === "ENOENT") return new InputError(noSuchFile(path, "file or folder"));
  if (code === "EACCES") return new InputError(`${path}: not readable (permission denied)`);
  return new InputError(`${path}: ${messageOf(error)}`);
}
