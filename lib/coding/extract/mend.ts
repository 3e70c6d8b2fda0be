/**
 * Repairs code that a chat has changed: diffs, line numbers, sessions, entities, quotes, spaces,
 * indentation.
 */
import {
  headOf,
  lineEnd,
  opensBlock,
  physicalLines,
  scanPython,
  splitIndent,
  startsInString,
  stringEnd,
} from "./scan_python.ts";

/** The code, and one or two words for each repair. */
export interface Mended {
  code: string;
  mended: string[];
}

/** Repairs everything but indentation; see {@linkcode mendIndentation}. */
export function mendCharacters(code: string): Mended {
  const mended: string[] = [];
  const step = (what: string, change: (code: string) => string) => {
    const after = change(code);
    if (after !== code) mended.push(what);
    code = after;
  };
  step("diff", withoutDiff);
  step("line numbers", withoutNumbers);
  step("interactive session", withoutSession);
  step("notebook commands", withoutCommands);
  step("HTML entities", withoutEntities);
  step("quotes and spaces", withPlainCharacters);
  return { code, mended };
}

const PROMPT = /^\s*(?:>>>|\.\.\.)(?: |$)/;
const NOTEBOOK = /^\s*(?:In \[\d+\]: ?|\.{3,}: ?)/;

/** The input of an interactive session, without prompts and output; other text is unchanged. */
function withoutSession(code: string): string {
  const opening = /^\s*(?:>>> |In \[\d+\]: )/.exec(code.slice(0, 2000));
  if (!opening) return code;
  const prompt = opening[0].includes(">>>") ? PROMPT : NOTEBOOK;
  const kept: string[] = [];
  let inBlock = false;
  for (const { line } of physicalLines(code)) {
    const found = prompt.exec(line);
    if (found) kept.push(line.slice(found[0].length));
    else if (inBlock && /^[ \t]+\S/.test(line)) kept.push(line);
    else continue;
    inBlock = !found || line.trimEnd().endsWith(":");
  }
  return kept.join("\n") + "\n";
}

const COMMAND = /^(?:%{1,2}[a-zA-Z]\w*\b|![a-zA-Z]).*\n?/gm;

/** The text without a notebook's own commands: `%matplotlib inline`, `!pip install numpy`. */
function withoutCommands(code: string): string {
  if (!/^[%!]/m.test(code)) return code;
  const scan = scanPython(code);
  return code.replace(COMMAND, (line, at: number) => startsInString(scan, at) ? line : "");
}

