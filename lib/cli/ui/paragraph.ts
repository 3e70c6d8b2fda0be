/** A paragraph in a terminal: lines of at most 100 columns, or of as many as it has. */
import process from "node:process";
import { textWidth, wrapText } from "../../text/width.ts";

const WIDTH = 100;
/** Fewer would leave no room for a word. */
const LEAST_ROOM = 20;

const width = () => Math.min(WIDTH, process.stderr.columns || WIDTH);

/** Whether a line has room as it is. */
export function fits(line: string): boolean {
  return textWidth(line) <= width();
}

/** A text in lines, the first one after `start`, the others below it. */
export function wrapped(start: string, text: string): string[] {
  const room = Math.max(LEAST_ROOM, width() - start.length);
  const words = unobeyed(text).split(/\s+/).map((word) => cut(word, room));
  return wrapText(words.join(" "), room).map((line, i) =>
    (i === 0 ? start : " ".repeat(start.length)) + line
  );
}

function cut(word: string, room: number): string {
  return textWidth(word) <= room ? word : `${[...word].slice(0, room / 2 - 1).join("")}…`;
}

/** Text without what a terminal would obey. */
export function unobeyed(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]+/g, " ").trim();
}
