/** Reads replies that continue the prompt: a function's body without its header. */
import { findDefinition, topItems } from "./module_items.ts";
import {
  contentStart,
  headOf,
  opensBlock,
  physicalLines,
  scanPython,
  splitIndent,
  startsInString,
} from "./scan_python.ts";
import { isBodyStatement, isDefinition } from "./statements.ts";
import type { Line, Scan } from "./scan_python.ts";

/** The body of a completion and the text after it. */
export interface Completion {
  /** The prompt with the body below it. */
  code: string;
  /** What follows the body. */
  rest: string;
  moved: boolean;
}

/** What evidence is needed that text without a definition is a body. */
export type Evidence = "indented" | "returns" | "statements";

/**
 * The prompt with a reply's body below it; null when the reply is not a body, or the prompt does not end
 * in the entry point's header.
 *
 * @param evidence what makes the text a body: its first line is indented, or it returns outside of any
 * function, or all of it is statements.
 */
export function completePrompt(
  prompt: string,
  entryPoint: string,
  text: string,
  evidence: Evidence,
): Completion | null {
  const target = bodyIndent(prompt, entryPoint);
  if (!target) return null;
  const scan = scanPython(text);
  const [first] = scan.lines;
  if (!first || !isBodyStatement(headOf(scan, first), first.broken)) return null;
  if (evidence === "indented" && first.indent === 0) return null;
  const shape = first.indent > 0 ? { base: first.indent, lost: false } : shapeOf(scan);
  const count = bodyLength(scan, shape.base, shape.lost, entryPoint);
  if (count === 0) return null;
  const body = scan.lines.slice(0, count);
  // the whole function, indented: otherwise a body that defines a function of the same name continues
  // after it
  if (evidence === "indented" && findDefinition(scan, entryPoint) && !returns(scan, body)) {
    return null;
  }
  if (first.indent === 0 && !shape.lost) {
    const calls = body.some((line) => mentions(headOf(scan, line), entryPoint));
    if ((evidence === "returns" || calls) && !returns(scan, body)) return null;
  }
  if (evidence === "statements") {
    const outer = body.filter((line) => line.indent === body[0].indent);
    if (outer.every((line) => isDefinition(headOf(scan, line)))) return null;
  }
  const end = body.at(-1)!.end;
  const bodyText = text.slice(0, end);
  const wanted = target.width ?? (shape.base || 4);
  const kept = target.tabs === usesTabs(bodyText) && shape.base === wanted && !shape.lost;
  const moved = kept ? bodyText : shifted(scan, end, shape, wanted, target.tabs);
  const gap = prompt.endsWith("\n") ? "" : "\n";
  return {
    code: `${prompt}${gap}${moved.replace(/^(?:[ \t]*\n)+/, "").trimEnd()}\n`,
    rest: text.slice(end),
    moved: !kept,
  };
}

/** The indentation of the body that the prompt begins; null when the prompt ends in something else. */
function bodyIndent(
  prompt: string,
  entryPoint: string,
): { width: number | null; tabs: boolean } | null {
  const scan = scanPython(prompt);
  const definition = findDefinition(scan, entryPoint);
  if (!definition || definition.how !== "def") return null;
  const last = topItems(scan).at(-1)!;
  if (definition.line < last.first || definition.line > last.last) return null;
  const below = scan.lines[definition.line + 1];
  if (!below) return { width: null, tabs: false };
  return { width: below.indent, tabs: scan.text[below.start] === "\t" };
}

function usesTabs(text: string): boolean {
  return /^[ ]*\t/m.test(text);
}

/**
 * The indentation of a body whose first line starts in the first column, and whether only that line does.
 */
function shapeOf(scan: Scan): { base: number; lost: boolean } {
  const [first, second] = scan.lines;
  if (!second || second.indent === 0) return { base: 0, lost: false };
  if (!opensBlock(headOf(scan, first))) return { base: second.indent, lost: true };
  let least = second.indent;
  for (let i = 1; i < scan.lines.length && scan.lines[i].indent > 0; i++) {
    least = Math.min(least, scan.lines[i].indent);
  }
  return least < second.indent ? { base: least, lost: true } : { base: 0, lost: false };
}

/** The number of logical lines in the body: up to the next text at top level. */
function bodyLength(scan: Scan, base: number, lost: boolean, entryPoint: string): number {
  const { lines } = scan;
  for (let i = lost ? 1 : 0; i < lines.length; i++) {
    const line = lines[i];
    if (line.indent < base) return i;
    if (base > 0) continue;
    if (line.indent > 0) continue;
    const head = headOf(scan, line);
    if (/^if\s+__name__\b/.test(head) || !isBodyStatement(head, line.broken)) return i;
    if (/^(?:print|assert)\b/.test(head) && mentions(head, entryPoint) && i > 0) return i;
    if (/^return\b/.test(head)) return i + 1;
  }
  return lines.length;
}

function mentions(head: string, name: string): boolean {
  return head.includes(`${name}(`);
}

/** Whether a body returns outside of the functions that it defines. */
function returns(scan: Scan, body: readonly Line[]): boolean {
  let inside = Infinity;
  for (const line of body) {
    if (line.indent > inside) continue;
    inside = Infinity;
    const head = headOf(scan, line);
    if (/^(?:return|yield)\b/.test(head)) return true;
    if (/^(?:async\s+)?def\b/.test(head)) inside = line.indent;
  }
  return false;
}

/** Changes the indentation of a body; lines inside strings stay unchanged. */
function shifted(
  scan: Scan,
  end: number,
  shape: { base: number; lost: boolean },
  wanted: number,
  tabs: boolean,
): string {
  const text = scan.text.slice(0, end);
  const mixed = usesTabs(text) && !tabs;
  const tabWidth = usesTabs(text) ? 8 : 4;
  const firstAt = scan.lines[0].start;
  const unit = mixed ? indentOf(scan, shape.base) : shape.base;
  const out: string[] = [];
  for (const { at, line } of physicalLines(text)) {
    if (startsInString(scan, at) || !line.trim()) {
      out.push(line);
      continue;
    }
    const { columns, rest } = splitIndent(line, mixed ? 4 : 8);
    const own = at === firstAt && shape.lost ? unit : columns;
    const level = Math.max(0, own - unit);
    if (tabs) out.push("\t".repeat(1 + Math.round(level / tabWidth)) + rest);
    else out.push(" ".repeat(wanted + level) + rest);
  }
  return out.join("\n");
}

/** The base indentation in columns, when a tab counts as four. */
function indentOf(scan: Scan, base: number): number {
  const line = scan.lines.find(({ indent }) => indent === base);
  if (!line) return base;
  return splitIndent(scan.text.slice(line.start, contentStart(scan, line) + 1), 4).columns;
}
