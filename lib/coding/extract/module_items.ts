/** A module's top-level statements, the names that they bind, and which of them defines a given name. */
import { contentStart, headOf, type Line, opensBlock, type Scan } from "./scan_python.ts";

/** A top-level statement with the block below it and the decorators above it. */
export interface Item {
  kind: "def" | "class" | "import" | "assign" | "block" | "main" | "run";
  /** The names it binds at module level. */
  names: string[];
  /** The masked text of its header; for a decorated definition, that of the definition. */
  head: string;
  /** Indices of the scan's lines, the last one included. */
  first: number;
  last: number;
  /** Offsets in the text. */
  start: number;
  end: number;
}

const CONTINUES = /^(?:elif\b|else\s*:|except\b|finally\s*:)/;

/** The top-level statements of a scanned module, in order. */
export function topItems(scan: Scan): Item[] {
  const items: Item[] = [];
  const { lines } = scan;
  const base = lines[0]?.indent ?? 0;
  let decorated = false;
  for (let i = 0; i < lines.length; i++) {
    const open = items.at(-1);
    if (open && lines[i].indent > base) {
      open.last = i;
      open.end = lines[i].end;
      continue;
    }
    const head = headOf(scan, lines[i]);
    if (open && (decorated || (/^(?:block|main)$/.test(open.kind) && CONTINUES.test(head)))) {
      open.last = i;
      open.end = lines[i].end;
      if (decorated) open.head = head;
    } else {
      const { start, end } = lines[i];
      items.push({ kind: "run", names: [], head, first: i, last: i, start, end });
    }
    decorated = head.startsWith("@");
    const item = items.at(-1)!;
    if (item.kind === "run") item.kind = kindOf(head);
  }
  for (const item of items) item.names = namesOf(scan, item);
  return items;
}

