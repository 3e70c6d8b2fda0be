/** The mock's sockets: plain, or by TLS. */
import net from "node:net";
import tls from "node:tls";
import type { KeyAndCertificate } from "./certificate.ts";

/** A server of sockets, and those that it has. */
export class Sockets {
  readonly server: net.Server;
  readonly protocol: "http" | "https";
  readonly #open = new Set<net.Socket>();

  constructor(pair: KeyAndCertificate | undefined) {
    this.protocol = pair ? "https" : "http";
    this.server = pair
      ? tls.createServer({ ...pair, ALPNProtocols: ["http/1.1"] })
      : net.createServer({ allowHalfOpen: true });
    this.server.on("tlsClientError", () => {}); // whoever does not trust it goes away
    this.server.on("connection", (socket: net.Socket) => {
      this.#open.add(socket);
      socket.on("close", () => this.#open.delete(socket));
    });
  }

  /** Called with each socket once it is open. */
  onReady(take: (socket: net.Socket) => void): void {
    this.server.on(this.protocol === "https" ? "secureConnection" : "connection", take);
  }

  /** Drops all, also those whose handshake is not over. */
  destroy(): void {
    for (const socket of this.#open) socket.destroy();
  }
}
