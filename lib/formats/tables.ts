/** Reads files as rows of named fields: JSON, JSON lines, CSV and Parquet. */
import { InputError, messageOf } from "../errors.ts";
import { noSuchFile } from "../text/no_such_file.ts";
import { readWhole, writtenText } from "../read_whole.ts";
import { parseCsv } from "./csv.ts";
import { isJsonObject } from "../json_fields.ts";
import { isLimit, lostNumbers, lostText, parseDigits } from "../lost_digits.ts";
import type { ColumnMetaData, FileMetaData } from "hyparquet";

/** Limit for a Parquet file, in which many values can take almost no space. */
const MOST_VALUES = 20_000_000;
const MOST_UNPACKED = 2_000_000_000;

/** A row, and its location for error messages. */
export interface FileRow {
  fields: Record<string, unknown>;
  where(): string;
  /** For CSV: all values are texts. */
  cells?: true;
}

/**
 * The rows of a file, by its content: Parquet; a JSON list of objects, a suite's `tests`, one
 * object over several lines, JSON lines; for a name that ends in .txt, one prompt per line; else
 * CSV.
 *
 * @throws {InputError} the file cannot be read, has another form, or does not fit into memory.
 */
export async function readTable(path: string): Promise<FileRow[]> {
  const bytes = await readWhole(path, noSuchFile, "give a part of it");
  if (new TextDecoder().decode(bytes.subarray(0, 4)) === "PAR1") {
    return await parquetRows(path, bytes);
  }
  const text = writtenText(path, bytes);
  if (text.trim() === "") throw new InputError(`${path}: empty; expected rows`);
  const first = text.trimStart()[0];
  if (path.endsWith(".txt") && first !== "{" && first !== "[") return plainLines(path, text);
  if (first === "[" || (first === "{" && path.endsWith(".json"))) {
    const whole = wholeJson(path, text);
    if (whole !== null) return whole;
  }
  return first === "{" || first === "[" ? jsonLines(path, text) : csvTable(path, text);
}

function wholeJson(path: string, text: string): FileRow[] | null {
  let value: unknown;
  try {
    value = parseDigits(text);
  } catch {
    return null; // perhaps JSON over several lines
  }
  refuseLost(text, () => path);
  const rows = rowsOfList(path, value);
  if (rows !== null) return rows;
  const isOne = isJsonObject(value) && text.trim().includes("\n");
  return isOne ? [{ fields: value as Record<string, unknown>, where: () => path }] : null;
}

/** The rows in a list, or in an object's `tests`; null if there are none. @throws {InputError} */
export function rowsOfList(path: string, value: unknown): FileRow[] | null {
  const tests = (value as { tests?: unknown } | null)?.tests;
  const [rows, name] = Array.isArray(value) ? [value, ""] : [tests, "tests"];
  if (!Array.isArray(rows)) return null;
  return rows.map((row, i) => ({
    fields: objectOf(row, () => `${path}: ${name}[${i}]`),
    where: () => `${path}: ${name}[${i}]`,
  }));
}

function jsonLines(path: string, text: string): FileRow[] {
  return text.split("\n").flatMap((line, i): FileRow[] => {
    if (line.trim() === "") return [];
    const where = () => `${path}:${i + 1}`;
    let value: unknown;
    try {
      value = parseDigits(line);
    } catch (error) {
      throw new InputError(`${where()}: malformed JSON: ${messageOf(error)}`);
    }
    refuseLost(line, where);
    return [{ fields: objectOf(value, where), where }];
  });
}

/** Fields of a row that are sent unchanged. */
const SENT = ["body", "parameters"];

/** @throws {InputError} a number that is sent would lose digits; other numbers are kept as text. */
function refuseLost(text: string, where: () => string): void {
  const sent = lostNumbers(text).find(({ path }) =>
    path.some((key) => SENT.includes(String(key))) && !isLimit(path.at(-1))
  );
  if (sent) throw new InputError(`${where()}: ${sent.path.join(".")}: ${lostText(sent)}`);
}

function plainLines(path: string, text: string): FileRow[] {
  return text.split(/\r?\n/).flatMap((prompt, i): FileRow[] =>
    prompt.trim() === "" ? [] : [{ fields: { prompt }, where: () => `${path}:${i + 1}` }]
  );
}

function objectOf(value: unknown, where: () => string): Record<string, unknown> {
  if (isJsonObject(value)) return value;
  throw new InputError(
    `${where()}: ${
      (JSON.stringify(value) ?? "").slice(0, 40)
    }; expected an object such as {"prompt": "…"}`,
  );
}

function csvTable(path: string, text: string): FileRow[] {
  const [header, ...rows] = parseCsv(path, text);
  const names = header.map((name) => name.trim());
  return rows.map((cells, i) => {
    const where = () => `${path}:${lineOfRow(text, i + 1)}`;
    if (cells.length !== names.length) {
      throw new InputError(
        `${where()}: ${cells.length} columns; expected ${names.length} as in the header`,
      );
    }
    return {
      fields: Object.fromEntries(names.map((name, at) => [name, cells[at]])),
      where,
      cells: true,
    };
  });
}

/** The line number of a table's row, for an error message: the parser skips empty lines. */
function lineOfRow(text: string, row: number): number {
  let rows = -1;
  return text.split(/\r?\n/).findIndex((line) => line !== "" && ++rows === row) + 1;
}

async function parquetRows(path: string, bytes: Uint8Array): Promise<FileRow[]> {
  const { parquetMetadata, parquetReadObjects } = await import("hyparquet"); // loaded only when needed
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  let rows: Record<string, unknown>[];
  try {
    checkSizes(path, parquetMetadata(file as ArrayBuffer));
    rows = await parquetReadObjects({ file: file as ArrayBuffer });
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(
      `${path}: Parquet that cannot be read: ${
        messageOf(error)
      }; write it with Snappy or without ` +
        "compression",
    );
  }
  return rows.map((row, i) => ({
    fields: plain(row) as Record<string, unknown>,
    where: () => `${path}: row ${i + 1}`,
  }));
}

/** @throws {InputError} there are more values, or more bytes, than fit into memory. */
function checkSizes(path: string, { num_rows, row_groups }: FileMetaData): void {
  const columns = row_groups.flatMap((group) => group.columns);
  const sum = (of: (meta: ColumnMetaData) => bigint) =>
    columns.reduce((all, { meta_data }) => all + Number(meta_data ? of(meta_data) : 0), 0);
  const values = Math.max(Number(num_rows), sum(({ num_values }) => num_values));
  const unpacked = sum(({ total_uncompressed_size }) => total_uncompressed_size);
  if (values <= MOST_VALUES && unpacked <= MOST_UNPACKED) return;
  throw new InputError(
    `${path}: ${values} values, ${Math.ceil(unpacked / 1e6)} MB unpacked: more than the ` +
      `${MOST_VALUES / 1e6} million values and ${
        MOST_UNPACKED / 1e9
      } GB that are read; give a part of it`,
  );
}

/** INT64 values as numbers, if they are exact. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") {
    return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  }
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object" || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
}
