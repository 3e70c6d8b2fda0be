/** Where output goes: machines' to standard output, people's to standard error. */
import process from "node:process";
import { bold, cyan, dim, green, red, yellow } from "@std/fmt/colors";

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

/** The two streams and what they can show. */
export class Terminal {
  /** Whether people watch: standard error is a terminal. */
  readonly live = process.stderr.isTTY === true;
  readonly columns = process.stderr.columns || 100;
  readonly paint: Palette = paletteOf(process.stderr);
  /** For standard output, where a table is what was asked for. */
  readonly outPaint: Palette = paletteOf(process.stdout);

  /** A line of machine output. */
  out(line: string): void {
    process.stdout.write(`${line}\n`);
  }

  /** A line for people. */
  say(line = ""): void {
    process.stderr.write(`${line}\n`);
  }

  /** Something that looks wrong but does not stop the work. */
  warn(line: string): void {
    this.say(`${this.paint.warn("warning:")} ${line}`);
  }

  /** Text without a line end, for a line that is drawn again. */
  draw(text: string): void {
    process.stderr.write(text);
  }
}
