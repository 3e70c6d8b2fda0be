/** Serves metrics over HTTP while a command runs: GET /metrics. Nothing is computed between requests. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { InputError, messageOf } from "../errors.ts";
import { ConnectionAdmission } from "../execute/connection_admission.ts";
import type { MetricsText } from "./open_metrics.ts";

export interface MetricsServer extends AsyncDisposable {
  /** The URL of the metrics. */
  url: string;
}

/** A client that is slow to send its request or to read the answer is disconnected after this time. */
const PATIENCE_MS = 10_000;
/** How long an idle connection is kept, so that it serves the next scrape. */
const KEPT_MS = 65_000;
const READERS = 32;

/**
 * Serves metrics.
 *
 * @param port 0 for any free port.
 * @throws {InputError} the address is not available.
 */
export async function serveMetrics(
  text: () => Promise<MetricsText>,
  { host, port }: { host: string; port: number },
): Promise<MetricsServer> {
  const server = createServer({
    requestTimeout: PATIENCE_MS,
    headersTimeout: PATIENCE_MS,
    keepAliveTimeout: 0, // handled by the admission
    connectionsCheckingInterval: 1000,
  }, (request, response) => void answer(request, response, text));
  const admission = ConnectionAdmission.ofHttp(server, {
    first_ms: PATIENCE_MS,
    kept_ms: KEPT_MS,
    connections: READERS,
  });
  const { address, family, port: given } = await admission.listen(host, port).catch((error) => {
    throw new InputError(
      `--metrics-port: ${host}:${port} cannot be had: ${messageOf(error)}; ` +
        "give another port, or 0 for any that is free",
    );
  });
  return {
    url: `http://${family === "IPv6" ? `[${address}]` : address}:${given}/metrics`,
    [Symbol.asyncDispose]: async () => {
      const closed = admission.close();
      admission.destroy();
      await closed;
    },
  };
}

async function answer(
  { method, url = "/" }: IncomingMessage,
  response: ServerResponse,
  text: () => Promise<MetricsText>,
): Promise<void> {
  const plain = { "content-type": "text/plain; charset=utf-8" };
  if (method !== "GET" && method !== "HEAD") {
    return void response.writeHead(405, { ...plain, allow: "GET, HEAD" }).end("GET only\n");
  }
  const path = /^(?:https?:\/\/[^/?]*)?([^?]*)/i.exec(url)?.[1]; // whole URLs too: RFC 9112, 3.2.2
  if (path !== "/metrics") {
    return void response.writeHead(404, plain).end("metrics are at /metrics\n");
  }
  try {
    const told = await text();
    response.writeHead(200, { "content-type": told.contentType });
    response.end(method === "HEAD" ? "" : told.text);
  } catch (error) {
    response.writeHead(500, plain).end(`${messageOf(error)}\n`);
  }
}
