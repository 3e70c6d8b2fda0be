/** Metrics over HTTP while a command runs: GET /metrics. Nothing is done but when it is asked. */
import { createServer } from "node:http";
import { InputError, messageOf } from "../errors.ts";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { MetricsText } from "./open_metrics.ts";

export interface MetricsServer extends AsyncDisposable {
  /** Where they are. */
  url: string;
}

/** A reader that is slow to ask or to take its answer is cut off. */
const PATIENCE_MS = 10_000;

/**
 * Serves metrics.
 *
 * @param port 0 for any that is free.
 * @throws {InputError} the address cannot be had.
 */
export async function serveMetrics(
  text: () => Promise<MetricsText>,
  { host, port }: { host: string; port: number },
): Promise<MetricsServer> {
  const server = createServer((request, response) => void answer(request, response, text));
  server.requestTimeout = server.headersTimeout = PATIENCE_MS;
  server.maxConnections = 32;
  await new Promise<void>((resolve, reject) => {
    const refused = (error: Error) =>
      reject(
        new InputError(
          `--metrics-port: ${host}:${port} cannot be had: ${messageOf(error)}; ` +
            "give another port, or 0 for any that is free",
        ),
      );
    server.once("error", refused);
    server.listen(port, host, () => {
      server.off("error", refused);
      server.on("error", () => {});
      resolve();
    });
  });
  const { address, family, port: given } = server.address() as AddressInfo;
  return {
    url: `http://${family === "IPv6" ? `[${address}]` : address}:${given}/metrics`,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
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
  if (url.split("?", 1)[0] !== "/metrics") {
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
