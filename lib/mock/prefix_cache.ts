/** A prefix cache as vLLM's is: blocks of tokens, known by what they and all before them hold. */
import { createHash } from "node:crypto";
import { BLOCK_TOKENS } from "../settings/mock.ts";

/**
 * Which prompt blocks were computed before. As in vLLM 0.11 (docs/design/prefix_caching.md, v1/core):
 * only full blocks are kept, a block's hash holds the hash of the one before it, the least recently
 * used block goes first and of one prompt the last, and the last token of a prompt is always computed.
 * Other than there, a block in use may go too: the mock has no requests that wait for memory.
 *
 * @example
 * ```ts
 * const cache = new PrefixCache(1000);
 * const tokens = Array.from({ length: 40 }, (_, i) => `token ${i}`);
 * cache.use("model", tokens); // 0
 * cache.use("model", tokens); // 32
 * ```
 */
export class PrefixCache {
  readonly #capacity: number;
  /** Hashes from the least to the most recently used. */
  readonly #blocks = new Set<string>();
  /** Prompt tokens that were looked up since the start. */
  queries = 0;
  /** Prompt tokens that were found since the start. */
  hits = 0;

  /** @param capacity blocks. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Blocks that are kept now. */
  get size(): number {
    return this.#blocks.size;
  }

  /**
   * Looks a prompt up, and keeps its blocks.
   *
   * @param seed what else has to be the same, as the model.
   * @returns how many of its first tokens were known.
   */
  use(seed: string, tokens: readonly string[]): number {
    const hashes = hashesOf(seed, tokens);
    const reusable = Math.floor(Math.max(0, tokens.length - 1) / BLOCK_TOKENS);
    let known = 0;
    while (known < reusable && this.#blocks.has(hashes[known])) known++;
    this.#keep(hashes);
    this.queries += tokens.length;
    this.hits += known * BLOCK_TOKENS;
    return known * BLOCK_TOKENS;
  }

  /** Keeps the blocks of a prompt and of what was generated after it. */
  keep(seed: string, tokens: readonly string[]): void {
    this.#keep(hashesOf(seed, tokens));
  }

  /** Forgets all blocks, as POST /reset_prefix_cache; the counters go on. */
  reset(): void {
    this.#blocks.clear();
  }

  /** The first block becomes the newest: without it, those after it are of no use. */
  #keep(hashes: readonly string[]): void {
    for (const hash of hashes.slice(0, this.#capacity).reverse()) {
      this.#blocks.delete(hash);
      this.#blocks.add(hash);
    }
    for (const hash of this.#blocks) {
      if (this.#blocks.size <= this.#capacity) break;
      this.#blocks.delete(hash);
    }
  }
}

function hashesOf(seed: string, tokens: readonly string[]): string[] {
  let before = seed;
  return Array.from({ length: Math.floor(tokens.length / BLOCK_TOKENS) }, (_, i) => {
    const block = tokens.slice(i * BLOCK_TOKENS, (i + 1) * BLOCK_TOKENS);
    before = createHash("sha256").update(JSON.stringify([before, ...block])).digest("base64");
    return before;
  });
}
