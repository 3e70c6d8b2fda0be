/**
 * Reads YAML (1.2) that people wrote, as the JSON that it stands for. This file is loaded only for YAML.
 */
import {
  Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  visit,
  type YAMLParseError,
} from "yaml";
import { InputError } from "../errors.ts";
import { parseDigits } from "../lost_digits.ts";
import type { JsonFile } from "./json_file.ts";

/** More than any file needs, and much less than nested aliases could expand to. */
const LONGEST_JSON = 64_000_000;
/**
 * The size that a merge counts as: merging a map without fields adds nothing, but may be repeated many
 * times.
 */
const MERGED = "<<".padEnd(64);
/** A number in JSON's notation, which is kept unchanged: 50.0 keeps its point. */
const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/**
 * Parses YAML text that came from `path`. Numbers keep their notation.
 *
 * @param deepest the most levels of lists and objects.
 * @throws {InputError} malformed YAML, two documents, keys that are not texts or are repeated, with line
 * and column; endless nesting.
 */
export function parseYaml(path: string, text: string, deepest: number): JsonFile {
  const lines = new LineCounter();
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${line}:${col}`;
  };
  let documents;
  try {
    // repeated keys are reported below: the package would compare each key with each
    documents = parseAllDocuments(text, {
      lineCounter: lines,
      prettyErrors: false,
      uniqueKeys: false,
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new InputError(`${path}: nested too deeply`);
  }
  const [document] = Array.isArray(documents) ? documents : [];
  if (!(document instanceof Document) || document.contents === null) {
    throw new InputError(`${path}: the file is empty; expected YAML`);
  }
  const [fault] = document.errors;
  if (fault) {
    throw new InputError(
      `${path}:${place(fault.pos[0])}: malformed YAML: ${yamlFault(fault, text)}`,
    );
  }
  const second = documents[1];
  if (second !== undefined) {
    const at = place(second.range?.[0] ?? 0);
    throw new InputError(`${path}:${at}: a second document; expected one, without a line of ---`);
  }
  const whole = document as Document;
  const refuse = (node: Node, why: string) =>
    new InputError(`${path}:${place(node.range?.[0] ?? 0)}: ${why}`);
  const resolved = resolver(whole);
  const json = jsonOf(whole.contents, resolved, deepest, refuse);
  return {
    path,
    text: json,
    value: parseDigits(json),
    at: (keys) => {
      const node = nodeAt(whole.contents, resolved, keys);
      return node?.range ? place(node.range[0]) : null;
    },
  };
}

/** Resolves a node: for an alias, returns the node that it stands for. */
type Resolve = (node: unknown) => Node | null;

function nodeAt(
  root: unknown,
  resolved: Resolve,
  keys: readonly (string | number)[],
): Node | null {
  let node = resolved(root);
  for (const key of keys) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
      node = resolved(pair?.value ?? (pair?.key as Node | undefined));
    } else if (isSeq(node)) node = resolved(node.items[Number(key)]);
    else return null;
  }
  return node;
}

/** An alias stands for the nearest earlier node with its name. */
function resolver(document: Document): Resolve {
  const named = new Map<string, Node>();
  const meant = new Map<unknown, Node | null>();
  visit(document, {
    Alias: (_, alias) => void meant.set(alias, named.get(alias.source) ?? null),
    Value: (_, node) => void (node.anchor !== undefined && named.set(node.anchor, node)),
  });
  return (node) => {
    const found = isAlias(node) ? meant.get(node) : node;
    return isMap(found) || isSeq(found) || isScalar(found) ? found : null;
  };
}

/**
 * The JSON of a document. Aliases are replaced by what they stand for, and `<<` merges another map's
 * fields.
 */
function jsonOf(
  root: unknown,
  resolved: Resolve,
  deepest: number,
  refuse: (node: Node, why: string) => InputError,
): string {
  let length = 0;
  const counted = (text: string, node: Node) => {
    length += text.length;
    if (length <= LONGEST_JSON) return text;
    throw refuse(node, "expands to more than 64 MB of JSON");
  };
  const write = (given: unknown, depth: number): string => {
    const node = resolved(given);
    if (node === null && isAlias(given)) throw refuse(given, `*${given.source} names nothing`);
    if (node === null) return "null";
    counted("[]", node);
    if (depth > deepest) throw refuse(node, "nested too deeply");
    if (isSeq(node)) return `[${node.items.map((item) => write(item, depth + 1)).join(",")}]`;
    if (isMap(node)) {
      const fields = new Map<string, string>();
      fill(node, fields, depth);
      return `{${[...fields].map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(",")}}`;
    }
    if (!isScalar(node)) return "null";
    const { value, source } = node;
    if (typeof value === "number" && source !== undefined && JSON_NUMBER.test(source)) {
      return counted(source, node);
    }
    if (typeof value === "number" && !Number.isFinite(value)) {
      throw refuse(node, `${source} is not a number that JSON has`);
    }
    return counted(JSON.stringify(typeof value === "bigint" ? Number(value) : value ?? null), node);
  };
  const fill = (node: Node, fields: Map<string, string>, depth: number) => {
    if (depth > deepest) throw refuse(node, "nested too deeply");
    counted(MERGED, node);
    if (!isMap(node)) throw refuse(node, "<< takes a map, or a list of maps");
    const own = new Map<string, string>();
    for (const { key, value } of node.items) {
      if (!isScalar(key)) throw refuse(node, "a key is not text; put it in quotes");
      const name = String(key.value);
      if (name !== "<<" || key.type === "QUOTE_DOUBLE" || key.type === "QUOTE_SINGLE") {
        if (own.has(name)) {
          throw refuse(key as Node, `"${name}" appears twice; a key may appear once`);
        }
        own.set(name, write(value, depth + 1));
        continue;
      }
      const merged = resolved(value);
      const maps = isSeq(merged) ? merged.items.map((item) => resolved(item)) : [merged];
      for (const map of maps.reverse()) fill(map ?? node, fields, depth + 1);
    }
    own.forEach((json, name) => fields.set(name, json));
  };
  return write(root, 0);
}

/**
 * Says what is wrong and what to do; errors not known here keep the library's message.
 *
 * @param text the text that the error's positions refer to.
 */
function yamlFault(
  { code, message, pos: [from, to] }: YAMLParseError,
  text: string,
): string {
  const at = text.slice(from, to).trim();
  switch (code) {
    case "TAB_AS_INDENT":
      return "a tab in the indentation; use spaces";
    case "MISSING_CHAR":
      return message.startsWith("Missing closing")
        ? "a quote that is not closed"
        : "the indentation does not fit the item above; begin the line below its first key, or with -";
    case "BLOCK_AS_IMPLICIT_KEY":
      return 'a second ": " in one line, or a line indented further than its key; quote the text, or ' +
        "begin the line below the key";
    case "MULTILINE_IMPLICIT_KEY":
      return 'a line that is no "key: value"; a space follows the colon';
    case "BAD_INDENT":
      return "a [ or { that is not closed, or whose lines are not indented";
    case "BAD_SCALAR_START":
      return `a text that begins with ${at[0] ?? text[from]}; quote it`;
    case "BAD_DQ_ESCAPE":
      return `${
        message.slice(message.indexOf("\\"))
      } is not an escape in double quotes; write \\\\, or use single quotes`;
    case "UNEXPECTED_TOKEN":
      if (message.includes("block-seq-ind")) {
        return "a - on the line of its key; begin the list on the next line";
      }
      return /flow-(seq|map)-end/.test(message)
        ? `a ${at[0]} without its beginning`
        : "text after a value, or a line that is not indented as those above";
    default:
      return message;
  }
}
