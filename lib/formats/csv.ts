/**
 * Reads and writes CSV (RFC 4180); all CSV goes through this file. @std/csv does not fit. Its
 * reader removes carriage returns from line ends in quoted cells, which would change a prompt, and
 * takes four times as long for a text in memory (60 MB: 2.6 s). Its writer does not quote a lone
 * carriage return or the spaces around a text, which other readers then remove.
 */
import { createReadStream } from "node:fs";
import { InputError, messageOf } from "../errors.ts";
import { noSuchFile } from "../text/no_such_file.ts";
import { printable } from "../text/printable.ts";

/** A value in a table; null is unknown, an empty cell. */
export type Cell = string | number | boolean | null;

/** The longest row, in characters: a file without row ends is not a table. */
const LONGEST_ROW = 64_000_000;

/** One line, ended by a line feed. */
export function csvLine(cells: readonly Cell[]): string {
  return cells.map((cell) => cell === null ? "" : quoted(String(cell))).join(",") + "\n";
}

/**
 * A row for a spreadsheet, with the line end of RFC 4180. A text that would be read as a formula is
 * preceded by an apostrophe; numbers are not changed; other values become JSON.
 */
export function spreadsheetRow(values: readonly unknown[]): string {
  return values.map(spreadsheetCell).join(",") + "\r\n";
}

function spreadsheetCell(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  const text = typeof value === "string" ? value : JSON.stringify(value);
  // control sequences are escaped; the line ends stay the table's
  return quoted(guarded(text.split("\r\n").map((line) => printable(line, false)).join("\r\n")));
}

function quoted(text: string): string {
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const FORMULA = /^'*\s*[=+\-@\t\r|%＝＋－＠]/; // Japanese Excel accepts the wide characters too

/** The text, preceded by an apostrophe if a spreadsheet would read it as a formula. */
export function guarded(text: string): string {
  return FORMULA.test(text) ? `'${text}` : text;
}

/** Undoes {@linkcode guarded}. */
export function unguarded(text: string): string {
  return text.startsWith("'") && FORMULA.test(text) ? text.slice(1) : text;
}

/** Splits text into rows while it arrives. */
class RowReader {
  readonly #name: string;
  #row: string[] = [];
  /** The current cell: its quoted part, and its unquoted part. */
  #quoted = "";
  #plain = "";
  #state: "start" | "plain" | "quoted" | "closing" = "start";
  #hasQuotes = false;
  #rows = 0;
  /** Characters since the end of the last row. */
  #length = 0;

  constructor(name: string) {
    this.#name = name;
  }

  *push(text: string): Generator<string[]> {
    this.#length += text.length;
    if (this.#length > LONGEST_ROW) throw this.#complaint("too long a row");
    for (let i = 0; i < text.length;) {
      if (this.#state === "quoted") {
        const end = text.indexOf('"', i);
        this.#quoted += text.slice(i, end < 0 ? text.length : end);
        if (end >= 0) this.#state = "closing";
        i = end < 0 ? text.length : end + 1;
        continue;
      }
      if (text[i] === '"' && (this.#state === "start" || this.#state === "closing")) {
        if (this.#state === "closing") this.#quoted += '"'; // two quotes stand for one
        this.#state = "quoted";
        this.#hasQuotes = true;
        i++;
        continue;
      }
      this.#state = "plain"; // also after quotes: they cannot open again here
      let end = i;
      while (end < text.length && text[end] !== "," && text[end] !== "\n") end++;
      this.#plain += text.slice(i, end);
      i = end + 1;
      if (end === text.length) break;
      if (text[end] === ",") this.#endCell();
      else {
        const row = this.#endRow();
        this.#length = text.length - i;
        if (row) yield row;
      }
    }
  }

  *end(): Generator<string[]> {
    if (this.#state === "quoted") throw this.#complaint("a quote is not closed");
    const row = this.#endRow();
    if (row) yield row;
  }

  #endCell(): void {
    this.#row.push(this.#quoted + this.#plain);
    this.#quoted = this.#plain = "";
    this.#state = "start";
    this.#hasQuotes = false;
  }

  /** Returns null for an empty line. */
  #endRow(): string[] | null {
    this.#rows++;
    if (this.#plain.endsWith("\r")) this.#plain = this.#plain.slice(0, -1);
    const isEmpty = this.#row.length === 0 && this.#plain === "" && !this.#hasQuotes;
    this.#endCell();
    const row = this.#row;
    this.#row = [];
    return isEmpty ? null : row;
  }

  #complaint(what: string): InputError {
    return new InputError(`${this.#name}: row ${this.#rows + 1}: ${what}`);
  }
}

/**
 * The rows of a text in memory; empty lines are omitted.
 *
 * @param name the file's name, for error messages.
 * @throws {InputError} a quote is not closed, or a row has more than 64 MB.
 */
export function parseCsv(name: string, text: string): string[][] {
  const reader = new RowReader(name);
  return [...reader.push(text.replace(/^\uFEFF/, "")), ...reader.end()];
}

/**
 * The rows of a text that arrives in pieces, in constant memory; empty lines are omitted.
 *
 * @param name the file's name, for error messages.
 * @throws {InputError} as for {@linkcode parseCsv}.
 */
export async function* csvRows(
  name: string,
  pieces: AsyncIterable<string>,
): AsyncGenerator<string[]> {
  const reader = new RowReader(name);
  let isFirst = true;
  for await (const piece of pieces) {
    yield* reader.push(isFirst ? piece.replace(/^\uFEFF/, "") : piece);
    isFirst = false;
  }
  yield* reader.end();
}

/**
 * The rows of a file as values by column name; a missing cell is an empty text.
 *
 * @throws {InputError} the file cannot be read, or as for {@linkcode parseCsv}.
 */
export async function* readCsv(path: string): AsyncGenerator<Record<string, string>> {
  let head: string[] | null = null;
  try {
    for await (const row of csvRows(path, createReadStream(path, "utf8"))) {
      if (head === null) {
        head = row;
        continue;
      }
      const values: Record<string, string> = {};
      for (let i = 0; i < head.length; i++) values[head[i]] = row[i] ?? "";
      yield values;
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    if ((error as { code?: string }).code === "ENOENT") {
      throw new InputError(`${noSuchFile(path)}; dyno collect writes it`);
    }
    if ((error as { code?: string }).code === "EISDIR") {
      throw new InputError(`${path}: is a folder, expected a table of dyno collect`);
    }
    throw new InputError(`${path}: cannot be read: ${messageOf(error)}`);
  }
}
