/** Chooses the requests that the mock's fault affects. */
import { seededRandom } from "../stats/random.ts";
import { textHash } from "./tokens.ts";

/**
 * The choice depends on the seed, the request and how often it came, not on the order of arrival.
 */
export class FaultChoice {
  readonly #seed: number;
  /** How often each request came, by the hash of its body. */
  readonly #seen = new Map<number, number>();
  #hits = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Forgets all requests. */
  reset(): void {
    this.#hits = 0;
    this.#seen.clear();
  }

  /**
   * Whether this request is affected: a share of all requests, and at most `fault_count` of them.
   */
  hits(
    body_text: string,
    { fault_rate, fault_count }: { fault_rate: number; fault_count: number | null },
  ): boolean {
    const request = textHash(body_text);
    const occurrence = (this.#seen.get(request) ?? 0) + 1;
    this.#seen.set(request, occurrence);
    if (fault_count !== null && this.#hits >= fault_count) return false;
    const hit = seededRandom(textHash(`${this.#seed}/${occurrence}/${request}`))() < fault_rate;
    if (hit) this.#hits++;
    return hit;
  }
}
