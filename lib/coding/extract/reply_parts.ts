/** Splits a reply into its parts: thinking, the answer, and what wraps the answer. */
import type { Block } from "./block.ts";

const OPEN =
  /^[ \t]*(?:<(?:think|thinking|thought|reasoning|analysis|scratchpad)>|\[THINK\]|<\|begin_of_thought\|>|<\|channel\|>analysis<\|message\|>)/i;
const CLOSE =
  /(?:<\/(?:think|thinking|thought|reasoning|analysis|scratchpad)>|\[\/THINK\]|<\|end_of_thought\|>|<\|channel\|>final<\|message\|>)/gi;

/** A reply's answer and its thinking, which may be in tags anywhere before or after the answer. */
export function splitReply(
  text: string,
  reasoning: string | null,
): { answer: string; thinking: string } {
  const answer: string[] = [];
  const thinking: string[] = reasoning ? [reasoning] : [];
  let from = 0;
  let inside = false;
  let start = 0;
  for (let at = 0; at <= text.length;) {
    const newline = text.indexOf("\n", at);
    const end = newline < 0 ? text.length : newline;
    const line = text.slice(at, end);
    at = end + 1;
    if (!line.includes("<") && !line.includes("[")) continue;
    let rest = 0;
    const opening = inside ? null : OPEN.exec(line);
    if (opening) {
      start = end - line.length;
      answer.push(text.slice(from, start));
      from = start + opening[0].length;
      rest = opening[0].length;
      inside = true;
    }
    const closing = lastTag(line, rest, inside);
    if (closing) {
      // A closing tag without an opening one: that one was in the request's template.
      thinking.push(text.slice(from, end - line.length + closing.index));
      if (!inside) thinking.push(...answer.splice(0));
      from = end - line.length + closing.index + closing[0].length;
      inside = false;
    }
  }
  (inside ? thinking : answer).push(text.slice(from));
  return { answer: cutAtEnd(answer.join("\n")), thinking: cutAtEnd(thinking.join("\n")) };
}

