/** Whether an endpoint that went away is back: a cheap question that costs no tokens. */
import { modelsUrl, requestHeaders } from "./api.ts";
import { EndpointError } from "./errors.ts";
import { exchange } from "./transport.ts";
import type { APIConfiguration } from "./api.ts";
import type { Transport } from "./transport.ts";

/** An endpoint that went away is asked so often, milliseconds. */
export const CHECK_MS = 2000;
/** And is away where it has not answered by then, seconds. */
const TIMEOUT_S = 2;

/**
 * Asks for the list of models. A server that answers anything but an error of the server is there: also one
 * that has no such list.
 *
 * @throws {CancelledError} the signal is aborted.
 */
export async function isThere(
  endpoint: URL,
  api: APIConfiguration,
  transport: Transport,
  signal: AbortSignal,
): Promise<boolean> {
  const request = {
    method: "GET",
    url: modelsUrl(endpoint),
    headers: requestHeaders(api),
    body: "",
    timeout_s: TIMEOUT_S,
    tls: api.tls,
  } as const;
  try {
    return (await exchange(transport, request, null, signal)).status < 500;
  } catch (error) {
    if (error instanceof EndpointError) return false;
    throw error;
  }
}