const ENTITIES: Record<string, string> = {
  lt: "<",
  gt: ">",
  amp: "&",
  quot: '"',
  apos: "'",
  nbsp: " ",
  "#39": "'",
  "#34": '"',
  "#x27": "'",
  "#x22": '"',
  "#60": "<",
  "#62": ">",
};
const ENTITY = /&(lt|gt|amp|quot|apos|nbsp|#39|#34|#x27|#x22|#60|#62);/g;

/** Decodes HTML entities if there is one outside of strings and comments, where Python cannot have it. */
function withoutEntities(code: string): string {
  if (code.search(ENTITY) < 0) return code;
  const { masked } = scanPython(code);
  for (const { index } of code.matchAll(ENTITY)) {
    if (masked[index] === "&") return code.replace(ENTITY, (_, name) => ENTITIES[name]);
  }
  return code;
}

const FOREIGN_SPACE = /[\u00a0\u2000-\u200a\u202f\u205f\u3000]/;
const INVISIBLE = /[\u200b-\u200d\u2060\ufeff]/;
const CURLY = /[\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f]/;
const DOUBLE = /[\u201c\u201d\u201e\u201f]/;
const SINGLE = /[\u2018\u2019\u201a\u201b]/;
const TRIPLE = /[\u201c\u201d\u201e\u201f]{3}/y;
const ANY_TRIPLE = /[\u201c\u201d\u201e\u201f]{3}/g;
/** A line with more strings in mixed quotes than this is not repaired. */
const RESCUES = 20;

/** Replaces unusual spaces and quotes outside of strings and comments, where they would break the code. */
function withPlainCharacters(code: string): string {
  if (!/[\u00a0\u2000-\u200d\u2018-\u201f\u202f\u205f\u2060\u3000\ufeff]/.test(code)) return code;
  const out: string[] = [];
  const unclosed: Record<string, number> = {};
  let rescues = { line: -1, count: 0 };
  let lastTriple = -1;
  for (const { index } of code.matchAll(ANY_TRIPLE)) lastTriple = index;
  for (let at = 0; at < code.length;) {
    const letter = code[at];
    let to = at + 1;
    let piece = letter;
    if (letter === "#") {
      to = lineEnd(code, at);
      piece = code.slice(at, to);
    } else if (letter === '"' || letter === "'") {
      const end = stringEnd(code, at);
      to = Math.max(at + 1, Math.abs(end));
      piece = code.slice(at, to);
      // A straight quote that a curly one closes.
      if (end < 0 && !code.startsWith(letter.repeat(3), at)) {
        if (rescues.line !== -end) rescues = { line: -end, count: 0 };
        const curly = piece.search(letter === '"' ? DOUBLE : SINGLE);
        if (curly > 0 && rescues.count++ < RESCUES) {
          piece = piece.slice(0, curly) + letter;
          to = at + curly + 1;
        }
      }
    } else if (FOREIGN_SPACE.test(letter)) {
      piece = " ";
    } else if (INVISIBLE.test(letter)) {
      piece = "";
    } else if (CURLY.test(letter)) {
      ({ piece, to } = curlyString(code, at, lastTriple, unclosed));
    }
    out.push(piece);
    at = to;
  }
  return out.join("");
}

/** A string literal in curly quotes, with straight quotes instead; only the quote when none closes it. */
function curlyString(
  code: string,
  at: number,
  lastTriple: number,
  unclosed: Record<string, number>,
): { piece: string; to: number } {
  TRIPLE.lastIndex = at;
  if (lastTriple > at && TRIPLE.test(code)) {
    ANY_TRIPLE.lastIndex = at + 3;
    const end = ANY_TRIPLE.exec(code)!.index;
    return { piece: `"""${code.slice(at + 3, end)}"""`, to: end + 3 };
  }
  const straight = DOUBLE.test(code[at]) ? '"' : "'";
  const closes = straight === '"' ? DOUBLE : SINGLE;
  const alone = { piece: code[at], to: at + 1 };
  if (at < (unclosed[straight] ?? 0)) return alone;
  let plain = -1;
  let end = at + 1;
  for (; end < code.length && code[end] !== "\n" && !closes.test(code[end]); end++) {
    if (plain < 0 && code[end] === straight) plain = end;
  }
  if (end >= code.length || code[end] === "\n") {
    unclosed[straight] = end;
    if (plain < 0) return alone;
    end = plain;
  }
  const inside = code.slice(at + 1, end).replaceAll(straight, `\\${straight}`);
  return { piece: straight + inside + straight, to: end + 1 };
}

/**
 * Repairs indentation so that the first statement starts in the first column: removes the indentation of
 * a whole block, indents the other lines to match a first line that lost its indentation, and converts
 * tabs to spaces when both are used.
 */
export function mendIndentation(code: string): Mended {
  const mended: string[] = [];
  const even = withEvenTabs(code);
  if (even !== code) mended.push("tabs");
  const scan = scanPython(even);
  const [first, second] = scan.lines;
  if (!first) return { code: even, mended };
  const lost = first.indent === 0 && second && second.indent > 0 &&
    !opensBlock(headOf(scan, first));
  const columns = lost ? second.indent : first.indent;
  if (columns === 0) return { code: even, mended };
  const out: string[] = [];
  for (const { line } of physicalLines(even)) {
    const { columns: own, rest } = splitIndent(line);
    if (own === 0) out.push(line);
    else if (/^ *$/.test(line.slice(0, Math.min(columns, line.length - rest.length)))) {
      out.push(line.slice(Math.min(columns, own)));
    } else out.push(" ".repeat(Math.max(0, own - columns)) + rest);
  }
  mended.push("indentation");
  return { code: out.join("\n") + "\n", mended };
}

/**
 * Converts indentation to spaces, four per tab, when some lines are indented with tabs and others with
 * spaces.
 */
function withEvenTabs(code: string): string {
  if (!/^[ ]*\t/m.test(code)) return code;
  const scan = scanPython(code);
  let tabs = false, spaces = false;
  for (const line of scan.lines) {
    if (line.indent === 0) continue;
    for (let at = line.start; /[ \t]/.test(scan.text[at] ?? ""); at++) {
      if (scan.text[at] === "\t") tabs = true;
      else spaces = true;
    }
  }
  if (!(tabs && spaces)) return code;
  const out: string[] = [];
  for (const { at, line } of physicalLines(code)) {
    if (startsInString(scan, at)) out.push(line);
    else {
      const { columns, rest } = splitIndent(line, 4);
      out.push(" ".repeat(columns) + rest);
    }
  }
  return out.join("\n") + (code.endsWith("\n") ? "\n" : "");
}

const HEADER =
  /^(?:diff --git |index [0-9a-f]+\.\.|--- |\+\+\+ |@@|\*\*\* |\\ No newline|new file mode|deleted file|similarity |rename )/;
/** Headers that occur only in a diff. */
const CERTAIN = /^(?:diff --git |@@ |@@$|\+\+\+ \S|\*\*\* (?:Begin|Update|Add) )/m;
const NUMBERED = /^[ \t]*\[?(\d{1,5})(?:\]?[ \t]*[|:.)\u2502\u2503\u2192]|\]|(?=[ \t]|$))(.*)$/;
/** From this many numbered lines on, the numbers count as line numbers. */
const FEWEST = 2;