/** The tag that closes thinking on a line; a tag inside a string does not count. */
function lastTag(line: string, from: number, inside: boolean): RegExpExecArray | null {
  CLOSE.lastIndex = from;
  const found = CLOSE.exec(line);
  if (!found) return null;
  const before = line.slice(from, found.index).trim();
  const after = line.slice(found.index + found[0].length);
  const quoted = /^(?:["']|`(?!``))/.test(after);
  return quoted || (!inside && before.includes("=")) ? null : found;
}

const END =
  /<\|(?:endoftext|im_end|eot_id|end|return|end_of_text|file_separator|file_sep|fim_prefix|fim_suffix|fim_middle|fim_pad|eom_id|start_header_id|im_start|end_of_solution)\|>|<\uff5cend\u2581of\u2581sentence\uff5c>|<\/s>[ \t]*(?=\n|$)|<end_of_turn>/g;
const START =
  /<\|begin_of_solution\|>|<\|start_header_id\|>assistant<\|end_header_id\|>|<s>(?=[ \t]*\n)/g;

/** The text up to the end that the model marked; text after that is ignored. */
function cutAtEnd(text: string): string {
  const begun = text.replace(START, "");
  for (const { index } of begun.matchAll(END)) {
    const before = begun.slice(0, index);
    if (before.trim()) return before;
  }
  return begun.replace(END, "");
}

const WRAPPERS = [
  ["<code>", "</code>"],
  ["<python>", "</python>"],
  ["<answer>", "</answer>"],
  ["<solution>", "</solution>"],
  ["<pre>", "</pre>"],
  ["[PYTHON]", "[/PYTHON]"],
  ["[BEGIN]", "[DONE]"],
  ["[CODE]", "[/CODE]"],
  ["\\begin{code}", "\\end{code}"],
  ["\\begin{lstlisting}", "\\end{lstlisting}"],
  ["\\begin{verbatim}", "\\end{verbatim}"],
] as const;

/** An argument of a function call in tags: `<parameter=code>`, `<parameter name="code">`. */
const PARAMETER = /<parameter(?:=| name=)"?[\w.-]{1,100}"?>([^]*?)(?:<\/parameter>|$)/g;
const QUOTED = /('''|""")([^]*?)\1/g;

/** The text between the tags that models put around code. */
export function wrappedBlocks(text: string): Block[] {
  const blocks: Block[] = [];
  for (const [open, close] of WRAPPERS) {
    for (let at = text.indexOf(open); at >= 0;) {
      const from = at + open.length;
      const found = text.indexOf(close, from);
      const end = found < 0 ? text.length : found;
      const inner = text.slice(from, end).replace(/^\s*<(?:code|pre)[^<>]{0,100}>/, "")
        .replace(/\s*<\/(?:code|pre)>\s*$/, "\n")
        .replace(/^\[[^\]\n]{0,100}\][ \t]*(?=\n)/, "");
      blocks.push({
        text: inner,
        where: `${open} block`,
        start: at,
        end,
        unfinished: found < 0,
        language: "none",
        indent: 0,
      });
      at = found < 0 ? -1 : text.indexOf(open, end);
    }
  }
  for (const { 0: whole, 1: inner, index } of text.matchAll(PARAMETER)) {
    blocks.push({
      text: inner,
      where: "argument of a call",
      start: index,
      end: index + whole.length,
      unfinished: false,
      language: "none",
      indent: 0,
    });
  }
  return blocks.sort((a, b) => a.start - b.start);
}

/** The triple-quoted texts, as in a call that submits code. */
export function quotedBlocks(text: string): Block[] {
  return [...text.matchAll(QUOTED)].map(({ 0: whole, 2: inner, index }) => ({
    text: inner,
    where: "text in quotes",
    start: index,
    end: index + whole.length,
    unfinished: false,
    language: "none",
    indent: 0,
  }));
}

const FIELDS = ["code", "solution", "answer", "python", "implementation", "completion", "content"];

/** The strings of a reply that is JSON or contains it; fields with a name for code come first. */
export function jsonStrings(text: string): { field: string; value: string }[] {
  const trimmed = text.trim();
  const from = trimmed.search(/[{["]/);
  const to = Math.max(trimmed.lastIndexOf("}"), trimmed.lastIndexOf("]"), trimmed.lastIndexOf('"'));
  if (from < 0 || to <= from) return [];
  const parsed = parseLoosely(trimmed.slice(from, to + 1));
  const strings: { field: string; value: string }[] = [];
  const walk = (value: unknown, field: string, depth: number) => {
    if (strings.length > 2000) return;
    if (typeof value === "string") strings.push({ field, value });
    else if (Array.isArray(value)) {
      // Code as a list of lines.
      if (value.length > 1 && value.every((part) => typeof part === "string")) {
        strings.push({ field, value: value.join("\n") });
      }
      if (depth < 8) value.forEach((part) => walk(part, field, depth + 1));
    } else if (typeof value === "object" && value !== null && depth < 8) {
      for (const [key, part] of Object.entries(value)) walk(part, key, depth + 1);
    }
  };
  walk(parsed, "", 0);
  const rank = ({ field }: { field: string }) => {
    const at = FIELDS.indexOf(field.toLowerCase());
    return at < 0 ? FIELDS.length : at;
  };
  return strings.sort((a, b) => rank(a) - rank(b));
}

/** Parses JSON, also with line breaks inside strings; undefined for anything else. */
function parseLoosely(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    try {
      return JSON.parse(withEscapedBreaks(text));
    } catch {
      return undefined;
    }
  }
}

function withEscapedBreaks(text: string): string {
  const out: string[] = [];
  let copied = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const letter = text[i];
    if (letter === "\\") i++;
    else if (letter === '"') inString = !inString;
    else if (inString && (letter === "\n" || letter === "\t")) {
      out.push(text.slice(copied, i), letter === "\n" ? "\\n" : "\\t");
      copied = i + 1;
    }
  }
  out.push(text.slice(copied));
  return out.join("");
}
