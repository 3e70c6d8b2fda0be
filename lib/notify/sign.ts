/** Signs callbacks, so that receivers can check who sent them and when. */
import { createHmac } from "node:crypto";

/**
 * Returns the headers of a signed callback: `x-dyno-timestamp`, Unix seconds, and
 * `x-dyno-signature`, `sha256=` with the hexadecimal HMAC-SHA256 of `TIMESTAMP.BODY` under the
 * secret. Receivers should refuse old timestamps, so that nobody can replay a callback. Without a
 * secret there is only the timestamp.
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
