/**
 * Waits until an endpoint answers: a server that is loading its model refuses connections, or
 * answers 503.
 */
import { FORMS } from "../endpoint/forms/forms.ts";
import { configureApi, settleApi } from "../endpoint/api.ts";
import { EndpointClient } from "../endpoint/client.ts";
import { InputError } from "../errors.ts";
import { sleep } from "../execute/sleep.ts";
import { nowNs } from "../native/clock.ts";
import type { APIConfiguration, ApiOptions } from "../endpoint/api.ts";
import type { RequestOver } from "../endpoint/client.ts";
import type { Transport } from "../endpoint/transport.ts";

const EVERY_MS = 500;

/**
 * Sends short questions until one is answered or refused with a 4xx error, either of which shows
 * that the server is up.
 *
 * @param wait_s the longest wait, seconds.
 * @param notice called once, if it has to wait.
 * @returns the requests that were made, which may have a cost.
 * @throws {InputError} wrong settings, immediately; a server that is not ready in time, with its
 * last error.
 */
export async function waitReady(
  options: ApiOptions,
  wait_s: number,
  transport: Transport,
  notice: (line: string) => void,
  signal: AbortSignal,
): Promise<RequestOver[]> {
  const requests: RequestOver[] = [];
  const { endpoint } = settleApi(options, () => {});
  const until_ns = nowNs() + wait_s * 1e9;
  for (let attempts = 0;; attempts++) {
    const why = await whyNotReady(options, transport, (over) => requests.push(over), signal);
    if (why === null) return requests;
    if (nowNs() >= until_ns) {
      throw new InputError(`--wait-ready: ${endpoint} was not ready within ${wait_s} s: ${why}`);
    }
    if (attempts === 0) notice(`waiting up to ${wait_s} s for ${endpoint}: ${why}`);
    await sleep(EVERY_MS, signal);
  }
}

async function whyNotReady(
  options: ApiOptions,
  transport: Transport,
  onOver: (over: RequestOver) => void,
  signal: AbortSignal,
): Promise<string | null> {
  let api: APIConfiguration;
  try {
    api = await configureApi({ ...options, retry_attempts: 0 }, transport, () => {}, signal);
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  const { says, needs_sound } = FORMS[api.api_type];
  const asks = api.template === undefined || api.template.body !== undefined;
  if (!asks || says !== "text" || needs_sound || api.api_type === "responses") return null;
  const question = { prompt: "Say yes.", parameters: { max_tokens: 1 } };
  const client = new EndpointClient(api, transport);
  const { error } = await client.ask(question, signal, undefined, onOver);
  const absent = error !== null &&
    ["connect", "timeout", "http_5xx", "truncated"].includes(error.failure);
  return absent ? error.message : null;
}
