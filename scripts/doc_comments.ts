/** Finds the doc comments of schema fields, for fields without a description. */
import { readFileSync } from "node:fs";

/** Fields of one object in the source, with their comments; "" if there is none. */
type Block = Map<string, string>;

/** The objects of a source file: fields with one indentation, up to the line that closes them. */
function blocksIn(source: string): Block[] {
  const blocks: Block[] = [];
  const open = new Map<number, Block>();
  let comment = "";
  const lines = source.replaceAll(
    /\/\*\*([^]*?)\*\//g,
    (_, text) => `/**${text.replaceAll(/\s*\n\s*\*?\s*/g, " ")}*/`,
  ).split("\n");
  for (const line of lines) {
    const told = /^\s*\/\*\* ?(.*?) ?\*\/$/.exec(line)?.[1];
    if (told !== undefined) comment = told;
    else {
      const indent = line.search(/\S/);
      if (indent >= 0) {
        for (const at of open.keys()) if (at > indent) open.delete(at);
      }
      const name = /^\s+(\w+): /.exec(line)?.[1];
      if (name !== undefined) {
        const block = open.get(indent) ?? new Map();
        if (!open.has(indent)) blocks.push(block);
        open.set(indent, block.set(name, comment));
      }
      comment = "";
    }
  }
  return blocks;
}

/** Finds the comment of a field, in an object that has exactly these fields. */
export function commentFinder(
  paths: readonly string[],
): (fields: readonly string[], field: string) => string {
  const blocks = paths.flatMap((path) => blocksIn(readFileSync(path, "utf8")));
  return (fields, field) => {
    const [best] = blocks
      .filter((block) =>
        block.get(field) && [...block.keys()].every((name) => fields.includes(name)) &&
        (block.size > 1 || fields.filter((name) => name !== "$schema").length === 1) // one name alone is in objects of all kinds
      )
      .sort((a, b) => b.size - a.size);
    const text = (best?.get(field) ?? "").replaceAll(/\{@link\w* (\w+)\}/g, "$1").replace(
      /\.$/,
      "",
    );
    return /^[A-Z][a-z ]/.test(text) ? text[0].toLowerCase() + text.slice(1) : text;
  };
}
