/** One client's connection: requests in, timed parts out, in order. */
import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { nowNs } from "../native/clock.ts";
import { RequestParser, RequestRefused } from "./http_request.ts";
import { bytesOf } from "./parts.ts";
import { errorBody } from "./replies.ts";
import type { ParsedRequest } from "./http_request.ts";
import type { Part } from "./parts.ts";

interface PendingReply {
  t_received_ns: number;
  parts: Part[];
  next: number;
}

/** Plays replies on a socket; a reply starts when the one before it is over. */
export class Connection {
  readonly #socket: Socket;
  readonly #queue: PendingReply[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;
  #stopped = false;

  /** @param answer gives the parts of the reply to a request. */
  constructor(socket: Socket, answer: (request: ParsedRequest, t_received_ns: number) => Part[]) {
    this.#socket = socket;
    socket.setNoDelay(true);
    const parser = new RequestParser((request) => {
      const t_received_ns = nowNs();
      this.#queue.push({ t_received_ns, parts: answer(request, t_received_ns), next: 0 });
      if (this.#queue.length === 1) this.#play();
    });
    socket.on("data", (bytes: Buffer) => {
      try {
        parser.push(bytes);
      } catch (error) {
        if (!(error instanceof RequestRefused)) throw error;
        this.#refuse(error);
      }
    });
    socket.on("error", () => {}); // a client that went away is told by "close"
    socket.on("close", () => this.#stop());
    socket.on("end", () => socket.end());
  }

  /** Drops the connection and its timer. */
  destroy(): void {
    this.#stop();
    this.#socket.destroy();
  }

  #stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** Writes what is due, in one piece, and waits for what is next on the reply's own schedule. */
  #play(): void {
    let bytes = "";
    while (this.#queue.length > 0 && !this.#stopped) {
      const reply = this.#queue[0];
      const part = reply.parts[reply.next];
      if (part === undefined) {
        this.#queue.shift();
        continue;
      }
      const wait_ms = part.at_s * 1000 - (nowNs() - reply.t_received_ns) / 1e6;
      if (wait_ms > 0.05) {
        this.#timer = setTimeout(() => this.#play(), wait_ms);
        break;
      }
      reply.next++;
      if (part.kind === "fin" || part.kind === "reset" || part.kind === "hang") {
        return this.#end(part.kind, bytes);
      }
      if (part.kind === "endless") return this.#endless(bytes, part.piece);
      if (part.kind === "raw" && typeof part.bytes !== "string") {
        this.#socket.write(bytes);
        this.#socket.write(part.bytes);
        bytes = "";
      } else bytes += bytesOf(part);
    }
    if (bytes !== "") this.#socket.write(bytes);
  }

  #end(kind: "fin" | "reset" | "hang", bytes: string): void {
    this.#stop();
    if (kind === "hang") {
      if (bytes !== "") this.#socket.write(bytes);
    } else if (kind === "fin") {
      this.#socket.end(bytes);
    } else if (bytes !== "") {
      this.#socket.write(bytes, () => this.#socket.resetAndDestroy());
    } else {
      this.#socket.resetAndDestroy();
    }
  }

  /** Writes without end, a piece a millisecond as long as the client takes them. */
  #endless(bytes: string, piece: string): void {
    this.#stop();
    if (bytes !== "") this.#socket.write(bytes);
    const again = Buffer.from(piece); // encoded once: it is written thousands of times
    const timer = setInterval(() => {
      if (!this.#socket.writableNeedDrain) this.#socket.write(again);
    }, 1);
    this.#socket.on("close", () => clearInterval(timer));
  }

  #refuse({ status, message }: RequestRefused): void {
    const body = JSON.stringify(errorBody(message, "invalid_request_error", status));
    this.#stop();
    this.#socket.end(
      bytesOf({ kind: "whole", at_s: 0, status, body, headers: { connection: "close" } }),
    );
  }
}
