/** The number of columns that a text takes in a terminal. */

// deno-lint-ignore no-control-regex
const COLOURS = /\x1b\[[\d;]*m/g;
const NARROW = /^[\x20-\x7e\u00a0-\u02ff\u2010-\u2027\u2190-\u21ff\u2200-\u22ff\u2500-\u257f]*$/;
const WIDE =
  /^(?:[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|.\ufe0f)/u;
const EMPTY = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}]+$/u;

let segmenter: Intl.Segmenter | null = null;

/**
 * The width of a text without its colours: East Asian wide letters and emoji take two columns,
 * combining marks none. The library that knows this exactly takes 30 ms to load, most of the time
 * of a list of runs.
 */
export function textWidth(text: string): number {
  const bare = text.replace(COLOURS, "");
  if (NARROW.test(bare)) return bare.length;
  segmenter ??= new Intl.Segmenter();
  let width = 0;
  for (const { segment } of segmenter.segment(bare)) {
    if (!EMPTY.test(segment)) width += WIDE.test(segment) ? 2 : 1;
  }
  return width;
}

/** A text of at most `room` columns: a longer text loses its end and its colours. */
function fittedText(text: string, room: number): string {
  if (textWidth(text) <= room) return text;
  segmenter ??= new Intl.Segmenter();
  let fitted = "", width = 0;
  for (const { segment } of segmenter.segment(text.replace(COLOURS, ""))) {
    width += textWidth(segment);
    if (width > room) break;
    fitted += segment;
  }
  return fitted;
}

/** The separator between the parts of a row. */
const PART = " · ";

/**
 * A row of at most `room` columns. From a wider row the last parts are removed, so that no figure
 * is cut. A last part that begins with a name ends in `…` if enough of it fits.
 */
export function fittedParts(row: string, room: number): string {
  if (textWidth(row) <= room) return row;
  const at = row.lastIndexOf(PART);
  if (at < 0) return fittedText(row, room);
  const begun = fittedText(row, room - 1);
  const [last] = begun.split(PART).slice(row.split(PART).length - 1);
  if (last !== undefined && /^[^\d]{8}/.test(last)) return `${begun}…`;
  return fittedParts(row.slice(0, at) + (row.includes("\x1b") ? "\x1b[0m" : ""), room);
}

/** Breaks a text into lines of at most `room` columns; a longer word gets its own line. */
export function wrapText(text: string, room: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || textWidth(`${last} ${word}`) > room) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
