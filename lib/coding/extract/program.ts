/**
 * Extracts the program from a reply in any language: a fenced block in that language, or the whole
 * answer.
 */
import { splitReply } from "./reply_parts.ts";
import type { CodeReply, ExtractedCode } from "./extract_code.ts";

const FENCE = /^[ \t]*(`{3,}|~{3,})[ \t]*([^\s`]*)[^\n]*\n/gm;

/**
 * Returns the last block whose fence names the language, else the longest block, else the whole answer if
 * it has no fence.
 *
 * @param names names of the language, in lower case.
 */
export function extractProgram(reply: CodeReply, names: readonly string[]): ExtractedCode {
  const { answer } = splitReply(
    reply.text.replace(/\r\n?/g, "\n"),
    reply.reasoning?.replace(/\r\n?/g, "\n") ?? null,
  );
  const blocks = blocksOf(answer);
  const own = blocks.filter(({ info }) => names.includes(info.toLowerCase()));
  if (own.length) return { code: own[own.length - 1].code, how: `the last ${names[0]} block` };
  const longest = blocks.toSorted((a, b) => b.code.length - a.code.length)[0];
  if (longest) return { code: longest.code, how: "the longest block" };
  const code = answer.trim();
  return code ? { code: `${code}\n`, how: "the whole answer" } : { code: null, how: "empty reply" };
}

function blocksOf(text: string): { info: string; code: string }[] {
  const blocks: { info: string; code: string }[] = [];
  let open: { mark: string; info: string; from: number } | null = null;
  // a last fence may have no line break after it
  for (const { 0: line, 1: mark, 2: info, index } of `${text}\n`.matchAll(FENCE)) {
    const closes = open && info === "" && mark.startsWith(open.mark);
    if (open && !closes) continue; // a line of the block that looks like a fence
    if (open) blocks.push({ info: open.info, code: text.slice(open.from, index) });
    open = open ? null : { mark, info, from: index + line.length };
  }
  if (open) blocks.push({ info: open.info, code: text.slice(open.from) });
  return blocks.filter(({ code }) => code.trim() !== "");
}
