/** Makes a module from an answer's code: adds what it needs, and cuts code that would run. */
import { findDefinition, type Item, topItems } from "./module_items.ts";
import { headOf, physicalLines, type Scan, scanPython } from "./scan_python.ts";
import { counted } from "../../text/grouped.ts";

/** A module's text, and a description of the changes. */
export interface Module {
  code: string;
  done: string[];
}

const FUTURE = /^from\s+__future__\b/;
const RUNNERS = ["print", "input", "unittest", "doctest", "pytest", "exit", "quit", "assert"];
const TYPING = new Set(
  ("List Dict Tuple Set FrozenSet Optional Union Any Callable Iterable Iterator Generator Sequence " +
    "Mapping MutableMapping Type TypeVar Literal NamedTuple DefaultDict Deque Hashable").split(" "),
);

/**
 * Makes a module from an answer's code.
 *
 * @param others more code of the reply, from which definitions that the code lacks are taken.
 * @param prompt the problem's prompt: what comes before the entry point there is put before the code if
 * the code lacks it.
 */
export function assembleModule(
  code: string,
  entryPoint: string,
  prompt: string,
  others: readonly string[],
): Module {
  const done: string[] = [];
  const cut = cutRunning(code, entryPoint);
  if (cut !== tidied(code)) done.push("cut code that runs");
  let module = cut;
  const preamble = preambleOf(prompt, entryPoint);
  const fromPrompt = lacking(module, preamble);
  const joined = neededFrom(others, module, [...fromPrompt], entryPoint);
  if (joined.length) {
    done.push(`joined ${counted(joined.length, "part")} of other blocks`);
    module = putBefore(module, joined);
  }
  if (fromPrompt.length) {
    done.push("added what the prompt begins with");
    module = putBefore(module, fromPrompt);
  }
  const types = unboundTypes(module);
  if (types.length) {
    done.push("added imports from typing");
    module = putBefore(module, [{
      text: `from typing import ${types.join(", ")}`,
      names: types,
      isImport: true,
    }]);
  }
  const scan = scanPython(module);
  const definition = findDefinition(scan, entryPoint);
  if (definition?.how === "method") {
    const object = definition.isStatic ? definition.className : `${definition.className}()`;
    module = `${module.trimEnd()}\n\n\n${entryPoint} = ${object}.${entryPoint}\n`;
    done.push("named the method");
  }
  return { code: module, done };
}

/** A statement to put before a module. */
interface Part {
  text: string;
  names: string[];
  isImport: boolean;
}

function partOf(scan: Scan, item: Item): Part {
  const text = scan.text.slice(item.start, item.end).trimEnd();
  return { text, names: item.names, isImport: item.kind === "import" };
}

/** The statements of a prompt before the entry point: imports, functions, constants. */
function preambleOf(prompt: string, entryPoint: string): Part[] {
  const scan = scanPython(prompt);
  const definition = findDefinition(scan, entryPoint);
  if (!definition || (definition.how !== "def" && definition.how !== "class")) return [];
  return topItems(scan)
    .filter((item) => item.last < definition.line && item.names.length > 0)
    .map((item) => partOf(scan, item));
}

/** The parts that bind a name which the module does not bind. */
function lacking(module: string, parts: readonly Part[]): Part[] {
  if (parts.length === 0) return [];
  const bound = boundNames(module);
  return parts.filter((part) =>
    part.names.some((name) => !bound.has(name)) ||
    (FUTURE.test(part.text) && !module.includes(part.text))
  );
}

function boundNames(module: string): Set<string> {
  return new Set(topItems(scanPython(module)).flatMap((item) => item.names));
}

/** Definitions and imports from other blocks that a module uses and nothing binds, in order. */
function neededFrom(
  others: readonly string[],
  module: string,
  given: readonly Part[],
  entryPoint: string,
): Part[] {
  if (others.length === 0) return [];
  const scan = scanPython(module);
  const bound = new Set([...topItems(scan), ...given].flatMap(({ names }) => names));
  bound.add(entryPoint);
  const wanted = usedNames(scan).filter((name) => !bound.has(name));
  const providers = new Map<string, { part: Part; scan: Scan; item: Item; order: number }>();
  let order = 0;
  for (const text of others) {
    const other = scanPython(text);
    for (const item of topItems(other)) {
      order++;
      if (!mayBeJoined(other, item)) continue;
      const provider = { part: partOf(other, item), scan: other, item, order };
      for (const name of item.names) providers.set(name, provider);
    }
  }
  const taken = new Map<number, Part>();
  for (let i = 0; i < wanted.length; i++) {
    const provider = providers.get(wanted[i]);
    if (!provider || bound.has(wanted[i])) continue;
    const { part, item } = provider;
    taken.set(provider.order, part);
    part.names.forEach((name) => bound.add(name));
    const own = scanPython(provider.scan.text.slice(item.start, item.end));
    wanted.push(...usedNames(own).filter((name) => !bound.has(name)));
  }
  return [...taken].sort(([a], [b]) => a - b).map(([, part]) => part);
}

/**
 * Complete definitions, imports, and assignments that look like constants; results of a trial run are not
 * added.
 */
function mayBeJoined(scan: Scan, item: Item): boolean {
  if (scan.lines.slice(item.first, item.last + 1).some((line) => line.broken)) return false;
  if (item.kind === "def" || item.kind === "class" || item.kind === "import") return true;
  return item.kind === "assign" &&
    (/^[A-Z_]/.test(item.names[0]) || /=\s*lambda\b/.test(item.head));
}

