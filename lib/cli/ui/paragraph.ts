/** A paragraph in a terminal: its lines have at most 100 columns, or the width of the terminal. */
import process from "node:process";
import { textWidth, wrapText } from "../../text/width.ts";

const WIDTH = 100;
/** With fewer columns a word would not fit. */
const LEAST_ROOM = 20;

const width = () => Math.min(WIDTH, process.stderr.columns || WIDTH);

/** Whether a line fits without a break. */
export function fits(line: string): boolean {
  return textWidth(line) <= width();
}

/** Breaks a text into lines: the first follows `start`, the others are indented to match. */
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

/** Removes what a terminal would interpret as a command. */
export function unobeyed(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]+/g, " ").trim();
}
