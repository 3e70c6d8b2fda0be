/** Finds code in prose that is not fenced. */
import { headOf, opensBlock, scanPython } from "./scan_python.ts";
import { isDefinition, isTopStatement } from "./statements.ts";
import type { Block } from "./block.ts";

/** The fields of a block without a fence. */
const PLAIN = { unfinished: false, language: "none", indent: 0 } as const;

/** The longest runs of lines that are Python, in order. Takes linear time. */
export function codeInProse(text: string): Block[] {
  const scan = scanPython(text);
  const blocks: Block[] = [];
  let run: { start: number; end: number; indent: number; opened: boolean } | null = null;
  const finish = () => {
    if (run) {
      blocks.push({
        ...PLAIN,
        text: text.slice(run.start, run.end),
        where: `code in prose, part ${blocks.length + 1}`,
        start: run.start,
        end: run.end,
        indent: run.indent,
      });
    }
    run = null;
  };
  for (const line of scan.lines) {
    if (run && line.indent > run.indent && run.opened) {
      run.end = line.end;
      continue;
    }
    const head = headOf(scan, line);
    const isCode = isTopStatement(head, line.broken) && !isHeading(head);
    if (run && (line.indent !== run.indent || !isCode)) finish();
    if (!isCode) continue;
    run ??= { start: line.start, end: line.end, indent: line.indent, opened: false };
    run.end = line.end;
    run.opened = opensBlock(head) || isDefinition(head);
  }
  finish();
  return blocks;
}

/**
 * Runs of lines that Markdown treats as code because they are indented by four spaces after an empty
 * line, in order.
 */
export function indentedBlocks(text: string): Block[] {
  const runs = text.matchAll(/(?<=\n[ \t]*\n)(?:(?: {4}|\t)[^\n]*(?:\n|$))+/g);
  return Array.from(runs, ({ 0: code, index }) => ({
    ...PLAIN,
    text: code.endsWith("\n") ? code : `${code}\n`,
    where: "indented lines in prose",
    start: index,
    end: index + code.length,
  }));
}

/** Such as `Otherwise:`, which is not a statement. */
function isHeading(head: string): boolean {
  return /^"+$/.test(head) && head.length < 6;
}

/** The parts between single backticks, as blocks. */
export function inlineCode(text: string): Block[] {
  return Array.from(text.matchAll(/`([^`\n]+)`/g), ({ 0: whole, 1: code, index }) => ({
    ...PLAIN,
    text: `${code}\n`,
    where: "inline code",
    start: index,
    end: index + whole.length,
  }));
}
