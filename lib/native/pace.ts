/** The paced server: event streams whose every event says when it was sent, from a native thread. */
import { cString, nativeCall, type NativeLibrary, nativeText } from "./ffi.ts";

export interface PaceOptions {
  /** Events of one answer, where the request has no max_tokens (200). */
  tokens?: number;
  /** Microseconds between two events; 0: as fast as the client reads (20,000). */
  interval_us?: number;
  /** Microseconds from the request to the first event (0). */
  delay_us?: number;
  /** Events in one write (1). */
  burst?: number;
  /** 0, the default, takes a free one. */
  port?: number;
  /** Speaks TLS with the certificate in this file (PEM). */
  cert?: string;
  /** The file of its key; the certificate's where left out. */
  key?: string;
}

export interface PaceStatus {
  requests: number;
  events: number;
  connections: number;
  worst_lateness_ns: number;
  /** From the kernel's receipt of a request to its first event, in steps of 10 µs; 0 where there was none. */
  first_p50_ns: number;
  first_p99_ns: number;
  /** Between two events of an answer, as they were handed to the kernel. */
  gap_p50_ns: number;
  gap_p99_ns: number;
  cpu_ns: number;
  scheduling: string | null;
}

/** A server on 127.0.0.1; one a process. */
export class PacedServer implements Disposable {
  readonly port: number;
  /** `http://127.0.0.1:PORT`, or https with a certificate. */
  readonly url: string;
  readonly #library: NativeLibrary;

  /** @throws {Error} it cannot listen, or one is open. */
  constructor(library: NativeLibrary, options: PaceOptions = {}) {
    const lines = Object.entries(options).map(([key, value]) => `${key}=${value}`).join("\n");
    this.#library = library;
    this.port = nativeCall(
      (message, bytes) => library.call.dyno_pace_open(cString(lines), message, bytes),
      (message) => new Error(`paced server: ${message}`),
    );
    this.url = `http${options.cert === undefined ? "" : "s"}://127.0.0.1:${this.port}`;
  }

  status(): PaceStatus {
    return JSON.parse(nativeText(
      "paced server",
      (room, bytes) => this.#library.call.dyno_pace_status(room, bytes),
    ));
  }

  /** Closes every connection and ends the thread. */
  [Symbol.dispose](): void {
    this.#library.call.dyno_pace_close();
  }
}

/** When an event of the paced server was handed to the kernel, nanoseconds; null for another event. */
export function paceStamp(content: string): number | null {
  return /^ \d{19}$/.test(content) ? Number(content) : null;
}