function kindOf(head: string): Item["kind"] {
  if (/^(?:async\s+)?def\b/.test(head)) return "def";
  if (/^class\b/.test(head)) return "class";
  if (/^(?:import|from)\b/.test(head)) return "import";
  if (/^if\s+\(?\s*(?:__name__\s*==|"+\s*==\s*__name__)/.test(head)) return "main";
  if (/^(?:if|try|with|for|while|match|async)\b/.test(head)) return "block";
  return assigned(head).length ? "assign" : "run";
}

function namesOf(scan: Scan, item: Item): string[] {
  if (item.kind !== "block") return boundBy(item.head, item.kind);
  const names: string[] = [];
  let inside = Infinity; // inside a definition: what it binds is local
  for (const line of scan.lines.slice(item.first, item.last + 1)) {
    if (line.indent > inside) continue;
    inside = Infinity;
    const head = headOf(scan, line);
    const kind = kindOf(head);
    names.push(...boundBy(head, kind));
    if (kind === "def" || kind === "class") inside = line.indent;
  }
  return names;
}

function boundBy(head: string, kind: Item["kind"]): string[] {
  if (kind === "import") return imported(head);
  if (kind === "assign") return assigned(head);
  const named = /^(?:(?:async\s+)?def|class)\s+([\p{L}_][\p{L}\p{N}_]*)/u.exec(head);
  return named ? [named[1]] : [];
}

/** The names that a masked assignment binds: `a`, `a, b`, `a: int`. */
function assigned(head: string): string[] {
  const target = /^([\p{L}_][\p{L}\p{N}_]*(?:\s*,\s*[\p{L}_][\p{L}\p{N}_]*)*)\s*(?::[^=]*)?=(?!=)/u
    .exec(head);
  return target ? target[1].split(",").map((name) => name.trim()) : [];
}

/** The names that a masked import binds; `*` for all names of a module. */
function imported(head: string): string[] {
  const names: string[] = [];
  for (const statement of head.split(";")) {
    const from = /^\s*from\s+[\w.]+\s+import\s+([^]*)$/.exec(statement) ??
      /^\s*from\s+[\w.]+\s+import\s*(\([^]*)$/.exec(statement);
    const list = from?.[1] ?? /^\s*import\s+([^]*)$/.exec(statement)?.[1] ?? "";
    for (const part of list.replace(/[()\\]/g, " ").split(",")) {
      const words = part.trim().split(/\s+/);
      const name = words[1] === "as" ? words[2] : from ? words[0] : words[0].split(".")[0];
      if (name) names.push(name);
    }
  }
  return names;
}

/** Where a module defines a name, and how completely. */
export interface Definition {
  how: "def" | "class" | "assign" | "method";
  /** 3 complete, 2 unfinished or malformed, 1 only a signature. */
  quality: 1 | 2 | 3;
  /** For a method: its class, and whether it is called without an object. */
  className?: string;
  isStatic?: boolean;
  /** Index of the line in the scan. */
  line: number;
}

/** The definition that Python would use for a name in a module: the last one. */
export function findDefinition(scan: Scan, name: string): Definition | null {
  const { lines, masked } = scan;
  const escaped = name.replace(/[^\p{L}\p{N}_]/gu, "\\$&");
  const def = new RegExp(`(?:async[ \\t]+)?def[ \\t]+${escaped}[ \\t]*[(\\[]`, "y");
  const cls = new RegExp(`class[ \\t]+${escaped}[ \\t]*[(:\\[]`, "y");
  const set = new RegExp(`${escaped}[ \\t]*(?::[^=\\n]*)?=(?!=)`, "y");
  const opener = /(async[ \t]+def|def|class)[ \t]+([\p{L}_][\p{L}\p{N}_]*)/uy;
  const parents: { indent: number; kind: string; name: string }[] = [];
  let top: Definition | null = null;
  let method: Definition | null = null;
  const matches = (pattern: RegExp, at: number) => {
    pattern.lastIndex = at;
    return pattern.test(masked);
  };
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i];
    while (parents.length && parents.at(-1)!.indent >= line.indent) parents.pop();
    const at = contentStart(scan, line);
    const parent = parents.at(-1);
    if (!parent) {
      if (matches(def, at)) top = { how: "def", quality: blockQuality(scan, i), line: i };
      else if (matches(cls, at)) top = { how: "class", quality: blockQuality(scan, i), line: i };
      else if (matches(set, at) && givesFunction(scan, line, escaped)) {
        top = { how: "assign", quality: line.broken ? 2 : 3, line: i };
      } else if (matches(/(?:from|import)\b/y, at) && bringsIn(headOf(scan, line), name)) {
        top = { how: "assign", quality: line.broken ? 2 : 3, line: i };
      }
    } else if (parents.length === 1 && parent.kind === "class" && matches(def, at)) {
      method = {
        how: "method",
        quality: blockQuality(scan, i),
        className: parent.name,
        isStatic: calledWithoutObject(scan, i),
        line: i,
      };
    }
    opener.lastIndex = at;
    const opened = opener.exec(masked);
    if (opened) {
      const kind = opened[1] === "class" ? "class" : "def";
      parents.push({ indent: line.indent, kind, name: opened[2] });
    }
  }
  return top ?? method;
}

const LIBRARY =
  /^from\s+(?:math|cmath|statistics|itertools|functools|operator|collections|string|textwrap|bisect|heapq|fractions|random|re)\b/;

/**
 * Whether an import binds the name, as in a test that imports it from the module where the answer is
 * supposed to be.
 */
function bringsIn(head: string, name: string): boolean {
  return imported(head).includes(name) &&
    (LIBRARY.test(head) || new RegExp(`\\bas\\s+${name}\\b`).test(head));
}

/** Whether an assignment's value may be a function: not a literal, and not a call of the name itself. */
function givesFunction(scan: Scan, line: Line, escaped: string): boolean {
  const head = headOf(scan, line);
  const value = head.slice(head.search(/=(?!=)/) + 1).trim();
  if (/^lambda\b/.test(value)) return true;
  return /^[\p{L}_]/u.test(value) && !new RegExp(`\\b${escaped}\\s*\\(`).test(value) &&
    !/^(?:None|True|False|not)\b/.test(value);
}

/** How complete the definition is whose header is line `index`. */
function blockQuality(scan: Scan, index: number): 1 | 2 | 3 {
  const header = scan.lines[index];
  const head = headOf(scan, header);
  if (header.broken) return 2;
  if (!opensBlock(head)) {
    return /:\s*(?:pass|\.\.\.)?\s*$/.test(head) || !head.includes(":") ? 1 : 3;
  }
  let says = false;
  for (let i = index + 1; i < scan.lines.length; i++) {
    const line = scan.lines[i];
    if (line.indent <= header.indent) break;
    if (line.broken) return 2;
    says ||= !/^(?:[rRuU]?"+|pass|\.\.\.|raise\s+NotImplementedError\b.*)$/.test(
      headOf(scan, line),
    );
  }
  return says ? 3 : 1;
}

function calledWithoutObject(scan: Scan, index: number): boolean {
  const { indent } = scan.lines[index];
  for (let i = index - 1; i >= 0 && scan.lines[i].indent === indent; i--) {
    const head = headOf(scan, scan.lines[i]);
    if (!head.startsWith("@")) break;
    if (/^@(?:staticmethod|classmethod)\b/.test(head)) return true;
  }
  const parameters = /\(\s*([\p{L}_][\p{L}\p{N}_]*)?/u.exec(headOf(scan, scan.lines[index]));
  return !["self", "cls"].includes(parameters?.[1] ?? "");
}