/** The result of a diff: the lines that it adds and those around them. Other text is unchanged. */
function withoutDiff(text: string): string {
  if (!/^\+/m.test(text)) return text;
  const lines = text.split("\n");
  const all = lines.every((line) => line === "" || /^[-+ @\\]/.test(line) || HEADER.test(line));
  if (!all && !CERTAIN.test(text)) return text;
  return lines.filter((line) => !HEADER.test(line) && !line.startsWith("-"))
    .map((line) => /^[+ ]/.test(line) ? line.slice(1) : line).join("\n");
}

/** Removes line numbers when they are in front of consecutive lines. */
function withoutNumbers(text: string): string {
  if (!/^[ \t]*\[?\d/m.test(text)) return text;
  const out: string[] = [];
  let run: string[] = [];
  let plain: string[] = []; // the lines of the run, unchanged
  let next = 0;
  const finish = () => {
    const many = run.filter((line) => line.trim()).length >= FEWEST;
    out.push(...many ? dedented(run) : plain);
    run = [];
    plain = [];
  };
  for (const line of text.split("\n")) {
    const found = NUMBERED.exec(line);
    const number = found ? Number(found[1]) : -1;
    if (run.length > 0 && line.trim() === "") {
      run.push("");
      plain.push(line);
      continue;
    }
    if (run.length > 0 && number !== next) finish();
    if (run.length === 0 && number !== 0 && number !== 1) {
      out.push(line);
      continue;
    }
    run.push(found![2]);
    plain.push(line);
    next = number + 1;
  }
  finish();
  return out.join("\n");
}

/** Removes the white space with which all lines begin. */
function dedented(lines: readonly string[]): string[] {
  let common: string | null = null;
  for (const line of lines) {
    if (line.trim() === "") continue;
    const space: string = /^[ \t]*/.exec(line)![0];
    if (common === null) common = space;
    while (!space.startsWith(common)) common = common.slice(0, -1);
  }
  return lines.map((line) => line.slice(Math.min(common?.length ?? 0, line.length)));
}
