/** Listening for HTTP: Deno.serve under Deno, @hono/node-server under Node. Asks which, nobody else does. */
import { InputError, messageOf } from "../errors.ts";

/** Answers a request; `remote` is the address it came from. */
export type Handler = (request: Request, remote: string) => Response | Promise<Response>;

export interface Listening {
  url: string;
  port: number;
  /** Takes no more requests and waits for those under way; after `grace_ms` they are cut off. */
  close(grace_ms: number): Promise<void>;
}

/**
 * Listens.
 *
 * @param port 0 takes a free one.
 * @throws {InputError} the address cannot be listened on.
 */
export async function listen(
  handler: Handler,
  { host, port }: { host: string; port: number },
): Promise<Listening> {
  const deno = (globalThis as { Deno?: typeof Deno }).Deno;
  try {
    return deno ? listenDeno(deno, handler, host, port) : await listenNode(handler, host, port);
  } catch (error) {
    const code = (error as { code?: string }).code;
    const why = code === "EADDRINUSE"
      ? "another program listens there; give another --port"
      : code === "EACCES"
      ? "not permitted; give a --port from 1024"
      : messageOf(error);
    throw new InputError(`--host ${host} --port ${port}: ${why}`);
  }
}

function listenDeno(deno: typeof Deno, handler: Handler, host: string, port: number): Listening {
  const controller = new AbortController();
  const underWay = new Set<Promise<void>>();
  let closing = false;
  const server = deno.serve(
    { hostname: host, port, signal: controller.signal, onListen: () => {} },
    (request, { remoteAddr, completed }) => {
      if (closing) return new Response(null, { status: 503, headers: { connection: "close" } });
      const answered = completed.catch(() => {}).finally(() => underWay.delete(answered));
      underWay.add(answered);
      return handler(request, "hostname" in remoteAddr ? remoteAddr.hostname : "");
    },
  );
  return {
    url: urlOf(host, server.addr.port),
    port: server.addr.port,
    close: async (grace_ms) => {
      closing = true;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<void>((resolve) => timer = setTimeout(resolve, grace_ms));
      await Promise.race([Promise.all(underWay), late]);
      clearTimeout(timer);
      controller.abort(); // not server.shutdown(): it waits for bodies that never end
      await server.finished;
    },
  };
}

async function listenNode(handler: Handler, host: string, port: number): Promise<Listening> {
  const { createAdaptorServer } = await import("@hono/node-server");
  const server = createAdaptorServer({
    fetch: (request, env) => {
      const { incoming } = env as { incoming: { socket: { remoteAddress?: string } } };
      return handler(request, incoming.socket.remoteAddress ?? "");
    },
  }) as import("node:http").Server;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const bound = (server.address() as { port: number }).port;
  return {
    url: urlOf(host, bound),
    port: bound,
    close: async (grace_ms) => {
      const timer = setTimeout(() => server.closeAllConnections(), grace_ms);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      await closed;
      clearTimeout(timer);
    },
  };
}

function urlOf(host: string, port: number): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
