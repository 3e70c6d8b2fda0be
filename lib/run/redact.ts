/** Removes secrets from everything that is written or printed. */
import { isSecretHeader } from "../endpoint/secret_names.ts";

const MASK = "***";
/** Masking shorter values would blank out ordinary words. */
const SHORTEST_SECRET = 6;

/** Replaces known secret values in text. */
export class Redactor {
  readonly #secrets: string[] = [];

  /** Adds a secret value. It is also masked as JSON, as JSON within JSON, and in the encoding of URLs. */
  learn(secret: string | null | undefined): void {
    if (!secret || secret.length < SHORTEST_SECRET) return;
    const escaped = inJson(secret);
    const forms = [secret, escaped, inJson(escaped), ...inUrls(secret)];
    this.#secrets.push(...new Set(forms));
  }

  /** Adds the values of headers whose names suggest secrets. */
  learnHeaders(headers: Record<string, string>): void {
    for (const [name, value] of Object.entries(headers)) {
      if (!isSecretHeader(name)) continue;
      this.learn(value);
      this.learn(value.replace(/^\w+\s+/, "")); // without "Bearer "
    }
  }

  /** Returns a value with the secrets in its texts masked. */
  redactValue<Value>(value: Value): Value {
    const text = JSON.stringify(value);
    const clean = this.redact(text);
    return clean === text ? value : JSON.parse(clean);
  }

  redact(text: string): string {
    for (const secret of this.#secrets) {
      // repeated, as a mask and the text before it may form a secret that ends with stars
      while (text.includes(secret)) text = text.replaceAll(secret, MASK);
    }
    return text;
  }
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** The URL encodings of a secret; none if it is not valid Unicode, as a URL cannot contain it. */
function inUrls(text: string): string[] {
  return text.isWellFormed() ? [encodeURI(text), encodeURIComponent(text)] : [];
}
