/** Keeping secrets out of everything that is written or printed. */

const SECRET_HEADER = /authorization|api-?key|token|secret|cookie|password/i;
const MASK = "***";
/** Shorter values would blank out ordinary words. */
const SHORTEST_SECRET = 6;

/** Whether a header's name says that its value is secret. */
export function isSecretHeader(name: string): boolean {
  return SECRET_HEADER.test(name);
}

/** Replaces known secret values in text. */
export class Redactor {
  readonly #secrets: string[] = [];

  /** Learns a value that must never appear, also in its JSON-escaped form. */
  learn(secret: string | null | undefined): void {
    if (!secret || secret.length < SHORTEST_SECRET) return;
    this.#secrets.push(secret);
    const escaped = JSON.stringify(secret).slice(1, -1);
    if (escaped !== secret) this.#secrets.push(escaped);
  }

  /** Learns the values of headers whose names say that they are secret. */
  learnHeaders(headers: Record<string, string>): void {
    for (const [name, value] of Object.entries(headers)) {
      if (!isSecretHeader(name)) continue;
      this.learn(value);
      this.learn(value.replace(/^\w+\s+/, "")); // without "Bearer "
    }
  }

  redact(text: string): string {
    for (const secret of this.#secrets) {
      if (text.includes(secret)) text = text.replaceAll(secret, MASK);
    }
    return text;
  }
}
