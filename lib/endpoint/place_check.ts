/** Checks whether an unavailable endpoint is back, with a cheap request that costs no tokens. */
import { modelsUrl, requestHeaders } from "./api.ts";
import { EndpointError } from "./errors.ts";
import { exchange } from "./transport.ts";
import type { APIConfiguration } from "./api.ts";
import type { Transport } from "./transport.ts";

/** Time between two checks of an unavailable endpoint, milliseconds. */
export const CHECK_MS = 2000;
/** The endpoint is still unavailable when it has not answered after this time, seconds. */
const TIMEOUT_S = 2;

/**
 * Asks for the list of models. Any answer except a server error (5xx) means that the server is back, even
 * if it has no such list.
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
