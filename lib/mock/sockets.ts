/** The mock's sockets, plain or with TLS. */
import net from "node:net";
import tls from "node:tls";
import type { KeyAndCertificate } from "./certificate.ts";

/** A server and its open sockets. */
export class Sockets {
  readonly server: net.Server;
  readonly protocol: "http" | "https";
  readonly #open = new Set<net.Socket>();

  constructor(pair: KeyAndCertificate | undefined) {
    this.protocol = pair ? "https" : "http";
    this.server = pair
      ? tls.createServer({ ...pair, ALPNProtocols: ["http/1.1"] })
      : net.createServer({ allowHalfOpen: true });
    this.server.on("tlsClientError", () => {}); // a client that does not trust the certificate closes the connection
    this.server.on("connection", (socket: net.Socket) => {
      this.#open.add(socket);
      socket.on("close", () => this.#open.delete(socket));
    });
  }

  /** Called with each socket once it is open. */
  onReady(take: (socket: net.Socket) => void): void {
    this.server.on(this.protocol === "https" ? "secureConnection" : "connection", take);
  }

  /** Closes all sockets, including those still in a handshake. */
  destroy(): void {
    for (const socket of this.#open) socket.destroy();
  }
}
