/** One client's connection: receives requests and sends timed parts, in order. */
import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { nowNs } from "../native/clock.ts";
import { RequestParser, RequestRefused } from "./http_request.ts";
import { bytesOf } from "./parts.ts";
import { errorBody } from "./replies.ts";
import type { ConnectionAdmission } from "../execute/connection_admission.ts";
import type { ParsedRequest } from "./http_request.ts";
import type { Framing, ReplyPart } from "./parts.ts";

/** The reply to a request. */
export interface MockReply {
  parts: ReplyPart[];
  /** Whether its events are sent as frames instead of text. */
  frames?: boolean;
  /**
   * Called once, when the reply has ended or was cut off, with the number of parts that were sent.
   */
  over?: (sent: number) => void;
}

interface PendingReply extends MockReply {
  t_received_ns: number;
  next: number;
  framing: Framing;
}

const CONTINUE: ReplyPart = { kind: "raw", at_s: 0, bytes: "HTTP/1.1 100 Continue\r\n\r\n" };

/** Sends replies on a socket; a reply starts when the previous one has ended. */
export class Connection {
  readonly #socket: Socket;
  readonly #admission: ConnectionAdmission;
  readonly #queue: PendingReply[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;
  #stopped = false;
  /** A request said that it is the last one. */
  #last = false;

  /**
   * @param admission is informed of requests and their answers.
   * @param answer returns the reply to a request.
   */
  constructor(
    socket: Socket,
    admission: ConnectionAdmission,
    answer: (request: ParsedRequest, t_received_ns: number) => MockReply,
  ) {
    this.#socket = socket;
    this.#admission = admission;
    socket.setNoDelay(true);
    const parser = new RequestParser((request) => {
      if (this.#last) return; // nothing after the last request is read
      const t_received_ns = nowNs();
      admission.asked(socket);
      const reply = answer(request, t_received_ns);
      const framing = framingOf(request, reply);
      this.#last = framing.connection === "close";
      const parts = this.#last ? closed(reply.parts) : reply.parts;
      this.#queue.push({ ...reply, parts, t_received_ns, next: 0, framing });
      if (this.#queue.length === 1) this.#play();
    }, () => this.#continue());
    socket.on("data", (bytes: Buffer) => {
      try {
        parser.push(bytes);
      } catch (error) {
        if (!(error instanceof RequestRefused)) throw error;
        this.#refuse(error);
      }
    });
    socket.on("close", () => {
      this.#stop();
      for (const reply of this.#queue.splice(0)) reply.over?.(reply.next);
    });
    socket.on("end", () => socket.end());
  }

  /** Closes the connection and its timer. */
  destroy(): void {
    this.#stop();
    this.#socket.destroy();
  }

  /** Answers to earlier requests are sent first. */
  #continue(): void {
    const t_received_ns = nowNs();
    const framing = { chunked: true, connection: null };
    this.#admission.asked(this.#socket);
    this.#queue.push({ parts: [CONTINUE], t_received_ns, next: 0, framing });
    if (this.#queue.length === 1) this.#play();
  }

  #stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** Writes what is due, in one piece, and waits until the next part of the reply is due. */
  #play(): void {
    let bytes = "";
    while (this.#queue.length > 0 && !this.#stopped) {
      const reply = this.#queue[0];
      const part = reply.parts[reply.next];
      if (part === undefined) {
        this.#queue.shift();
        this.#admission.answered(this.#socket);
        reply.over?.(reply.next);
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
      const isFrame = reply.framing.frames && part.kind !== "raw" && part.kind !== "whole";
      if (!isFrame) bytes += bytesOf(part, reply.framing);
      const file = isFrame ? Buffer.from(bytesOf(part, reply.framing), "latin1") : fileOf(part);
      if (file !== null) {
        this.#socket.write(bytes);
        this.#socket.write(file);
        bytes = "";
      }
    }
    if (bytes !== "") this.#socket.write(bytes);
  }

  #end(kind: "fin" | "reset" | "hang", bytes: string): void {
    this.#stop();
    // a client may keep its side open after we closed ours
    if (kind === "fin") this.#queue.forEach(() => this.#admission.answered(this.#socket));
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

  /** Writes forever, one piece per millisecond while the client accepts them. */
  #endless(bytes: string, piece: string): void {
    this.#stop();
    if (bytes !== "") this.#socket.write(bytes);
    const again = Buffer.from(piece); // encoded once, because it is written thousands of times
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

/** The bytes of a part that contains a file. */
function fileOf(part: ReplyPart): Uint8Array | null {
  if (part.kind === "raw") return typeof part.bytes === "string" ? null : part.bytes;
  return part.kind === "whole" && !part.without_body ? part.bytes ?? null : null;
}

/** The framing that a request's version and Connection header allow (RFC 9112, 9.3). */
function framingOf({ version, headers }: ParsedRequest, { parts, frames }: MockReply): Framing {
  const asked = (headers.connection ?? "").toLowerCase().split(",").map((word) => word.trim());
  const chunked = version === "1.1";
  if (asked.includes("close")) return { chunked, connection: "close", frames };
  if (chunked) return { chunked, connection: null, frames };
  const sized = !parts.some(({ kind }) => kind === "head");
  const connection = sized && asked.includes("keep-alive") ? "keep-alive" : "close";
  return { chunked, connection, frames };
}

/** The parts, with the connection's end after them. */
function closed(parts: ReplyPart[]): ReplyPart[] {
  return [...parts, { kind: "fin", at_s: parts.at(-1)?.at_s ?? 0 }];
}
