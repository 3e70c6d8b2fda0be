/** Keeping secrets out of everything that is written or printed. */
import { isSecretHeader } from "../endpoint/secret_names.ts";

const MASK = "***";
/** Shorter values would blank out ordinary words. */
const SHORTEST_SECRET = 6;

/** Replaces known secret values in text. */
export class Redactor {
  readonly #secrets: string[] = [];

  /** Learns a value that must never appear, nor as JSON, as JSON in JSON, or as a URL has it. */
  learn(secret: string | null | undefined): void {
    if (!secret || secret.length < SHORTEST_SECRET) return;
    const escaped = inJson(secret);
    const forms = [secret, escaped, inJson(escaped), ...inUrls(secret)];
    this.#secrets.push(...new Set(forms));
  }

  /** Learns the values of headers whose names say that they are secret. */
  learnHeaders(headers: Record<string, string>): void {
    for (const [name, value] of Object.entries(headers)) {
      if (!isSecretHeader(name)) continue;
      this.learn(value);
      this.learn(value.replace(/^\w+\s+/, "")); // without "Bearer "
    }
  }

  /** The value with secrets replaced in its texts. */
  redactValue<Value>(value: Value): Value {
    const text = JSON.stringify(value);
    const clean = this.redact(text);
    return clean === text ? value : JSON.parse(clean);
  }

  redact(text: string): string {
    for (const secret of this.#secrets) {
      // more than once: with what stands before it, the mask may make a secret that ends with stars
      while (text.includes(secret)) text = text.replaceAll(secret, MASK);
    }
    return text;
  }
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** None of a text that is no Unicode: URLs cannot hold it. */
function inUrls(text: string): string[] {
  return text.isWellFormed() ? [encodeURI(text), encodeURIComponent(text)] : [];
}
