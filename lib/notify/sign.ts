/** Signatures by which a receiver knows that a callback came from here, and just now. */
import { createHmac } from "node:crypto";

/**
 * The headers of a signed callback: `x-dyno-timestamp`, unix seconds, and `x-dyno-signature`,
 * `sha256=` with the hexadecimal HMAC-SHA256 of `TIMESTAMP.BODY` under the secret. A receiver refuses
 * old timestamps, so that nobody sends a callback again. Without a secret there is only the timestamp.
 */
export function signatureHeaders(
  body: string,
  secret: string | null,
  unix_s: number,
): Record<string, string> {
  const timestamp = String(Math.floor(unix_s));
  if (secret === null) return { "x-dyno-timestamp": timestamp };
  const signature = createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex");
  return { "x-dyno-timestamp": timestamp, "x-dyno-signature": `sha256=${signature}` };
}
