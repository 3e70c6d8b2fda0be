/** Files as rows of named fields: JSON, JSON lines, CSV and Parquet. */
import { readFile } from "node:fs/promises";
import { InputError, messageOf } from "../errors.ts";
import { noSuchFile } from "../text/no_such_file.ts";
import { parseCsv } from "./csv.ts";
import { isJsonObject } from "../json_fields.ts";

/** A row, and how a complaint names its place. */
export interface FileRow {
  fields: Record<string, unknown>;
  where(): string;
  /** Of CSV: all values are texts. */
  cells?: true;
}

/**
 * The rows of a file, by what it begins with: Parquet; a JSON list of objects, a suite's `tests`, JSON
 * lines; else CSV.
 *
 * @throws {InputError} it cannot be read, or is none of these.
 */
export async function readTable(path: string): Promise<FileRow[]> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === "ENOENT") throw new InputError(noSuchFile(path));
    if (code === "EISDIR") throw new InputError(`${path}: is a folder, expected a file`);
    throw new InputError(`${path}: ${messageOf(error)}`);
  }
  if (new TextDecoder().decode(bytes.subarray(0, 4)) === "PAR1") {
    return await parquetRows(path, bytes);
  }
  const text = new TextDecoder().decode(bytes);
  if (text.trim() === "") throw new InputError(`${path}: empty; expected rows`);
  const first = text.trimStart()[0];
  if (first === "[" || (first === "{" && path.endsWith(".json"))) {
    const whole = wholeJson(path, text);
    if (whole !== null) return whole;
  }
  return first === "{" || first === "[" ? jsonLines(path, text) : csvTable(path, text);
}

function wholeJson(path: string, text: string): FileRow[] | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null; // several lines, perhaps
  }
  const tests = (value as { tests?: unknown }).tests;
  const [rows, name] = Array.isArray(value) ? [value, ""] : [tests, "tests"];
  if (Array.isArray(rows)) {
    return rows.map((row, i) => ({
      fields: objectOf(row, () => `${path}: ${name}[${i}]`),
      where: () => `${path}: ${name}[${i}]`,
    }));
  }
  return null;
}

function jsonLines(path: string, text: string): FileRow[] {
  return text.split("\n").flatMap((line, i): FileRow[] => {
    if (line.trim() === "") return [];
    const where = () => `${path}:${i + 1}`;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (error) {
      throw new InputError(`${where()}: malformed JSON: ${messageOf(error)}`);
    }
    return [{ fields: objectOf(value, where), where }];
  });
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

/** The line of a row of the table: the parser leaves out empty lines. Found only for a complaint. */
function lineOfRow(text: string, row: number): number {
  let rows = -1;
  return text.split(/\r?\n/).findIndex((line) => line !== "" && ++rows === row) + 1;
}

async function parquetRows(path: string, bytes: Uint8Array): Promise<FileRow[]> {
  const { parquetReadObjects } = await import("hyparquet"); // only when it is asked for
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  let rows: Record<string, unknown>[];
  try {
    rows = await parquetReadObjects({ file: file as ArrayBuffer });
  } catch (error) {
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

/** INT64 as numbers, where they are whole in one. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") {
    return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  }
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object" || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
}
