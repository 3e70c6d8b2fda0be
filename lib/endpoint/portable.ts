/** The portable transport: HTTP/1.1 over node:net and node:tls, connections kept alive. */
import type { Buffer } from "node:buffer";
import net from "node:net";
import tls from "node:tls";
import { throwIfAborted } from "../execute/scope.ts";
import { Exchange } from "./exchange.ts";
import type { Outcome } from "./exchange.ts";
import type { HttpExchange, HttpRequest, OnEvent, Transport } from "./transport.ts";

/** One socket; carries one exchange at a time. */
class Connection {
  readonly origin: string;
  readonly #socket: net.Socket;
  readonly #readyEvent: "connect" | "secureConnect";
  #exchange: Exchange | null = null;
  #error: Error | null = null;
  #ready = false;
  #closed = false;

  constructor(url: URL, onClosed: (connection: Connection) => void) {
    this.origin = url.origin;
    this.#readyEvent = url.protocol === "https:" ? "secureConnect" : "connect";
    this.#socket = openSocket(url);
    this.#socket.setNoDelay(true);
    this.#socket.on("data", (bytes: Buffer) => this.#exchange?.read(bytes));
    this.#socket.on("error", (error: Error) => this.#error = error);
    const closed = () => {
      this.#closed = true;
      onClosed(this);
      this.#exchange?.closed(this.#error);
    };
    this.#socket.on("end", closed);
    this.#socket.on("close", closed);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Connected, and so it has carried an exchange before. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Runs one exchange; `onSettled` is told once, after which the connection is free or closed. */
  run(
    request: HttpRequest,
    onEvent: OnEvent,
    signal: AbortSignal,
    onSettled: (outcome: Outcome, answered: boolean) => void,
  ): void {
    const exchange = new Exchange(request, onEvent, signal, (outcome) => {
      this.#exchange = null;
      if (!outcome.keepAlive) this.#socket.destroy();
      onSettled(outcome, exchange.answered);
    });
    this.#exchange = exchange;
    const write = (bytes: Buffer) => this.#socket.write(bytes);
    if (this.#ready) return exchange.send(write, true);
    this.#socket.once(this.#readyEvent, () => {
      this.#ready = true;
      exchange.send(write, false);
    });
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

function openSocket(url: URL): net.Socket {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (url.protocol !== "https:") return net.connect({ host, port: Number(url.port) || 80 });
  const servername = net.isIP(host) ? undefined : host;
  const port = Number(url.port) || 443;
  return tls.connect({ host, port, servername, ALPNProtocols: ["http/1.1"] });
}

/** HTTP/1.1 and HTTPS on the runtime's sockets, under Deno and Node alike. */
export class PortableTransport implements Transport {
  readonly name = "portable";
  readonly #idle = new Map<string, Connection[]>();
  readonly #open = new Set<Connection>();

  async exchange(
    request: HttpRequest,
    onEvent: OnEvent,
    signal: AbortSignal,
  ): Promise<HttpExchange> {
    throwIfAborted(signal);
    const kept = this.#takeIdle(request.url.origin);
    if (kept) {
      const outcome = await this.#run(kept, request, onEvent, signal);
      if (outcome !== "stale") return outcome;
      throwIfAborted(signal);
    }
    const fresh = new Connection(request.url, (connection) => this.#forget(connection));
    this.#open.add(fresh);
    return await this.#run(fresh, request, onEvent, signal) as HttpExchange;
  }

  [Symbol.dispose](): void {
    for (const connection of this.#open) connection.destroy();
    this.#open.clear();
    this.#idle.clear();
  }

  /**
   * "stale": the server had closed the kept connection before it answered anything, as servers do
   * with idle ones, so that the request may go out again on a new connection.
   */
  #run(
    connection: Connection,
    request: HttpRequest,
    onEvent: OnEvent,
    signal: AbortSignal,
  ): Promise<HttpExchange | "stale"> {
    const reused = connection.ready;
    return new Promise((resolve, reject) => {
      connection.run(request, onEvent, signal, ({ exchange, error, keepAlive }, answered) => {
        if (keepAlive && !connection.closed) this.#idle.get(connection.origin)!.push(connection);
        const lost = error !== null && connection.closed && !answered;
        if (exchange) resolve(exchange);
        else if (lost && reused) resolve("stale");
        else reject(error);
      });
    });
  }

  #takeIdle(origin: string): Connection | undefined {
    const idle = this.#idle.get(origin);
    if (idle) return idle.pop();
    this.#idle.set(origin, []);
    return undefined;
  }

  #forget(connection: Connection): void {
    this.#open.delete(connection);
    const idle = this.#idle.get(connection.origin);
    const at = idle?.indexOf(connection) ?? -1;
    if (at >= 0) idle!.splice(at, 1);
  }
}
