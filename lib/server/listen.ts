/** Listening for HTTP: Deno.serve under Deno, @hono/node-server under Node. Asks which, nobody else does. */
import { InputError, messageOf } from "../errors.ts";

/** How soon an end of listening that nobody asked for is mended, and how often it is told of at most. */
const AGAIN_MS = 500;
const NOTICE_MS = 60_000;

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
 * @param address a port of 0 takes a free one.
 * @param onNotice told when no more connections are taken for a while.
 * @throws {InputError} the address cannot be listened on.
 */
export async function listen(
  handler: Handler,
  address: { host: string; port: number },
  onNotice: (line: string) => void,
): Promise<Listening> {
  const { host, port } = address;
  const deno = (globalThis as { Deno?: typeof Deno }).Deno;
  try {
    return deno
      ? listenDeno(deno, handler, address, onNotice)
      : await listenNode(handler, host, port);
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

function listenDeno(
  deno: typeof Deno,
  handler: Handler,
  { host, port }: { host: string; port: number },
  onNotice: (line: string) => void,
): Listening {
  const controller = new AbortController();
  const underWay = new Set<Promise<void>>();
  let closing = false, told_ms = -Infinity;
  let again: ReturnType<typeof setTimeout> | undefined;
  const start = (port: number) => {
    const started = deno.serve(
      { hostname: host, port, signal: controller.signal, onListen: () => {} },
      (request, { remoteAddr, completed }) => {
        if (closing) return new Response(null, { status: 503, headers: { connection: "close" } });
        const answered = completed.catch(() => {}).finally(() => underWay.delete(answered));
        underWay.add(answered);
        return handler(request, "hostname" in remoteAddr ? remoteAddr.hostname : "");
      },
    );
    started.finished.catch((error) => takeUp(started.addr.port, error));
    return started;
  };
  // without a descriptor for one more connection it ends, and those that it has go on
  const takeUp = (port: number, error: unknown) => {
    if (closing) return;
    const now_ms = performance.now();
    if (now_ms - told_ms > NOTICE_MS) {
      onNotice(`no further connection is taken for a moment: ${messageOf(error)}`);
      told_ms = now_ms;
    }
    again = setTimeout(() => {
      try {
        server = start(port);
      } catch (error) {
        takeUp(port, error);
      }
    }, AGAIN_MS);
  };
  let server = start(port);
  return {
    url: urlOf(host, server.addr.port),
    port: server.addr.port,
    close: async (grace_ms) => {
      closing = true;
      clearTimeout(again);
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<void>((resolve) => timer = setTimeout(resolve, grace_ms));
      await Promise.race([Promise.all(underWay), late]);
      clearTimeout(timer);
      controller.abort(); // not server.shutdown(): it waits for bodies that never end
      await server.finished.catch(() => {});
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
