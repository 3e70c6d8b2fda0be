/** Rows of CSV (RFC 4180), written and read in constant memory. */
import { createReadStream } from "node:fs";
import { InputError, messageOf } from "../errors.ts";

/** A value in a table; null is unknown, an empty cell. */
export type Cell = string | number | boolean | null;

/** One line with its end. */
export function csvLine(cells: readonly Cell[]): string {
  return cells.map(cellText).join(",") + "\n";
}

function cellText(cell: Cell): string {
  if (cell === null) return "";
  const text = String(cell);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Splits text into rows as it comes; a quoted cell may hold line ends. */
class RowReader {
  #row: string[] = [];
  #cell = "";
  #quoted = false;
  /** A quote was seen within a quoted cell: its end, or the first of two. */
  #closing = false;

  *push(text: string): Generator<string[]> {
    let start = 0;
    for (let i = 0; i < text.length; i++) {
      const letter = text[i];
      if (this.#closing) {
        this.#closing = false;
        if (letter === '"') {
          start = i; // the second of two stands for one
          continue;
        }
        this.#quoted = false;
        start = i;
      }
      if (letter === '"') {
        if (this.#quoted) {
          this.#cell += text.slice(start, i);
          this.#closing = true;
        } else if (this.#cell === "" && i === start) {
          this.#quoted = true;
        } else continue;
        start = i + 1;
      } else if (this.#quoted) {
        continue;
      } else if (letter === "," || letter === "\n") {
        this.#endCell(text.slice(start, i));
        start = i + 1;
        if (letter === "\n") {
          const row = this.#endRow();
          if (row) yield row;
        }
      }
    }
    if (!this.#closing) this.#cell += text.slice(start);
  }

  *end(): Generator<string[]> {
    this.#closing = false;
    if (this.#cell === "" && this.#row.length === 0) return;
    this.#endCell("");
    const row = this.#endRow();
    if (row) yield row;
  }

  #endCell(rest: string): void {
    const cell = this.#cell + rest;
    this.#row.push(cell.endsWith("\r") ? cell.slice(0, -1) : cell);
    this.#cell = "";
  }

  #endRow(): string[] | null {
    const row = this.#row;
    this.#row = [];
    return row.length === 1 && row[0] === "" ? null : row;
  }
}

/** The rows of a small text; empty lines are left out. */
export function parseCsv(text: string): string[][] {
  const reader = new RowReader();
  return [...reader.push(text.replace(/^\uFEFF/, "")), ...reader.end()];
}

/**
 * The rows of a file, each as its columns' values by name; a missing cell is an empty text.
 *
 * @throws {InputError} the file cannot be read.
 */
export async function* readCsv(path: string): AsyncGenerator<Record<string, string>> {
  const reader = new RowReader();
  let head: string[] | null = null;
  const named = (row: string[]) => {
    const values: Record<string, string> = {};
    for (let i = 0; i < head!.length; i++) values[head![i]] = row[i] ?? "";
    return values;
  };
  try {
    let first = true;
    for await (const chunk of createReadStream(path, "utf8") as AsyncIterable<string>) {
      const text = first ? chunk.replace(/^\uFEFF/, "") : chunk;
      first = false;
      for (const row of reader.push(text)) {
        if (head === null) head = row;
        else yield named(row);
      }
    }
    for (const row of reader.end()) if (head !== null) yield named(row);
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") {
      throw new InputError(`${path}: no such file; dyno collect writes it`);
    }
    throw new InputError(`${path}: cannot be read: ${messageOf(error)}`);
  }
}
