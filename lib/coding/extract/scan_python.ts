/**
 * Scans Python text into logical lines; it knows strings, comments, brackets and indentation.
 *
 * It is not a parser, because replies mix Python and prose. @lezer/python 1.1.19 was tried on the replies
 * of tests/fixtures/extraction: of the 110 with a plain `def` of the answer, its tree has the complete
 * definition in 81, these lines in 86; 23 texts that Python rejects have no error in its tree, and a
 * decorator with any expression (PEP 614) has one. A megabyte of code took it 295 ms (here 18), 0.84 MB
 * of prose with open brackets 3.6 to 5.6 s (here 0.02 to 0.06), and replies may be hostile. It would add
 * 230 kB in four packages, and the lines would still have to be made from its tree.
 */

/** A logical line: a statement or the header of one, without the block below it. */
export interface Line {
  /** Offset of the first character, indentation included. */
  start: number;
  /** Offset after the line's last newline. */
  end: number;
  /** Columns of indentation; a tab advances to the next multiple of 8, as in Python. */
  indent: number;
  /** Whether the line has a string that it does not close, an unmatched closing bracket, or an open one. */
  broken: boolean;
}

/** The result of a scan. */
export interface Scan {
  text: string;
  /** A text of the same length, where string literals have only their quotes and comments are spaces. */
  masked: string;
  /** Logical lines in order; blank lines and comments belong to none. */
  lines: Line[];
  /** The literals that are f-strings. */
  formatted: string[];
}

const NEWLINE = 10, TAB = 9, SPACE = 32, FORM_FEED = 12, BACKSLASH = 92, HASH = 35;
const DOUBLE = 34, SINGLE = 39;
const CLOSER = new Map([[40, 41], [91, 93], [123, 125]]);
const CLOSERS = new Set(CLOSER.values());

/** Words that cannot be inside brackets: at the start of a line they show that a bracket was left open. */
const STATEMENT =
  /[ \t]*(?:def|class|return|import|while|with|try|raise|assert|pass|break|continue|del|global|nonlocal|async[ \t]+def)\b/y;

/**
 * Scans text that may be Python. Accepts anything: what cannot be Python is marked as broken, and the
 * scan continues at the next line. Takes linear time.
 */
export function scanPython(text: string): Scan {
  const lines: Line[] = [];
  const formatted: string[] = [];
  const pieces: string[] = [];
  const brackets: number[] = [];
  let copied = 0;
  let at = 0;
  const mask = (from: number, to: number, filler: string) => {
    pieces.push(text.slice(copied, from), filler.repeat(to - from));
    copied = to;
  };
  const skipComment = () => {
    const from = at;
    at = lineEnd(text, at);
    mask(from, at, " ");
  };
  while (at < text.length) {
    const start = at;
    let indent = 0;
    for (;; at++) {
      const code = text.charCodeAt(at);
      if (code === SPACE) indent++;
      else if (code === TAB) indent = (indent | 7) + 1;
      else if (code === FORM_FEED) indent = 0;
      else break;
    }
    if (at >= text.length) break;
    if (text.charCodeAt(at) === NEWLINE) {
      at++;
      continue;
    }
    if (text.charCodeAt(at) === HASH) {
      skipComment();
      at++;
      continue;
    }
    let broken = false;
    brackets.length = 0;
    while (at < text.length) {
      const code = text.charCodeAt(at);
      if (code === NEWLINE) {
        at++;
        if (brackets.length === 0) break;
        STATEMENT.lastIndex = at;
        if (STATEMENT.test(text)) break;
      } else if (code === HASH) {
        skipComment();
      } else if (code === DOUBLE || code === SINGLE) {
        const end = stringEnd(text, at);
        if (end < 0) broken = true;
        const stop = Math.abs(end);
        if (/[fF]/.test(text.slice(Math.max(start, at - 2), at))) {
          formatted.push(text.slice(at, stop));
        }
        mask(at, stop, '"');
        at = stop;
      } else if (CLOSER.has(code)) {
        brackets.push(CLOSER.get(code)!);
        at++;
      } else if (CLOSERS.has(code)) {
        if (brackets.at(-1) === code) brackets.pop();
        else broken = true;
        at++;
      } else if (code === BACKSLASH && text.charCodeAt(at + 1) === NEWLINE) {
        at += 2;
      } else {
        at++;
      }
    }
    at = Math.min(at, text.length);
    lines.push({ start, end: at, indent, broken: broken || brackets.length > 0 });
  }
  pieces.push(text.slice(copied));
  return { text, masked: pieces.join(""), lines, formatted };
}

/** Offset of the newline that ends the line of `at`, or the text's length. */
export function lineEnd(text: string, at: number): number {
  const end = text.indexOf("\n", at);
  return end < 0 ? text.length : end;
}

/**
 * Offset after the string literal whose quote is at `at`. Negative when nothing closes it before the end
 * of the line, or, with triple quotes, before the end of the text.
 */
export function stringEnd(text: string, at: number): number {
  const quote = text.charCodeAt(at);
  const triple = text.charCodeAt(at + 1) === quote && text.charCodeAt(at + 2) === quote;
  for (let i = at + (triple ? 3 : 1); i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === BACKSLASH) i++;
    else if (code === NEWLINE && !triple) return -i;
    else if (code === quote) {
      if (!triple) return i + 1;
      if (text.charCodeAt(i + 1) === quote && text.charCodeAt(i + 2) === quote) return i + 3;
    }
  }
  return -text.length;
}

/** A logical line's masked text, without indentation and trailing blanks. */
export function headOf(scan: Scan, line: Line): string {
  return scan.masked.slice(line.start, line.end).trim();
}

/** Whether a masked statement is a header whose block is on the lines below. */
export function opensBlock(head: string): boolean {
  return head.endsWith(":");
}

/** Offset of a logical line's first character after its indentation. */
export function contentStart(scan: Scan, line: Line): number {
  let at = line.start;
  while (at < line.end && /[ \t\f]/.test(scan.text[at])) at++;
  return at;
}

/** Whether the physical line that starts at `at` starts inside a string literal. */
export function startsInString(scan: Scan, at: number): boolean {
  return at > 0 && scan.masked[at - 1] === '"';
}

/** Physical lines with their offsets. */
export function* physicalLines(text: string): Generator<{ at: number; line: string }> {
  for (let at = 0; at < text.length;) {
    const end = lineEnd(text, at);
    yield { at, line: text.slice(at, end) };
    at = end + 1;
  }
}

/** The indentation of a line in columns with a tab stop every `tab` columns, and the text after it. */
export function splitIndent(line: string, tab = 8): { columns: number; rest: string } {
  let columns = 0;
  let i = 0;
  for (; i < line.length; i++) {
    if (line[i] === " ") columns++;
    else if (line[i] === "\t") columns += tab - columns % tab;
    else break;
  }
  return { columns, rest: line.slice(i) };
}
