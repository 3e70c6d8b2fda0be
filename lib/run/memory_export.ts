/** Parses the answers of export_memories, in the forms that servers use. */
import { objectOr, objectsIn } from "../json_fields.ts";
import type { MemoryItem } from "./memory_item.ts";

const IMPORTANCES = ["low", "normal", "high", "critical"] as const;

/** The part of a tool's result that is used. */
export interface ToolResult {
  content?: unknown;
  structuredContent?: unknown;
  [other: string]: unknown;
}

/**
 * Returns the memories of an export: structured, or as JSON in a text (also after a line such as
 * "Exported 3 memories:"), in a list or under `memories`. Tags and metadata may be JSON texts.
 *
 * @returns null if the answer has none of these forms.
 */
export function exportedMemories(result: ToolResult): MemoryItem[] | null {
  const texts = Array.isArray(result.content) ? result.content.map(textOf).join("") : "";
  const list = listOf(result.structuredContent) ?? listOf(jsonIn(texts));
  if (list === null) return /\b(no|0) memories\b/i.test(texts) ? [] : null;
  return objectsIn(list).map(memoryOf);
}

function memoryOf(
  { title, content, category, importance, tags, metadata }: Record<string, unknown>,
): MemoryItem {
  const own = parsed(metadata);
  const words = parsed(tags);
  return {
    title: textFrom(title) ?? "",
    content: textFrom(content) ?? "",
    category: textFrom(category) ?? "learning",
    importance: IMPORTANCES.find((known) => known === importance) ?? "high",
    tags: Array.isArray(words) ? words.map((word) => textFrom(word) ?? "") : [],
    metadata: objectOr(own),
  };
}

/** Returns any value as text; null for null or undefined. */
function textFrom(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  return typeof value === "string" ? value : JSON.stringify(value);
}

function textOf(block: unknown): string {
  const { text } = (block ?? {}) as { text?: unknown };
  return typeof text === "string" ? text : "";
}

function listOf(value: unknown): unknown[] | null {
  if (Array.isArray(value)) return value;
  const { memories } = (value ?? {}) as { memories?: unknown };
  return Array.isArray(memories) ? memories : null;
}

function jsonIn(text: string): unknown {
  const start = text.search(/[[{]/);
  if (start < 0) return null;
  const end = Math.max(text.lastIndexOf("]"), text.lastIndexOf("}"));
  return parsed(text.slice(start, end + 1));
}

/** Returns the value of a JSON text; anything else is returned as it is. */
function parsed(value: unknown): unknown {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    return null;
  }
}
