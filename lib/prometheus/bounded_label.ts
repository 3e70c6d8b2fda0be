/**
 * Limits the number of values of a label whose values come from outside, such as names of models:
 * each value is a series.
 */

const LONGEST = 100;

/** The label's value for all texts beyond the limit. */
export const OTHER = "other";

/** The values of one label. The first `most` texts are kept; later ones become {@linkcode OTHER}. */
export class BoundedLabel {
  readonly #most: number;
  readonly #known = new Set<string>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Returns the label's value for a text; "unknown" for none. */
  of(text: string | null | undefined): string {
    if (!text) return "unknown";
    const value = text.slice(0, LONGEST);
    if (this.#known.has(value)) return value;
    if (this.#known.size >= this.#most) return OTHER;
    this.#known.add(value);
    return value;
  }
}
