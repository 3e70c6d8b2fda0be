/**
 * AWS Signature Version 4:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 *
 * aws4fetch does not fit, because it only signs with promises, and a load hands over its requests
 * without waiting. The tests of uploads check these signatures with it.
 */
import { createHash, createHmac } from "node:crypto";
import type { AwsKey } from "./key.ts";

/** The request to sign. */
export interface SignedRequest {
  method: string;
  /** Its path and query are sent unchanged. */
  url: URL;
  /** Signed too, except those that proxies change. */
  headers: Readonly<Record<string, string>>;
  body: string | Uint8Array;
}

/** The service and region that the signature is valid for. */
export interface SigningScope {
  region: string;
  /** The service's name, such as "s3" or "bedrock". */
  service: string;
}

/** Headers that proxies may change. */
const UNSIGNED = new Set([
  "accept",
  "accept-encoding",
  "authorization",
  "connection",
  "content-length",
  "user-agent",
]);

/** The headers of a request, with lower-case names and the signature; valid for five minutes. */
export function signedHeaders(
  { method, url, headers, body }: SignedRequest,
  { access_key_id, secret_access_key, session_token }: AwsKey,
  { region, service }: SigningScope,
  now: Date = new Date(),
): Record<string, string> {
  const time = now.toISOString().replace(/[-:]|\.\d{3}/g, "");
  const day = time.slice(0, 8);
  const sent: Record<string, string> = {
    ...Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
    ),
    "x-amz-date": time,
    ...(session_token === null ? {} : { "x-amz-security-token": session_token }),
  };
  const all = Object.entries({ ...sent, host: url.host })
    .filter(([name]) => !UNSIGNED.has(name))
    .map(([name, value]) => [name, value.trim().replace(/ +/g, " ")])
    .sort(([a], [b]) => a < b ? -1 : 1);
  const names = all.map(([name]) => name).join(";");
  const canonical = [
    method,
    // S3 uses the path as it is sent; other services escape it once more
    service === "s3" ? url.pathname : url.pathname.split("/").map(escaped).join("/"),
    canonicalQuery(url.search),
    ...all.map(([name, value]) => `${name}:${value}`),
    "",
    names,
    sent["x-amz-content-sha256"] ?? sha256(body),
  ].join("\n");
  const scope = `${day}/${region}/${service}/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", time, scope, sha256(canonical)].join("\n");
  const key = [day, region, service, "aws4_request"]
    .reduce<string | Uint8Array>((key, part) => hmac(key, part), `AWS4${secret_access_key}`);
  const signature = hmac(key, toSign).toString("hex");
  return {
    ...sent,
    authorization:
      `AWS4-HMAC-SHA256 Credential=${access_key_id}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
  };
}

/** Escapes a text for a URL by RFC 3986, as signatures require. */
export function escaped(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Sorted by escaped name, then value; a name alone has an empty value. */
function canonicalQuery(search: string): string {
  const parts = search.replace(/^\?/, "").split("&").filter((part) => part !== "").map((part) => {
    const [name, ...value] = part.split("=");
    return [name, value.join("=")].map((text) => escaped(decodeURIComponent(text)));
  });
  return parts.sort(([a, x], [b, y]) => a === b ? (x < y ? -1 : 1) : a < b ? -1 : 1)
    .map(([name, value]) => `${name}=${value}`).join("&");
}

function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

function hmac(key: string | Uint8Array, text: string) {
  return createHmac("sha256", key).update(text).digest();
}
