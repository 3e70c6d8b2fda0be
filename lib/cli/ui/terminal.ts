/** Where output goes: standard output for programs, standard error for people. */
import process from "node:process";
import { bold, cyan, dim, green, red, yellow } from "@std/fmt/colors";
import { onOneLine, printable } from "../../text/printable.ts";
import { fittedParts, textWidth, wrapText } from "../../text/width.ts";

type Paint = (text: string) => string;

/** Colours, or plain text without colours. */
export interface Palette {
  bold: Paint;
  dim: Paint;
  good: Paint;
  bad: Paint;
  warn: Paint;
  accent: Paint;
  /** The width for tables; if missing, they can be as wide as needed. */
  columns?: number;
}

const plain: Paint = (text) => text;
const PLAIN: Palette = {
  bold: plain,
  dim: plain,
  good: plain,
  bad: plain,
  warn: plain,
  accent: plain,
};
const COLOURED: Palette = { bold, dim, good: green, bad: red, warn: yellow, accent: cyan };

/** Whether the terminal understands only letters and line ends. */
const isDumb = () => process.env.TERM === "dumb";

function paletteOf({ isTTY, columns }: { isTTY?: boolean; columns?: number }): Palette {
  const coloured = isTTY && !process.env.NO_COLOR && !isDumb();
  return { ...(coloured ? COLOURED : PLAIN), columns };
}

/** Whether a line is prose, not a table's row. */
const isProse = (line: string) => !/[─│█░]|\S {2,}\S/.test(line);

/** Breaks a line between words; the rest is indented to match its start. */
function brokenText(line: string, columns: number): string[] {
  const [indent] = /^ */.exec(line)!;
  return wrapText(line.slice(indent.length), columns - indent.length).map((part) => indent + part);
}

const isColoured = ({ bold }: Palette) => bold !== plain;

/**
 * The two output streams and what they can show. Control sequences in texts are escaped in both.
 * Redrawn content is removed before any other line is printed, and drawn again below it.
 */
export class Terminal {
  /** Whether a person watches: standard error is a terminal. */
  readonly live = process.stderr.isTTY === true;
  readonly paint: Palette = paletteOf(process.stderr);
  /** For standard output, when the result is a table. */
  readonly outPaint: Palette = paletteOf(process.stdout);
  /** Rows on screen that can be redrawn; the cursor is in the last one. */
  #rows = 0;
  /** Columns used in the last row of a dumb terminal. */
  #width = 0;

  /** The current number of columns: a window can change. */
  get columns(): number {
    return process.stderr.columns || 100;
  }

  /** Whether a block of rows can be redrawn in place, with at least this many columns and rows. */
  fits(columns: number, rows: number): boolean {
    return this.live && !isDumb() && !process.env.NO_COLOR && this.columns >= columns &&
      (process.stderr.rows || 0) > rows;
  }

  /** Prints a line of requested output. */
  out(line: string): void {
    this.redraw();
    process.stdout.write(`${printable(onOneLine(line), isColoured(this.outPaint))}\n`);
  }

  /** Prints a value as JSON that people can read too. */
  json(value: unknown): void {
    this.redraw();
    process.stdout.write(`${printable(JSON.stringify(value, null, 2), false)}\n`);
  }

  /** Prints text that may go to a file: unchanged, unless a person watches. */
  print(text: string): void {
    this.redraw();
    process.stdout.write(`${process.stdout.isTTY ? printable(text, false) : text}\n`);
  }

  /** Prints the text of a file, part by part, as {@linkcode print} does; its end is that of a line. */
  printAll(parts: Iterable<string>): void {
    this.redraw();
    const { isTTY } = process.stdout;
    for (const part of parts) process.stdout.write(isTTY ? printable(part, false) : part);
  }

  /** Prints a line for people. */
  say(line = ""): void {
    this.redraw();
    const shown = this.#shown(line);
    const lines = this.live && isProse(shown) ? brokenText(shown, this.columns) : [shown];
    process.stderr.write(`${lines.join("\n")}\n`);
  }

  /** Warns about something that looks wrong but does not stop the work. */
  warn(line: string): void {
    this.say(`${this.paint.warn("warning:")} ${line}`);
  }

  /** Asks a person; returns the answer in lower case, null if nobody can be asked or none came. */
  async ask(question: string): Promise<string | null> {
    if (!this.live || process.stdin.isTTY !== true) return null;
    this.redraw();
    process.stderr.write(this.#shown(question));
    const { createInterface } = await import("node:readline"); // loaded here, as few commands ask
    const reader = createInterface({ input: process.stdin, terminal: false });
    try {
      return await new Promise((resolve) => {
        reader.once("line", (line) => resolve(line.trim().toLowerCase()));
        reader.once("close", () => resolve(null));
      });
    } finally {
      reader.close();
    }
  }

  /**
   * Draws rows over the previous ones, each cut to whole figures that fit; without rows, removes
   * them. The lines above stay, and no mode of the terminal is changed, so a killed process leaves
   * nothing to repair.
   */
  redraw(...rows: string[]): void {
    if (!this.live || (rows.length === 0 && this.#rows === 0)) return;
    const room = this.columns - 1;
    const shown = rows.map((row) => fittedParts(this.#shown(row), room));
    if (isDumb()) return this.#overwrite(shown.at(-1) ?? "");
    const top = this.#rows > 1 ? `\r\x1b[${this.#rows - 1}A` : "\r";
    // each row is cleared after its text, because clearing first would flicker
    process.stderr.write(`${top}${shown.map((row) => `${row}\x1b[K`).join("\n")}\x1b[J`);
    this.#rows = rows.length;
  }

  /** Draws a line over the previous one, using only spaces. */
  #overwrite(line: string): void {
    const width = textWidth(line);
    const rest = " ".repeat(Math.max(0, this.#width - width));
    process.stderr.write(`\r${line}${rest}${line === "" ? "\r" : ""}`);
    this.#width = width;
    this.#rows = line === "" ? 0 : 1;
  }

  #shown(text: string): string {
    return printable(onOneLine(text), isColoured(this.paint));
  }
}
