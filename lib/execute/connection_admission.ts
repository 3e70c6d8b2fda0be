/**
 * Which connections a server keeps. There are as many as there are descriptors for; for a new one above that
 * the one goes that has waited for its request the longest. A client that asks at once is always served,
 * and one that does not ask is dropped after a time.
 */
import { readFileSync } from "node:fs";
import type { Server as HttpServer } from "node:http";
import type { AddressInfo, Server, Socket } from "node:net";

/** Descriptors that other parts of the program take: files, programs, its connections. */
const SPARE = 64;
/** Where the limit of descriptors cannot be read. */
const USUAL_LIMIT = 4096;
const CHECK_MS = 500;

/** What a server bears. */
export interface AdmissionLimits {
  /** Until a connection's first request, or the first byte of it, has come. */
  first_ms: number;
  /** Until the next request on a connection whose last one is answered. */
  kept_ms: number;
  /** Connections in all; by default as many as the limit of descriptors allows. */
  connections?: number;
}

interface Held {
  address: string;
  /** When it is dropped, if it has not asked by then: `performance.now()`. */
  until_ms: number;
  /** Requests that are not answered. */
  asked: number;
}

/**
 * How many connections a server may hold, and how many more the kernel keeps until they are taken. Deno takes
 * all of those at once, and closes those to be dropped only afterwards: there must be room for them.
 */
function roomFor(descriptors: number): { connections: number; backlog: number } {
  const backlog = Math.min(511, Math.max(64, Math.floor((descriptors - SPARE) / 4)));
  return { connections: Math.max(16, descriptors - SPARE - 2 * backlog), backlog };
}

/** Of open files, `ulimit -n`. */
function descriptorLimit(): number {
  try {
    const [, soft] = /^Max open files\s+(\w+)/m.exec(readFileSync("/proc/self/limits", "utf8"))!;
    return soft === "unlimited" ? Infinity : Number(soft);
  } catch {
    return USUAL_LIMIT;
  }
}

/**
 * Keeps a server's connections within a number, in all and from one address. Addresses of other hosts may
 * have half of them; loopback, where all of this host's users have one address, may have all.
 */
export class ConnectionAdmission {
  readonly #server: Server;
  readonly #most: number;
  readonly #first_ms: number;
  readonly #kept_ms: number;
  readonly #limit = descriptorLimit();
  readonly #backlog: number;
  readonly #held = new Map<Socket, Held>();
  /** Those that owe a request, the one that has waited the longest first. */
  readonly #waiting = new Set<Socket>();
  readonly #ofAddress = new Map<string, number>();
  /** Accepted and not closed, those that were refused included. */
  #open = 0;
  #full = false;
  #closing = false;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(server: Server, { first_ms, kept_ms, connections }: AdmissionLimits) {
    this.#server = server;
    const room = roomFor(this.#limit);
    this.#most = connections ?? room.connections;
    this.#backlog = room.backlog;
    this.#first_ms = first_ms;
    this.#kept_ms = kept_ms;
    this.#timer = setInterval(() => {
      this.#dropLate();
      this.#listenAgain();
    }, Math.min(CHECK_MS, first_ms));
    this.#timer.unref();
  }

  /** Of an HTTP server, whose requests it sees. */
  static ofHttp(server: HttpServer, limits: AdmissionLimits): ConnectionAdmission {
    const admission = new ConnectionAdmission(server, limits);
    server.prependListener("connection", (socket) => void admission.enter(socket));
    server.prependListener("request", ({ socket }, response) => {
      admission.asked(socket);
      response.once("close", () => admission.answered(socket));
    });
    return admission;
  }

  /** Listens; a port of 0 takes a free one. @throws {Error} of the system. */
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

  /** Takes a new connection in, or drops it: whether it may stay. */
  enter(socket: Socket): boolean {
    const address = socket.remoteAddress ?? "";
    this.#open++;
    if (this.#open + SPARE >= this.#limit) this.#full = true;
    socket.on("close", () => {
      this.#open--;
      this.#leave(socket);
    });
    socket.on("error", () => {}); // a client that went away shows by "close"
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

  /** A whole request has come: the connection stays until it is answered. */
  asked(socket: Socket): void {
    const held = this.#held.get(socket);
    if (held === undefined) return;
    held.asked++;
    this.#waiting.delete(socket);
  }

  /** A request is answered. */
  answered(socket: Socket): void {
    const held = this.#held.get(socket);
    if (held === undefined || --held.asked > 0) return;
    if (this.#closing) return void socket.destroy();
    held.until_ms = performance.now() + this.#kept_ms;
    this.#waiting.add(socket);
  }

  /** Takes no more connections, and drops those that owe a request now or once they are answered. */
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

  /** Drops the connection that has waited the longest, of one address or of all: whether there was one. */
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
   * Under Deno (2.9) a server takes no more connections for ever, and says nothing, once there was no
   * descriptor for one. Those that it has stay.
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
