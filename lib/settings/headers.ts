/** The one check of the names and values of headers that users set, whatever their source. */
import { z } from "zod";

/** RFC 9110, 5.6.2. */
const NAME = /^[!#$%&'*+.^_`|~\w-]+$/;
/** RFC 9110, 5.5: visible characters, with spaces and tabs between them; a character is one byte. */
const VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;

/** Headers that dyno or its transports set; another value would change the request. */
const OWN = new Set([
  "accept",
  "accept-encoding",
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "expect",
  "host",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "user-agent",
]);

/**
 * What is wrong with a header's value; null for nothing. The message does not repeat the value, which may
 * be a secret.
 */
export function valueFault(value: string): string | null {
  if (VALUE.test(value)) return null;
  if (/[\r\n]/.test(value)) return "has a line break; expected one line";
  if (/^[\t ]|[\t ]$/.test(value)) return "has a blank at its start or end";
  return "has a control character, or one beyond Latin-1; expected printable text";
}

/** What is wrong with a user's headers, and with which one; null for nothing. */
export function headerFault(
  headers: Readonly<Record<string, string>>,
): { name: string; message: string } | null {
  const seen = new Set<string>();
  for (const [name, value] of Object.entries(headers)) {
    const known = name.toLowerCase();
    const message = !NAME.test(name)
      ? "is not the name of a header"
      : OWN.has(known)
      ? "is a header that dyno sets itself; leave it out"
      : seen.has(known)
      ? "is there twice, in upper and lower case"
      : valueFault(value);
    if (message !== null) return { name, message };
    seen.add(known);
  }
  return null;
}

/** The schema of headers, by name. */
export const headerRecord = z.record(z.string(), z.string()).superRefine((headers, context) => {
  const fault = headerFault(headers);
  if (fault) context.addIssue({ code: "custom", path: [fault.name], message: fault.message });
});
