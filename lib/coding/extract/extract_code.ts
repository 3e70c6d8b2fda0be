/** Extracts the Python module from a model's reply to a coding problem. */
import { assembleModule } from "./assemble.ts";
import { completePrompt, type Evidence } from "./completion.ts";
import { codeInProse, indentedBlocks, inlineCode } from "./code_in_prose.ts";
import { fencedBlocks } from "./fences.ts";
import { mendCharacters, mendIndentation } from "./mend.ts";
import { findDefinition } from "./module_items.ts";
import { headOf, scanPython } from "./scan_python.ts";
import { jsonStrings, quotedBlocks, splitReply, wrappedBlocks } from "./reply_parts.ts";
import { isTopStatement } from "./statements.ts";
import type { Block } from "./block.ts";

/** A model's reply: its answer, and its reasoning if the endpoint sends it separately. */
export interface CodeReply {
  /** The answer. */
  text: string;
  /** The reasoning; null when the endpoint does not send it separately. */
  reasoning: string | null;
}

/** What the model was asked. */
export interface CodeProblem {
  /**
   * In HumanEval's form the beginning of a module that ends in the entry point's header; in other forms
   * prose.
   */
  prompt: string;
  /** The name of the function (or class) that the tests call. */
  entry_point: string;
  /** The language requested; default Python. */
  language?: "python";
}

/** The code of a reply. */
export interface ExtractedCode {
  /** A complete module that defines the entry point; null when the reply has none. */
  code: string | null;
  /** Where the code was and what was changed, for people. */
  how: string;
}

/** The most characters that are read of one block, or of the text between blocks. */
const LONGEST = 60_000;
/** The most definitions of the entry point that are compared, counted from the end of a reply. */
const DEFINITIONS = 100;
/** The most blocks that are searched for helpers or bodies, counted from the end of a reply. */
const MANY = 60;

/**
 * Finds the code in a reply: in any form of fence, without a fence, in the thinking when it is nowhere
 * else, as a function's body that continues the prompt, in JSON or in a class. Takes the last complete
 * definition of the entry point, adds what it needs from other blocks and the prompt, and removes calls
 * and tests after it. Takes time linear in the reply's length.
 *
 * @example
 * ```ts
 * const problem = { prompt: "def twice(n):\n", entry_point: "twice" };
 * extractCode({ text: "    return 2 * n\n", reasoning: null }, problem).code;
 * // "def twice(n):\n    return 2 * n\n"
 * ```
 */
export function extractCode(reply: CodeReply, problem: CodeProblem): ExtractedCode {
  const { answer, thinking } = splitReply(plainBreaks(reply.text), plainReasoning(reply));
  const prompt = plainBreaks(problem.prompt);
  const search = { prompt, name: problem.entry_point };
  const found = codeOf(answer, search);
  if (found && found.quality > 1) return finished(found);
  const thought = thinking.trim() ? codeOf(thinking, search) : null;
  if (thought && thought.quality > (found?.quality ?? 0)) {
    return finished({ ...thought, how: `${thought.how}, in thinking` });
  }
  if (found) return finished(found);
  const empty = !reply.text.trim() && !thinking.trim();
  return { code: null, how: empty ? "empty reply" : `nothing defines ${problem.entry_point}` };
}

interface Search {
  prompt: string;
  name: string;
}

interface Found {
  code: string;
  how: string;
  /** As in {@linkcode Definition}: 3 complete, 2 unfinished, 1 only a signature. */
  quality: number;
}

function finished({ code, how }: Found): ExtractedCode {
  return { code, how };
}

function plainBreaks(text: string): string {
  const lines = text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text;
  return lines.startsWith("\ufeff") ? lines.slice(1) : lines;
}

function plainReasoning({ reasoning }: CodeReply): string | null {
  return reasoning === null ? null : plainBreaks(reasoning);
}

/** A word such as "Answer:" before code on the same line. */
const LEAD =
  /^[ \t]*(?:final )?(?:answer|code|solution|output|function|response):[ \t]+(?=(?:async[ \t]+)?def[ \t]+\w|class[ \t]+\w|from[ \t]+[\w.]+[ \t]+import|import[ \t]+\w|@\w)/gim;

