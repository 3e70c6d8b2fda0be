/** The portable transport: HTTP/1.1 over node:net and node:tls, connections kept alive. */
import type { Buffer } from "node:buffer";
import net from "node:net";
import tls from "node:tls";
import { CancelledError } from "../execute/scope.ts";
import { Exchange } from "./exchange.ts";
import { SendQueue } from "./send_queue.ts";
import { neverSent } from "./transport.ts";
import type { Outcome } from "./exchange.ts";
import type { HttpRequest, Listener, Transport, TransportStatus } from "./transport.ts";

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
    this.origin = originOf(url);
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
    onEvent: Listener["onEvent"],
    t_ready_ns: number,
    onSettled: (outcome: Outcome, answered: boolean) => void,
  ): void {
    const exchange = new Exchange(request, onEvent, t_ready_ns, (outcome) => {
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

  /** Ends the exchange on it, which closes it. */
  cancel(): void {
    this.#exchange?.cancel();
  }

  destroy(): void {
    this.cancel();
    this.#socket.destroy();
  }
}

function originOf(url: URL): string {
  return `${url.protocol}//${url.host}`;
}

function openSocket(url: URL): net.Socket {
  if (url.protocol === "http+unix:") return net.connect(decodeURIComponent(url.hostname));
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
  readonly #queue = new SendQueue();
  #opened = 0;

  send(request: HttpRequest, listener: Listener): () => void {
    let cancel = () => {};
    const start = (t_ready_ns: number) => {
      const kept = this.#takeIdle(originOf(request.url));
      cancel = this.#run(kept ?? this.#connect(request), request, t_ready_ns, listener);
    };
    const withdrawn = () => listener.onEnd(neverSent(), new CancelledError());
    const unqueue = this.#queue.add(request.t_send_ns ?? 0, start, withdrawn);
    return () => {
      if (!unqueue()) cancel();
    };
  }

  withdraw(): void {
    this.#queue.withdraw();
  }

  limit(in_flight: number): void {
    this.#queue.limit(in_flight);
  }

  status(): TransportStatus {
    return {
      connections_opened: this.#opened,
      cpu_ns: null,
      blocked_ns: null,
      ring_use: null,
      scheduling: null,
    };
  }

  // deno-lint-ignore require-await -- nothing here waits, but a transport may
  async [Symbol.asyncDispose](): Promise<void> {
    this.withdraw();
    for (const connection of this.#open) connection.destroy();
    this.#open.clear();
    this.#idle.clear();
  }

  #connect(request: HttpRequest): Connection {
    const fresh = new Connection(request.url, (connection) => this.#forget(connection));
    this.#open.add(fresh);
    this.#opened++;
    return fresh;
  }

  /**
   * Runs an exchange; gives what cancels it. When the server has closed a kept connection before it
   * answered anything, as servers do with idle ones, the request goes out again on a new one.
   */
  #run(
    connection: Connection,
    request: HttpRequest,
    t_ready_ns: number,
    listener: Listener,
  ): () => void {
    let current = connection;
    const settled = ({ exchange, error, keepAlive }: Outcome, answered: boolean) => {
      if (keepAlive && !current.closed) this.#idle.get(current.origin)!.push(current);
      if (error !== null && reused && current === connection && current.closed && !answered) {
        current = this.#connect(request);
        return current.run(request, listener.onEvent, t_ready_ns, settled);
      }
      this.#queue.ended();
      listener.onEnd(exchange, error);
    };
    const reused = connection.ready;
    connection.run(request, listener.onEvent, t_ready_ns, settled);
    return () => current.cancel();
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
