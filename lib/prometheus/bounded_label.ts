/** Label values from outside, such as names of models: so many at most, since each one is a series. */

const LONGEST = 100;

/** What stands for all values after the first ones. */
export const OTHER = "other";

/** The values of one label: the first `most` are themselves, what comes later is {@linkcode OTHER}. */
export class BoundedLabel {
  readonly #most: number;
  readonly #known = new Set<string>();

  constructor(most: number) {
    this.#most = most;
  }

  /** The label's value for a text; "unknown" for none. */
  of(text: string | null | undefined): string {
    if (!text) return "unknown";
    const value = text.slice(0, LONGEST);
    if (this.#known.has(value)) return value;
    if (this.#known.size >= this.#most) return OTHER;
    this.#known.add(value);
    return value;
  }
}
