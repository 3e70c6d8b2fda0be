/** Asking servers other than a model's, by the runtime's fetch. */
import { messageOf, ToldError } from "./errors.ts";

/** What servers say of runs and objects is far below; a page unpacks to more, or has no end. */
const MOST_BYTES = 64 << 20;

/** An answer of more than is read: asked again, the server says the same. */
export class LargeAnswerError extends ToldError {
  override readonly name = "LargeAnswerError";
}

/** An answer, whole. */
export interface Fetched {
  status: number;
  headers: Headers;
  text: string;
}

/**
 * Asks, and reads the answer to its end. A redirect is an answer like any other: neither what authorises nor
 * a body goes where a server sends it on to.
 *
 * @param most_bytes of the answer, unpacked.
 * @throws {LargeAnswerError}
 * @throws {Error} there is no answer.
 */
export async function fetchWhole(
  to: string | Request,
  options: RequestInit,
  most_bytes = MOST_BYTES,
): Promise<Fetched> {
  const { status, headers, body } = await fetch(to, { ...options, redirect: "manual" });
  const decoder = new TextDecoder();
  let text = "", bytes = 0;
  for await (const part of body ?? []) {
    bytes += part.length;
    if (bytes > most_bytes) {
      throw new LargeAnswerError(`an answer of more than ${most_bytes >> 20} MB`); // leaving ends it
    }
    text += decoder.decode(part, { stream: true });
  }
  return { status, headers, text: text + decoder.decode() };
}

/**
 * The reason in short, such as "Connection refused". Node has it in the error's cause, Deno at the end
 * of the message, after the whole URL.
 */
export function whyFetchFailed(error: unknown): string {
  const cause = error instanceof Error ? error.cause ?? error : error;
  const { code } = cause as { code?: unknown };
  const said = messageOf(cause).split(": ").at(-1)!.replace(/ \(os error \d+\)$/, "");
  return said || String(code ?? messageOf(error));
}
