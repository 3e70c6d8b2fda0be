/** One attempt to deliver a callback. */
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP } from "node:net";
import { hostOf } from "../endpoint/place.ts";
import { retryAfterSeconds } from "../endpoint/retry.ts";
import { callbackUrl, checkedAddress } from "./callback_url.ts";
import { signatureHeaders } from "./sign.ts";

export interface SendOptions {
  /** The secret for signatures; null leaves callbacks unsigned. */
  secret: string | null;
  allow_private: boolean;
  timeout_ms: number;
  signal: AbortSignal;
}

/** The receiver's answer. */
export interface CallbackAnswer {
  status: number;
  /** Seconds from its Retry-After header; null for none. */
  retry_after_s: number | null;
}

/**
 * Posts a body to a URL, at the address that was checked. Redirects are not followed; they count as
 * answers.
 *
 * @param id the same in all attempts, so that a receiver recognises a repeated callback.
 * @throws {RefusedAddressError} the address is not public.
 * @throws {Error} no answer.
 */
export async function sendCallback(
  { id, url: text, body }: { id: string; url: string; body: string },
  { secret, allow_private, timeout_ms, signal }: SendOptions,
): Promise<CallbackAnswer> {
  const url = callbackUrl(text, allow_private);
  const address = await checkedAddress(url, allow_private);
  const name = hostOf(url);
  const secure = url.protocol === "https:";
  const within = AbortSignal.any([signal, AbortSignal.timeout(timeout_ms)]);
  return await new Promise<CallbackAnswer>((resolve, reject) => {
    const request = (secure ? requestHttps : requestHttp)({
      host: address,
      port: url.port || (secure ? 443 : 80),
      path: url.pathname + url.search,
      method: "POST",
      agent: false,
      ...(secure && !isIP(name) ? { servername: name } : {}),
      headers: {
        host: url.host,
        "content-type": "application/json",
        "content-length": new TextEncoder().encode(body).length,
        "user-agent": "dyno",
        "x-dyno-delivery": id,
        ...signatureHeaders(body, secret, Date.now() / 1000),
      },
    }, (response) => {
      const { statusCode = 0, headers } = response;
      response.destroy(); // only the status is used
      resolve({
        status: statusCode,
        retry_after_s: retryAfterSeconds(headers["retry-after"], Date.now()),
      });
    });
    const onAbort = () => {
      const late = signal.aborted ? "stopped" : `no answer within ${timeout_ms} ms`;
      reject(new Error(late));
      request.destroy();
    };
    within.addEventListener("abort", onAbort, { once: true });
    request.on("close", () => within.removeEventListener("abort", onAbort));
    request.on("error", reject);
    request.end(body);
  });
}
