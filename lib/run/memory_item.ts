/** Items that are stored in a memory server, and how they are recognised there. */
import { createHash } from "node:crypto";
import { canonicalJson } from "../settings/item_id.ts";

/** A memory to be stored, with the fields of the tool `remember`. */
export interface MemoryItem {
  title: string;
  /** A short text, which servers may truncate. The complete data are in `metadata`. */
  content: string;
  category: string;
  tags: string[];
  importance: "low" | "normal" | "high" | "critical";
  metadata: Record<string, unknown>;
}

/**
 * Returns the title of an item at its n-th attempt, from 0. A server may take a similar title for
 * an update of another memory, so later attempts add a fingerprint, which makes the title unlike
 * any other.
 */
export function titleAt(item: MemoryItem, attempt: number): string {
  if (attempt === 0) return item.title;
  const title = item.title.replace(/ \[[0-9a-f ]{20,}\]$/, "");
  const digest = createHash("sha256").update(canonicalJson([item, attempt])).digest("hex");
  return `${title} [${digest.match(/.{8}/g)!.join(" ")}]`;
}

/** Returns the benchmark run of a memory, whichever program stored it; null for other memories. */
export function runOf({ metadata: { run_id, benchmark_run_id } }: MemoryItem): string | null {
  const id = benchmark_run_id ?? run_id;
  return typeof id === "string" && id.startsWith("bench_") ? id : null;
}

/** Memories by tag, to find items among them. */
export class MemoryIndex {
  readonly #byTag = new Map<string, MemoryItem[]>();

  constructor(memories: Iterable<MemoryItem>) {
    for (const memory of memories) {
      for (const tag of new Set(memory.tags.map(folded))) {
        const list = this.#byTag.get(tag);
        if (list) list.push(memory);
        else this.#byTag.set(tag, [memory]);
      }
    }
  }

  /** Whether a memory has all tags of an item, and all its metadata unchanged. */
  has(item: MemoryItem): boolean {
    const lists = item.tags.map((tag) => this.#byTag.get(folded(tag)) ?? []);
    const [shortest = []] = lists.toSorted((a, b) => a.length - b.length);
    return shortest.some((memory) =>
      lists.every((list) => list === shortest || list.includes(memory)) &&
      Object.entries(item.metadata).every(([name, value]) =>
        canonicalJson(memory.metadata[name] ?? null) === canonicalJson(value ?? null)
      )
    );
  }
}

function folded(tag: string): string {
  return tag.toLowerCase();
}
