/**
 * Decides which connections a server keeps. There are as many as there are file descriptors. When a
 * new one exceeds that number, the connection that has waited longest for its request is dropped.
 * So a client that sends its request immediately is always served, and one that sends nothing is
 * dropped after a time.
 */
import { checkOpenFiles, openFileLimit } from "./open_files.ts";
import type { Server as HttpServer } from "node:http";
import type { AddressInfo, Server, Socket } from "node:net";

/** Descriptors that other parts of the program need: files, programs, its own connections. */
const SPARE = 64;
/** The least that the kernel queues, and the fewest connections of a server. */
const LEAST_BACKLOG = 64;
const LEAST_CONNECTIONS = 16;
const CHECK_MS = 500;

/** The limits of a server. */
export interface AdmissionLimits {
  /** Time for a new connection's first request, or its first byte, to arrive. */
  first_ms: number;
  /** Time for the next request on a connection after an answer. */
  kept_ms: number;
  /** Connections in total; by default as many as the limit of descriptors allows. */
  connections?: number;
}

interface Held {
  address: string;
  /** When it is dropped if no request has come by then: `performance.now()`. */
  until_ms: number;
  /** Requests that are not answered yet. */
  asked: number;
}

/**
 * How many connections a server may hold, and how many more the kernel queues until they are
 * accepted. Deno accepts all queued ones before it closes those to be dropped, so there must be
 * room for both.
 */
function roomFor(descriptors: number): { connections: number; backlog: number } {
  const backlog = Math.min(
    511,
    Math.max(LEAST_BACKLOG, Math.floor((descriptors - SPARE) / 4)),
  );
  return { connections: Math.max(LEAST_CONNECTIONS, descriptors - SPARE - 2 * backlog), backlog };
}

/**
 * Limits a server's connections, in total and per address. One remote address may hold half of
 * them. Loopback may hold all, because all users of this host share that address.
 */
export class ConnectionAdmission {
  readonly #server: Server;
  readonly #most: number;
  readonly #first_ms: number;
  readonly #kept_ms: number;
  readonly #limit = openFileLimit();
  readonly #backlog: number;
  readonly #held = new Map<Socket, Held>();
  /** Connections without a current request, the one that has waited longest first. */
  readonly #waiting = new Set<Socket>();
  readonly #ofAddress = new Map<string, number>();
  /** Accepted and not yet closed, including refused ones. */
  #open = 0;
  #full = false;
  #closing = false;
  readonly #timer: ReturnType<typeof setInterval>;

  /** @throws {InputError} this process may open too few files. */
  constructor(server: Server, { first_ms, kept_ms, connections }: AdmissionLimits) {
    this.#server = server;
    const room = roomFor(this.#limit);
    this.#most = connections ?? room.connections;
    if (connections === undefined) {
      checkOpenFiles(SPARE + 2 * LEAST_BACKLOG + LEAST_CONNECTIONS, "a server", this.#limit);
    }
    this.#backlog = room.backlog;
    this.#first_ms = first_ms;
    this.#kept_ms = kept_ms;
    this.#timer = setInterval(() => {
      this.#dropLate();
      this.#listenAgain();
    }, Math.min(CHECK_MS, first_ms));
    this.#timer.unref();
  }

  /** Admission for an HTTP server: it watches the server's requests itself. */
  static ofHttp(server: HttpServer, limits: AdmissionLimits): ConnectionAdmission {
    const admission = new ConnectionAdmission(server, limits);
    server.prependListener("connection", (socket) => void admission.enter(socket));
    server.prependListener("request", ({ socket }, response) => {
      admission.asked(socket);
      response.once("close", () => admission.answered(socket));
    });
    return admission;
  }

  /** Listens; port 0 takes any free one. @throws {Error} from the system. */
  async listen(host: string, port: number): Promise<AddressInfo> {
    await new Promise<void>((resolve, reject) => {
      const refused = (error: Error) => {
        clearInterval(this.#timer);
        reject(error);
      };
      this.#server.once("error", refused);
      this.#server.listen({ host, port, backlog: this.#backlog }, () => {
        this.#server.off("error", refused);
        resolve();
      });
    });
    this.#server.on("error", () => {});
    return this.#server.address() as AddressInfo;
  }

  /** Admits a new connection or drops it; returns whether it may stay. */
  enter(socket: Socket): boolean {
    const address = socket.remoteAddress ?? "";
    this.#open++;
    if (this.#open + SPARE >= this.#limit) this.#full = true;
    socket.on("close", () => {
      this.#open--;
      this.#leave(socket);
    });
    socket.on("error", () => {}); // a client that has gone also causes "close"
    const share = isLoopback(address) ? this.#most : Math.ceil(this.#most / 2);
    const isOver = (this.#ofAddress.get(address) ?? 0) >= share;
    if ((isOver || this.#held.size >= this.#most) && !this.#makeRoom(isOver ? address : null)) {
      socket.destroy();
      return false;
    }
    const until_ms = performance.now() + this.#first_ms;
    this.#held.set(socket, { address, asked: 0, until_ms });
    this.#ofAddress.set(address, (this.#ofAddress.get(address) ?? 0) + 1);
    this.#waiting.add(socket);
    return true;
  }

  /** A whole request has arrived: the connection stays until it is answered. */
  asked(socket: Socket): void {
    const held = this.#held.get(socket);
    if (held === undefined) return;
    held.asked++;
    this.#waiting.delete(socket);
  }

  /** A request has been answered. */
  answered(socket: Socket): void {
    const held = this.#held.get(socket);
    if (held === undefined || --held.asked > 0) return;
    if (this.#closing) return void socket.destroy();
    held.until_ms = performance.now() + this.#kept_ms;
    this.#waiting.add(socket);
  }

  /**
   * Accepts no more connections. Drops those without a request now, and the others once they are
   * answered.
   */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#closing = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of [...this.#waiting]) socket.destroy();
    await closed;
  }

  /** Drops every connection. */
  destroy(): void {
    for (const socket of [...this.#held.keys()]) socket.destroy();
  }

  /**
   * Drops the connection that has waited longest, of one address or of all; returns whether there
   * was one.
   */
  #makeRoom(address: string | null): boolean {
    for (const socket of this.#waiting) {
      if (address !== null && this.#held.get(socket)?.address !== address) continue;
      this.#leave(socket);
      socket.destroy();
      return true;
    }
    return false;
  }

  #leave(socket: Socket): void {
    const held = this.#held.get(socket);
    if (held === undefined) return;
    this.#held.delete(socket);
    this.#waiting.delete(socket);
    const left = this.#ofAddress.get(held.address)! - 1;
    if (left > 0) this.#ofAddress.set(held.address, left);
    else this.#ofAddress.delete(held.address);
  }

  #dropLate(): void {
    const now_ms = performance.now();
    for (const socket of this.#waiting) {
      if (this.#held.get(socket)!.until_ms < now_ms) socket.destroy();
    }
  }

  /**
   * Works around Deno (2.9): once a server had no descriptor for a connection, it silently accepts
   * no more, for ever. Existing connections stay.
   */
  #listenAgain(): void {
    if (!this.#full || !this.#server.listening) return;
    if (this.#open + SPARE >= this.#limit) return;
    this.#full = false;
    const { address: host, port } = this.#server.address() as AddressInfo;
    this.#server.close();
    this.#server.listen({ host, port, backlog: this.#backlog });
  }
}

function isLoopback(address: string): boolean {
  return /^(::ffff:)?127\.|^::1$/.test(address);
}
