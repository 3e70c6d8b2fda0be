/**
 * Listens for HTTP in the same way under Deno and Node: with node:http, whose sockets can be
 * counted and dropped.
 */
import { InputError, messageOf } from "../errors.ts";
import { ConnectionAdmission } from "../execute/connection_admission.ts";
import type { IncomingMessage, Server } from "node:http";

/** A connection whose head is not complete by then is dropped; likewise a request with its body. */
const HEAD_MS = 10_000;
const REQUEST_MS = 60_000;
/**
 * How long a connection is kept for another request; longer than Prometheus' interval between two
 * scrapes.
 */
const KEPT_MS = 65_000;
const CHECK_MS = 1000;

/** Answers a request; `remote` is the client's address. */
export type Handler = (request: Request, remote: string) => Response | Promise<Response>;

export interface Listening {
  url: string;
  port: number;
  /** Accepts no more requests and waits for running ones; after `grace_ms` they are cut off. */
  close(grace_ms: number): Promise<void>;
}

/** Limits on clients. */
export interface ListenLimits {
  head_ms?: number;
  /** Time for a whole request. */
  request_ms?: number;
  /** At the same time; by default what the limit of descriptors allows. */
  connections?: number;
}

/**
 * Starts to listen.
 *
 * @param address port 0 takes any free one.
 * @throws {InputError} the address cannot be listened on.
 */
export async function listen(
  handler: Handler,
  { host, port }: { host: string; port: number },
  { head_ms = HEAD_MS, request_ms = REQUEST_MS, connections }: ListenLimits = {},
): Promise<Listening> {
  const { createAdaptorServer } = await import("@hono/node-server");
  const server = createAdaptorServer({
    overrideGlobalObjects: false,
    serverOptions: {
      headersTimeout: head_ms,
      requestTimeout: request_ms,
      keepAliveTimeout: 0, // admission handles it
      connectionsCheckingInterval: Math.min(CHECK_MS, head_ms),
    },
    fetch: (request, env) => {
      const { incoming } = env as { incoming: IncomingMessage };
      // Node refuses both, as RFC 9112 (3.2) says; Deno takes the last one
      if (hostsOf(incoming.rawHeaders) !== 1) return new Response(null, { status: 400 });
      return handler(request, incoming.socket.remoteAddress ?? "");
    },
  }) as Server;
  const admission = ConnectionAdmission.ofHttp(server, {
    first_ms: head_ms,
    kept_ms: KEPT_MS,
    connections,
  });
  server.on("connect", (_request, socket) => socket.end("HTTP/1.1 404 Not Found\r\n\r\n"));
  const bound = await admission.listen(host, port).catch((error) => {
    const code = (error as { code?: string }).code;
    const why = code === "EADDRINUSE"
      ? "another program listens there; give another --port"
      : code === "EACCES"
      ? "not permitted; give a --port from 1024"
      : messageOf(error);
    throw new InputError(`--host ${host} --port ${port}: ${why}`);
  });
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound.port}`,
    port: bound.port,
    close: async (grace_ms) => {
      const timer = setTimeout(() => admission.destroy(), grace_ms);
      await admission.close();
      clearTimeout(timer);
    },
  };
}

/** The number of Host headers of a request. */
function hostsOf(rawHeaders: readonly string[]): number {
  return rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === "host").length;
}
