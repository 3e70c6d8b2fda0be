/**
 * A prefix cache like vLLM's: blocks of tokens, each identified by its content and everything
 * before it.
 */
import { createHash } from "node:crypto";
import { BLOCK_TOKENS } from "../settings/mock.ts";

/**
 * Remembers which prompt blocks were computed before, like vLLM 0.11
 * (docs/design/prefix_caching.md, v1/core). Only full blocks are kept. A block's hash includes the
 * hash of the previous block. The least recently used block is evicted first, and of one prompt the
 * last block. The last token of a prompt is always computed. Unlike in vLLM, a block in use can be
 * evicted too, because the mock has no requests that wait for memory.
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
  /** Hashes, least recently used first. */
  readonly #blocks = new Set<string>();
  /** Prompt tokens that were looked up since the start. */
  queries = 0;
  /** Prompt tokens that were found since the start. */
  hits = 0;

  /** @param capacity number of blocks. */
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
   * @param seed what else must be equal, such as the model.
   * @returns how many of its first tokens were cached.
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

  /** Keeps the blocks of a prompt and of its generated tokens. */
  keep(seed: string, tokens: readonly string[]): void {
    this.#keep(hashesOf(seed, tokens));
  }

  /** Forgets all blocks, like POST /reset_prefix_cache; the counters keep their values. */
  reset(): void {
    this.#blocks.clear();
  }

  /**
   * Makes the first block the most recent one, because the blocks after it are useless without it.
   */
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