/** The best code in a text: from the first way of reading it that finds a complete definition. */
function codeOf(reply: string, search: Search, depth = 0): Found | null {
  const text = reply.replace(LEAD, "");
  const fences = continued(fencedBlocks(text)).map(shortened);
  const between = fences.length ? outside(text, fences) : text;
  const prose = ending(between);
  const named = text.includes(search.name);
  const wrapped = () => wrappedBlocks(text).map(shortened);
  const ways: (() => Found | null)[] = [
    () => completion(cut(text.slice(0, fences[0]?.start)), search, "indented", []),
    () => named ? definitionIn(fences, search, text) : null,
    () => named ? definitionIn(wrapped(), search, text) : null,
    () =>
      named ? definitionIn(codeInProse(mendCharacters(prose).code), search, prose, fences) : null,
    () => named ? definitionIn(codeInProse(mendCharacters(ending(text)).code), search, text) : null,
    () => depth < 2 ? fromJson(text, fences, search, depth) : null,
    () => named ? definitionIn(quotedBlocks(text).map(shortened), search, text) : null,
    () => bodyIn(fences, search),
    () => bodyIn(wrapped(), search),
    () => fences.length === 0 ? bodyIn(indentedBlocks(prose), search) : null,
    () => completion(cut(between), search, "returns", fences),
    () => named ? definitionIn(inlineCode(prose), search, prose, fences) : null,
  ];
  let best: Found | null = null;
  for (const way of ways) {
    const found = way();
    if (found && found.quality > (best?.quality ?? 0)) best = found;
    if (best?.quality === 3) break;
  }
  return best;
}

/**
 * Joins two blocks that show one function in parts: the first returns nothing, and the next is indented
 * and returns something.
 */
function continued(blocks: readonly Block[]): Block[] {
  const whole: Block[] = [];
  for (const block of blocks) {
    const before = whole.at(-1);
    const last = before?.text.trimEnd().split("\n").at(-1) ?? "";
    const goesOn = before !== undefined && /^[ \t]/.test(last) && /^def /m.test(before.text) &&
      !RESULT.test(before.text) && /^\s*[ \t]\S/.test(block.text) && RESULT.test(block.text);
    if (goesOn) {
      whole[whole.length - 1] = {
        ...before,
        text: `${before.text.trimEnd()}\n${block.text}`,
        end: block.end,
        unfinished: block.unfinished,
      };
    } else whole.push(block);
  }
  return whole;
}

const RESULT = /^[ \t]+(?:return|yield)\b/m;

/** The beginning of a text, cut at the end of a line. */
function cut(text: string): string {
  if (text.length <= LONGEST) return text;
  return text.slice(0, Math.max(0, text.lastIndexOf("\n", LONGEST)) || LONGEST);
}

/** The end of a text, cut at the beginning of a line. */
function ending(text: string): string {
  if (text.length <= LONGEST) return text;
  const from = text.length - LONGEST;
  return text.slice(text.indexOf("\n", from) + 1 || from);
}

function shortened(block: Block): Block {
  return block.text.length <= LONGEST ? block : { ...block, text: cut(block.text) };
}

