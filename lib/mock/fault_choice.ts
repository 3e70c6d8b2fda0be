/** Which requests the mock's fault hits. */
import { seededRandom } from "../stats/random.ts";
import { textHash } from "./tokens.ts";

/** Depends on the seed, the request and how often it came: not on the order of arrival. */
export class FaultChoice {
  readonly #seed: number;
  /** How often each request came, by the hash of its body. */
  readonly #seen = new Map<number, number>();
  #hits = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Begins again. */
  reset(): void {
    this.#hits = 0;
    this.#seen.clear();
  }

  /** Whether this request is hit: a share of all, and no more than `fault_count` of them. */
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
