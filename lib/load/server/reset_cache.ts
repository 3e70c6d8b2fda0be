/** Empties a server's prefix cache before a load. */
import { InputError, messageOf } from "../../errors.ts";
import { exchange, type Transport } from "../../endpoint/transport.ts";
import type { APIConfiguration } from "../../endpoint/api.ts";
import type { ServerKind } from "./server_reading.ts";

/** Paths of the call; vLLM has it only in development mode (VLLM_SERVER_DEV_MODE=1). */
const PATHS: Partial<Record<ServerKind, string>> = {
  vllm: "/reset_prefix_cache",
  sglang: "/flush_cache",
};

const TIMEOUT_S = 10;

/**
 * Empties the cache of a server.
 *
 * @param server null where its metrics do not show which server it is.
 * @throws {InputError} the server has no such call, or refuses it.
 */
export async function resetCache(
  server: ServerKind | null,
  { endpoint, tls }: APIConfiguration,
  transport: Transport,
  signal: AbortSignal,
): Promise<void> {
  const path = server === null ? undefined : PATHS[server];
  if (path === undefined) {
    throw new InputError(
      `--reset-cache: ${server ?? "this server"} has no call for it that dyno knows; ` +
        "vLLM and SGLang have one, and are known by their /metrics",
    );
  }
  const url = new URL(path, endpoint);
  const headers = { "user-agent": "dyno" };
  const request = { method: "POST" as const, url, headers, body: "", timeout_s: TIMEOUT_S, tls };
  let status: number;
  try {
    ({ status } = await exchange(transport, request, null, signal));
  } catch (error) {
    throw new InputError(`--reset-cache: POST ${url}: ${messageOf(error)}`);
  }
  if (status >= 200 && status < 300) return;
  const why = status === 404 && server === "vllm"
    ? "; vLLM has it where it was started with VLLM_SERVER_DEV_MODE=1"
    : "";
  throw new InputError(`--reset-cache: POST ${url} was answered ${status}${why}`);
}
