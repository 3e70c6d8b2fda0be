/** Finds the fenced blocks of a reply in Markdown, including fences that models write incorrectly. */
import { lineEnd, scanPython, stringEnd } from "./scan_python.ts";
import { headOf } from "./scan_python.ts";
import { isBodyStatement, isDefinition } from "./statements.ts";
import type { Block } from "./block.ts";

interface Fence {
  /** Offset of the line, or of the fence's first character when it comes after other text. */
  at: number;
  /** Offset after the line. */
  end: number;
  mark: string;
  count: number;
  indent: number;
  /** The number of `>` before it. */
  quoted: number;
  /** The text after it. */
  info: string;
  /** Whether it can only close a block, because it is at the end of a line of code. */
  closesOnly: boolean;
}

const FENCE = /([ \t]*)((?:(?:[-*+]|\d{1,9}[.)])[ \t]+|>[ \t]?)*)(`{3,}|~{3,})/y;
const PYTHON = /^(?:py(?:thon)?[\d.]*w?|python-?repl|pycon|ipython\d?|sage|cython)$/;
const MARKUP = /^(?:markdown|md|text|txt|plaintext|xml|html|diff|patch)$/;
/** A line that ends in an opening fence: `Here it is: ```python`. */
const LATE_OPENING = /(`{3,}|~{3,})[ \t]*(?:python|py)[\d.]*[ \t]*$/i;
const CODE_AFTER_FENCE =
  /^(?:(?:python[\d.]*|py\d?)[ \t]+)?((?:async[ \t]+def|def|class|import|from|@\w)[ \t].*|@\w.*)$/i;

/** The most fences that are read; a reply with more of them repeats itself. */
const MOST = 10_000;

/** The fenced blocks of a text, in order. Takes linear time. */
export function fencedBlocks(text: string): Block[] {
  const fences = findFences(text);
  const longest = longestBareAfter(fences);
  const lastTriple = Math.max(text.lastIndexOf('"""'), text.lastIndexOf("'''"));
  const blocks: Block[] = [];
  const add = (from: number, to: number, opening: Fence | null, unfinished: boolean) => {
    const language = languageOf(opening?.info ?? "python");
    let code = text.slice(from, Math.max(from, to));
    const inline = opening && CODE_AFTER_FENCE.exec(opening.info.trim());
    if (inline) code = `${inline[1]}\n${code}`;
    if (opening?.quoted) code = unquoted(code, opening.quoted);
    blocks.push({
      text: code,
      where: `fenced block ${blocks.length + 1}`,
      start: opening?.at ?? 0,
      end: to,
      unfinished,
      language: inline ? "python" : language,
      indent: opening?.indent ?? 0,
    });
  };
  let i = 0;
  if (opensWithCode(text, fences)) {
    add(0, fences[0].at, null, false);
    i = 1;
  }
  for (; i < fences.length; i++) {
    const opening = fences[i];
    if (opening.closesOnly) continue;
    const next = fences[i + 1];
    if (next && MARKUP.test(wordOf(opening.info)) && !isBare(next) && next.info.trim()) continue;
    const enough = Math.min(opening.count, longest[i + 1]?.[opening.mark === "~" ? 1 : 0] ?? 0);
    const triple = new TripleQuotes(text, opening.end);
    let j = i + 1;
    for (; j < fences.length; j++) {
      const fence = fences[j];
      if (fence.mark !== opening.mark) continue;
      const inString = fence.indent > opening.indent && lastTriple > fence.at &&
        triple.openAt(fence.at);
      if (inString) continue;
      if ((isBare(fence) || fence.closesOnly) && fence.count >= enough) break;
      if (!isBare(fence) && PYTHON.test(wordOf(fence.info)) && fence.count >= enough) break;
    }
    const closing = fences[j];
    add(opening.end, closing?.at ?? text.length, opening, !closing);
    // A fence with a language does not close a block: it opens the next one.
    i = closing && !isBare(closing) && !closing.closesOnly ? j - 1 : j;
  }
  return blocks;
}

function findFences(text: string): Fence[] {
  const fences: Fence[] = [];
  let ticks = text.indexOf("```"), tildes = text.indexOf("~~~");
  while ((ticks >= 0 || tildes >= 0) && fences.length < MOST) {
    const found = tildes < 0 || (ticks >= 0 && ticks < tildes) ? ticks : tildes;
    const start = text.lastIndexOf("\n", found) + 1;
    const end = lineEnd(text, found);
    const fence = fenceOfLine(text, start, found, end);
    if (fence) fences.push(fence);
    if (ticks >= 0 && ticks < end) ticks = text.indexOf("```", end);
    if (tildes >= 0 && tildes < end) tildes = text.indexOf("~~~", end);
  }
  return fences;
}

function fenceOfLine(text: string, start: number, found: number, end: number): Fence | null {
  const after = Math.min(end + 1, text.length);
  FENCE.lastIndex = start;
  const match = FENCE.exec(text);
  if (match && match.index === start) {
    const [whole, space, before, marks] = match;
    const info = text.slice(start + whole.length, end);
    if (marks[0] === "`" && info.includes("`")) return null;
    const indent = space.length + before.length;
    const quoted = before.split(">").length - 1;
    const mark = marks[0];
    return {
      at: start,
      end: after,
      mark,
      count: marks.length,
      indent,
      quoted,
      info,
      closesOnly: false,
    };
  }
  const tail = text.slice(Math.max(found, end - 80), end);
  const late = LATE_OPENING.exec(tail);
  const common = { end: after, indent: 0, quoted: 0 };
  if (late) {
    const at = end - tail.length + late.index;
    const info = tail.slice(late.index + late[1].length);
    return { ...common, at, mark: late[1][0], count: late[1].length, info, closesOnly: false };
  }
  const marks = text.slice(found, end).trimEnd();
  if (/^(?:`{3,}|~{3,})$/.test(marks)) {
    return {
      ...common,
      at: found,
      mark: marks[0],
      count: marks.length,
      info: "",
      closesOnly: true,
    };
  }
  return null;
}

function isBare(fence: Fence): boolean {
  return fence.info.trim() === "";
}

/** The longest closing fence from each position onwards, of backticks and of tildes. */
function longestBareAfter(fences: Fence[]): [number, number][] {
  const longest: [number, number][] = new Array(fences.length);
  let most: [number, number] = [0, 0];
  for (let i = fences.length - 1; i >= 0; i--) {
    if (isBare(fences[i])) {
      const { mark, count } = fences[i];
      most = mark === "~"
        ? [most[0], Math.max(most[1], count)]
        : [Math.max(most[0], count), most[1]];
    }
    longest[i] = most;
  }
  return longest;
}

/** The first word after a fence: `python` for `{.python title="a"}` and `python:a.py`. */
function wordOf(info: string): string {
  return /^[\s{.]*([\w+#.-]*)/.exec(info)![1].toLowerCase().replace(/\.py$/, "python");
}

function languageOf(info: string): Block["language"] {
  const word = wordOf(info);
  if (word === "" || MARKUP.test(word)) return "none";
  if (PYTHON.test(word) || /^.*python$/.test(word)) return "python";
  return /^json/.test(word) ? "json" : "other";
}

/** Whether the text starts inside a block: its opening fence was part of the request. */
function opensWithCode(text: string, fences: Fence[]): boolean {
  const [first, second] = fences;
  if (!first || !isBare(first)) return false;
  const followedByOpening = second !== undefined && !isBare(second);
  if (!first.closesOnly && fences.length % 2 === 0 && !followedByOpening) return false;
  const scan = scanPython(text.slice(0, Math.min(first.at, 4000)));
  const [line] = scan.lines;
  if (!line) return false;
  const head = headOf(scan, line);
  return isDefinition(head) || isBodyStatement(head, line.broken);
}

function unquoted(code: string, times: number): string {
  for (let i = 0; i < Math.min(times, 4); i++) code = code.replace(/^[ \t]*>[ \t]?/gm, "");
  return code;
}

/** Whether a position is inside a triple-quoted string; to be called with increasing positions. */
class TripleQuotes {
  #at: number;

  constructor(readonly text: string, from: number) {
    this.#at = from;
  }

  openAt(place: number): boolean {
    while (this.#at < place) {
      const letter = this.text[this.#at];
      if (letter === "#") this.#at = lineEnd(this.text, this.#at);
      else if (letter === '"' || letter === "'") {
        const triple = this.text.startsWith(letter.repeat(3), this.#at);
        const end = stringEnd(this.text, this.#at);
        if (end < 0 && triple) return false;
        this.#at = Math.abs(end);
        if (triple && this.#at > place) return true;
      } else this.#at++;
    }
    return this.#at > place;
  }
}