/** The names that code uses, without repeats and without attributes. */
function usedNames(scan: Scan): string[] {
  const names = new Set<string>();
  const collect = (text: string) => {
    for (const [name] of text.matchAll(/(?<![.\p{L}\p{N}_])[\p{L}_][\p{L}\p{N}_]*/gu)) {
      names.add(name);
    }
  };
  collect(scan.masked);
  for (const text of scan.formatted) {
    for (const [field] of text.matchAll(/\{[^{}]*\}/g)) collect(field);
  }
  return [...names];
}

/** The names that a definition uses but does not bind itself. */
function freeNames(scan: Scan): string[] {
  const own = new Set<string>();
  const shared = new Set<string>();
  for (const line of scan.lines) {
    const head = headOf(scan, line);
    const global = /^(?:global|nonlocal)\s+(.*)/.exec(head);
    const bindings = global ? [global[1]] : [
      ...[...(/^(?:async\s+)?def\b/.test(head) ? head.matchAll(PARAMETER) : [])].map((m) => m[1]),
      /^([\w\s,]+)=(?!=)/.exec(head)?.[1] ?? "",
      ...[...head.matchAll(/\bfor\b([^:=]{1,80}?)\bin\b|\blambda\b([^:]{0,80}):|\bas\s+(\w+)/g)]
        .map((m) => m[1] ?? m[2] ?? m[3]),
    ];
    for (const [name] of bindings.join(" ").matchAll(/[\p{L}_][\p{L}\p{N}_]*/gu)) {
      (global ? shared : own).add(name);
    }
  }
  return usedNames(scan).filter((name) => shared.has(name) || !own.has(name));
}

const PARAMETER = /[(,]\s*\*{0,2}([\p{L}_][\p{L}\p{N}_]*)/gu;

function unboundTypes(module: string): string[] {
  const scan = scanPython(module);
  if (![...TYPING].some((name) => scan.masked.includes(name))) return [];
  const bound = boundNames(module);
  if (bound.has("*")) return [];
  return usedNames(scan).filter((name) => TYPING.has(name) && !bound.has(name));
}

/** Puts parts before a module; imports from __future__ stay first. */
function putBefore(module: string, parts: readonly Part[]): string {
  const scan = scanPython(module);
  const items = topItems(scan);
  const future = items.findLast((item) => FUTURE.test(item.head));
  const head = future ? module.slice(0, future.end).trimEnd() + "\n" : "";
  const first = parts.filter((part) => FUTURE.test(part.text));
  const pieces = [...first, ...parts.filter((part) => !FUTURE.test(part.text))];
  let text = first.length ? "" : head;
  let afterImport = text !== "";
  for (const part of pieces) {
    if (text) text += part.isImport && afterImport ? "" : "\n\n";
    text += part.text + "\n";
    afterImport = part.isImport;
  }
  if (first.length) text += head;
  const rest = (future ? module.slice(future.end) : module).replace(/^(?:[ \t]*\n)+/, "");
  const next = items[future ? items.indexOf(future) + 1 : 0];
  const close = afterImport && next?.kind === "import" && !rest.startsWith("#");
  return text + (close ? "" : "\n\n") + rest;
}

function tidied(code: string): string {
  return `${code.replace(/^(?:[ \t]*\n)+/, "").trimEnd()}\n`;
}

/**
 * Removes code that would run after the entry point: calls and tests of its functions, output, the block
 * for `__main__`. Definitions stay, and so do values that they use.
 */
function cutRunning(code: string, entryPoint: string): string {
  const scan = scanPython(code);
  const items = topItems(scan);
  const at = items.findLastIndex((item) =>
    item.names.includes(entryPoint) || (item.kind === "class" && hasMethod(scan, item, entryPoint))
  );
  if (at < 0 || !items.some((item, i) => i > at || item.kind === "main")) return tidied(code);
  const own = new Set(
    items.filter(({ kind }) => kind === "def" || kind === "class").flatMap(({ names }) => names),
  );
  own.add(entryPoint);
  const kept = items.filter(({ kind }) => kind === "def" || kind === "class");
  const usedByKept = new Set(kept.flatMap((item) => freeNames(part(scan, item))));
  const trial = new Set(RUNNERS);
  const cut = items.map((item, i) => {
    if (item.kind === "main") return true;
    if (i <= at || item.kind === "def" || item.kind === "class" || item.kind === "import") {
      return false;
    }
    if (item.names.includes(entryPoint)) return false;
    if (item.kind === "block" && definesInside(scan, item)) return false;
    if (item.kind === "assign" && item.names.some((name) => usedByKept.has(name))) return false;
    const uses = usedNames(part(scan, item));
    const runs = uses.some((name) => own.has(name) || trial.has(name));
    // Names that no function uses belong to the trial run that prepares them.
    if (!runs && item.kind !== "assign") return false;
    item.names.forEach((name) => trial.add(name));
    return true;
  });
  if (!cut.includes(true)) return tidied(code);
  let out = "";
  let from = 0;
  for (let i = 0; i < items.length; i++) {
    const gap = code.slice(from, items[i].start);
    out += cut[i] ? indentedComments(gap) : gap + code.slice(items[i].start, items[i].end);
    from = items[i].end;
  }
  return tidied(out + (cut.at(-1) ? "" : code.slice(from)));
}

/** Comments in a gap that belong to the block above them. */
function indentedComments(gap: string): string {
  return [...physicalLines(gap)].filter(({ line }) => /^[ \t]+#/.test(line))
    .map(({ line }) => `${line}\n`).join("");
}

function hasMethod(scan: Scan, item: Item, name: string): boolean {
  return findDefinition(part(scan, item), name)?.how === "method";
}

function definesInside(scan: Scan, item: Item): boolean {
  return /^[ \t]+(?:import|from|def|class|async[ \t]+def)\b/m.test(
    scan.masked.slice(item.start, item.end),
  );
}

function part(scan: Scan, item: Item): Scan {
  return scanPython(scan.text.slice(item.start, item.end));
}