/** The text between blocks. */
function outside(text: string, blocks: readonly Block[]): string {
  const pieces: string[] = [];
  let from = 0;
  for (const { start, end } of blocks) {
    pieces.push(text.slice(from, start));
    from = end;
  }
  pieces.push(text.slice(from));
  return pieces.join("\n").replace(/^[ \t]*(?:`{3,}|~{3,})[ \t]*$/gm, "");
}

/**
 * The block with the best definition of the entry point: complete, not shown as wrong, and the last such
 * block.
 */
function definitionIn(
  blocks: readonly Block[],
  search: Search,
  text: string,
  helpers: readonly Block[] = [],
): Found | null {
  let best: { block: Block; code: string; mended: string[]; rank: number; quality: number } | null =
    null;
  const naming = blocks.filter((block) => block.text.includes(search.name)).slice(-DEFINITIONS);
  for (const block of naming) {
    const lead = text.slice(Math.max(0, block.start - 300), block.start);
    const { code, mended } = asModule(block);
    const definition = findDefinition(scanPython(code), search.name);
    if (!definition) continue;
    const rank = definition.quality * 10 - doubt(lead, code) -
      (definition.how === "method" ? 1 : 0) -
      (block.language === "other" ? 2 : 0);
    if (best && rank < best.rank) continue;
    best = { block, code, mended, rank, quality: definition.quality };
  }
  if (!best) return null;
  const others = [...blocks, ...helpers].filter((block) => block !== best.block)
    .slice(-MANY).filter(({ language }) => language === "python" || language === "none")
    .map((block) => asModule(block).code);
  const module = assembleModule(best.code, search.name, search.prompt, others);
  const how = [best.block.where, ...mendedWords(best.mended), ...module.done].join("; ");
  return { code: module.code, how, quality: best.quality };
}

function mendedWords(mended: readonly string[]): string[] {
  return mended.length ? [`mended ${mended.join(", ")}`] : [];
}

/** A block's text as a module: repaired, and without prose after an unfinished fence. */
function asModule(block: Block): { code: string; mended: string[] } {
  const characters = mendCharacters(oneLineUnescaped(block.text));
  const indentation = mendIndentation(characters.code);
  const code = block.unfinished ? withoutProseBehind(indentation.code) : indentation.code;
  return { code, mended: [...characters.mended, ...indentation.mended] };
}

/** Converts line breaks that are written as `\n`. */
function oneLineUnescaped(text: string): string {
  const line = text.trim();
  if (line.includes("\n") || !/:[ \t]*\\n/.test(line)) return text;
  return line.replace(/\\([nt"'])/g, (_, c) => c === "n" ? "\n" : c === "t" ? "\t" : c) + "\n";
}

function withoutProseBehind(code: string): string {
  const scan = scanPython(code);
  const end = scan.lines.find((line, i) =>
    i > 0 && line.indent === 0 && !isTopStatement(headOf(scan, line), line.broken) &&
    !/^(?:elif|else|except|finally)\b|^[\p{L}_][\w.]*$/u.test(headOf(scan, line))
  );
  return end ? code.slice(0, end.start) : code;
}

const WRONG =
  /\b(?:wrong|incorrect(?:ly)?|mistaken?|mistakes?|bugg?y?|bugs|broken|flawed|fails?|failing|avoid|do not|don't|not work|invalid|naive|your code|your (?:original|previous|first) \w+|(?:original|previous|earlier|first|old) (?:code|attempt|version|try|solution)|rejected)\b/i;
const RIGHT =
  /\b(?:correct(?:ed|ly)?|fix(?:ed|es)?|final|right|proper|improved|working|revised|updated|instead|better)\b/i;
const OTHER_WAY =
  /\b(?:alternative(?:ly)?|another (?:way|approach|option)|less efficient|brute[- ]force|slower)\b/i;

/** How strongly the sentence before a block, or the block's first comment, says that it is wrong. */
function doubt(lead: string, code: string): number {
  const line = lead.trimEnd().split("\n").at(-1) ?? "";
  const sentence = line.trimEnd().split(/[.!?]\s/).at(-1) ?? "";
  const comment = /^\s*#[^\n]{0,120}/.exec(code)?.[0] ?? "";
  const said = `${sentence} ${comment}`;
  if (WRONG.test(said) && !RIGHT.test(said)) return 5;
  return OTHER_WAY.test(said) && !RIGHT.test(said) ? 2 : 0;
}

function fromJson(
  text: string,
  fences: readonly Block[],
  search: Search,
  depth: number,
): Found | null {
  const sources = fences.filter(({ language }) => language === "json" || language === "none")
    .slice(-MANY).map((block) => block.text);
  for (const source of [...sources.reverse(), text]) {
    for (const { field, value } of jsonStrings(source).slice(0, MANY)) {
      const found = value.trim() ? codeOf(plainBreaks(value), search, depth + 1) : null;
      if (found && found.quality > 1) {
        return { ...found, how: `JSON${field ? ` field "${field}"` : ""}; ${found.how}` };
      }
    }
  }
  return null;
}

/** The last block that is the entry point's body. */
function bodyIn(blocks: readonly Block[], search: Search): Found | null {
  const usable = blocks.filter(({ language }) => language === "python" || language === "none")
    .slice(-MANY);
  for (const evidence of ["indented", "returns", "statements"] as const) {
    if (evidence === "statements" && usable.length !== 1) continue;
    for (const block of usable.toReversed()) {
      const text = outdented(block);
      const found = completion(text, search, evidence, usable.filter((other) => other !== block));
      if (found) return { ...found, how: `${block.where}; ${found.how}` };
    }
  }
  return null;
}

/** A block's text without the indentation of its fence. */
function outdented({ text, indent }: Block): string {
  if (indent === 0) return text;
  return text.replace(new RegExp(`^[ \\t]{1,${Math.min(indent, 40)}}`, "gm"), "");
}

/** The prompt completed with a body, and with what the body needs from the text after it. */
function completion(
  text: string,
  search: Search,
  evidence: Evidence,
  helpers: readonly Block[],
): Found | null {
  if (!text.trim()) return null;
  const { code, mended } = mendCharacters(text);
  const completed = completePrompt(search.prompt, search.name, code, evidence);
  if (!completed) return null;
  const rest = codeInProse(completed.rest).slice(0, MANY).map((block) => block.text);
  const others = [...rest, ...helpers.map((block) => asModule(block).code)];
  const module = assembleModule(completed.code, search.name, search.prompt, others);
  const words = [
    "body for the prompt",
    ...mendedWords([...mended, ...(completed.moved ? ["indentation"] : [])]),
    ...module.done,
  ];
  const quality = findDefinition(scanPython(module.code), search.name)?.quality ?? 1;
  return { code: module.code, how: words.join("; "), quality };
}
