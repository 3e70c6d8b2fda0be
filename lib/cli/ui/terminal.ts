/** Where output goes: machines' to standard output, people's to standard error. */
import process from "node:process";
import { bold, cyan, dim, green, red, yellow } from "@std/fmt/colors";
import { onOneLine, printable } from "../../text/printable.ts";

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

function paletteOf({ isTTY, columns }: { isTTY?: boolean; columns?: number }): Palette {
  return { ...(isTTY && !process.env.NO_COLOR ? COLOURED : PLAIN), columns };
}

const isColoured = ({ bold }: Palette) => bold !== plain;

const CLEAR_LINE = "\r\x1b[2K";

/** The two streams and what they can show. What a terminal would obey is written out in both. */
export class Terminal {
  /** Whether people watch: standard error is a terminal. */
  readonly live = process.stderr.isTTY === true;
  readonly columns = process.stderr.columns || 100;
  readonly paint: Palette = paletteOf(process.stderr);
  /** For standard output, where a table is what was asked for. */
  readonly outPaint: Palette = paletteOf(process.stdout);

  /** A line of output that was asked for. */
  out(line: string): void {
    process.stdout.write(`${printable(onOneLine(line), isColoured(this.outPaint))}\n`);
  }

  /** A value as JSON that people can read, too. */
  json(value: unknown): void {
    process.stdout.write(`${printable(JSON.stringify(value, null, 2), false)}\n`);
  }

  /** What could be a file: as it is, unless people watch. */
  print(text: string): void {
    process.stdout.write(`${process.stdout.isTTY ? printable(text, false) : text}\n`);
  }

  /** A line for people. */
  say(line = ""): void {
    process.stderr.write(`${this.#shown(line)}\n`);
  }

  /** Something that looks wrong but does not stop the work. */
  warn(line: string): void {
    this.say(`${this.paint.warn("warning:")} ${line}`);
  }

  /** Asks a person; the answer in lower case, null where nobody can be asked or none came. */
  async ask(question: string): Promise<string | null> {
    if (!this.live || process.stdin.isTTY !== true) return null;
    this.draw(question);
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

  /** Text without a line end. */
  draw(text: string): void {
    process.stderr.write(this.#shown(text));
  }

  /** Draws a line over the one before, as far as there is room; without a text, removes it. */
  redraw(text = ""): void {
    process.stderr.write(CLEAR_LINE + [...this.#shown(text)].slice(0, this.columns - 1).join(""));
  }

  #shown(text: string): string {
    return printable(onOneLine(text), isColoured(this.paint));
  }
}
