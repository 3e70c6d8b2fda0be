/** Listening for HTTP, the same under Deno and Node: node:http, whose sockets can be counted and dropped. */
import { InputError, messageOf } from "../errors.ts";
import { ConnectionAdmission } from "../execute/connection_admission.ts";
import type { IncomingMessage, Server } from "node:http";

/** A head that is not whole by then is dropped, and so is a request with its body. */
const HEAD_MS = 10_000;
const REQUEST_MS = 60_000;
/** A connection that is kept for another request; longer than between two scrapes of Prometheus. */
const KEPT_MS = 65_000;
const CHECK_MS = 1000;

/** Answers a request; `remote` is the address it came from. */
export type Handler = (request: Request, remote: string) => Response | Promise<Response>;

export interface Listening {
  url: string;
  port: number;
  /** Takes no more requests and waits for those under way; after `grace_ms` they are cut off. */
  close(grace_ms: number): Promise<void>;
}

/** Limits on clients. */
export interface ListenLimits {
  head_ms?: number;
  /** For a whole request. */
  request_ms?: number;
  /** At a time; by default what the limit of descriptors allows. */
  connections?: number;
}

/**
 * Listens.
 *
 * @param address a port of 0 takes a free one.
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
      keepAliveTimeout: 0, // by admission
      connectionsCheckingInterval: Math.min(CHECK_MS, head_ms),
    },
    fetch: (request, env) => {
      const { incoming } = env as { incoming: IncomingMessage };
      // both refused by Node, by RFC 9112 (3.2); Deno takes the last
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

/** How many Host headers a request has. */
function hostsOf(rawHeaders: readonly string[]): number {
  return rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === "host").length;
}
