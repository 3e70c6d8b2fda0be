/** Where output goes: machines' to standard output, people's to standard error. */
import process from "node:process";
import { bold, cyan, dim, green, red, yellow } from "@std/fmt/colors";
import { onOneLine, printable } from "../../text/printable.ts";
import { fittedParts, textWidth, wrapText } from "../../text/width.ts";

type Paint = (text: string) => string;

/** Colours, or the bare text where colours are not wanted. */
export interface Palette {
  bold: Paint;
  dim: Paint;
  good: Paint;
  bad: Paint;
  warn: Paint;
  accent: Paint;
  /** Columns that a table has there; without, as many as it takes. */
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

/** Whether the terminal takes no more than letters and line ends. */
const isDumb = () => process.env.TERM === "dumb";

function paletteOf({ isTTY, columns }: { isTTY?: boolean; columns?: number }): Palette {
  const coloured = isTTY && !process.env.NO_COLOR && !isDumb();
  return { ...(coloured ? COLOURED : PLAIN), columns };
}

/** Words, not the row of a table. */
const isProse = (line: string) => !/[─│█░]|\S {2,}\S/.test(line);

/** A line broken between words, its end below its beginning. */
function brokenText(line: string, columns: number): string[] {
  const [indent] = /^ */.exec(line)!;
  return wrapText(line.slice(indent.length), columns - indent.length).map((part) => indent + part);
}

const isColoured = ({ bold }: Palette) => bold !== plain;

/**
 * The two streams and what they can show. What a terminal would obey is written out in both. What is
 * redrawn goes away before any other line: that one stands above what is drawn next.
 */
export class Terminal {
  /** Whether people watch: standard error is a terminal. */
  readonly live = process.stderr.isTTY === true;
  readonly paint: Palette = paletteOf(process.stderr);
  /** For standard output, where a table is what was asked for. */
  readonly outPaint: Palette = paletteOf(process.stdout);
  /** Rows that are drawn and may be drawn over; the cursor is in the last one. */
  #rows = 0;
  /** Columns of what a dumb terminal has in its last row. */
  #width = 0;

  /** Columns there are now: a window changes. */
  get columns(): number {
    return process.stderr.columns || 100;
  }

  /** Whether a block of rows can be redrawn in place, of this many columns and rows at least. */
  fits(columns: number, rows: number): boolean {
    return this.live && !isDumb() && !process.env.NO_COLOR && this.columns >= columns &&
      (process.stderr.rows || 0) > rows;
  }

  /** A line of output that was asked for. */
  out(line: string): void {
    this.redraw();
    process.stdout.write(`${printable(onOneLine(line), isColoured(this.outPaint))}\n`);
  }

  /** A value as JSON that people can read, too. */
  json(value: unknown): void {
    this.redraw();
    process.stdout.write(`${printable(JSON.stringify(value, null, 2), false)}\n`);
  }

  /** What could be a file: as it is, unless people watch. */
  print(text: string): void {
    this.redraw();
    process.stdout.write(`${process.stdout.isTTY ? printable(text, false) : text}\n`);
  }

  /** A line for people. */
  say(line = ""): void {
    this.redraw();
    const shown = this.#shown(line);
    const lines = this.live && isProse(shown) ? brokenText(shown, this.columns) : [shown];
    process.stderr.write(`${lines.join("\n")}\n`);
  }

  /** Something that looks wrong but does not stop the work. */
  warn(line: string): void {
    this.say(`${this.paint.warn("warning:")} ${line}`);
  }

  /** Asks a person; the answer in lower case, null where nobody can be asked or none came. */
  async ask(question: string): Promise<string | null> {
    if (!this.live || process.stdin.isTTY !== true) return null;
    this.redraw();
    process.stderr.write(this.#shown(question));
    const { createInterface } = await import("node:readline"); // few commands ask
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
   * Draws rows over those before, each as far as there is room for whole figures; without any, removes them. The lines
   * above stay, and no mode of the terminal is changed: a process that is killed leaves nothing behind.
   */
  redraw(...rows: string[]): void {
    if (!this.live || (rows.length === 0 && this.#rows === 0)) return;
    const room = this.columns - 1;
    const shown = rows.map((row) => fittedParts(this.#shown(row), room));
    if (isDumb()) return this.#overwrite(shown.at(-1) ?? "");
    const top = this.#rows > 1 ? `\r\x1b[${this.#rows - 1}A` : "\r";
    // each row is cleared after its text: one that was cleared first would flicker
    process.stderr.write(`${top}${shown.map((row) => `${row}\x1b[K`).join("\n")}\x1b[J`);
    this.#rows = rows.length;
  }

  /** Draws a line over the one before with spaces alone. */
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
