/**
 * The paced server: event streams from a native thread, in which every event contains the time it
 * was sent.
 */
import { cString, nativeCall, type NativeLibrary, nativeText } from "./ffi.ts";

export interface PaceOptions {
  /** Events in one answer, if the request has no max_tokens (200). */
  tokens?: number;
  /** Microseconds between two events; 0: as fast as the client reads (20,000). */
  interval_us?: number;
  /** Microseconds from the request to the first event (0). */
  delay_us?: number;
  /** Events per write (1). */
  burst?: number;
  /** Default 0: any free port. */
  port?: number;
  /** Uses TLS with the certificate in this file (PEM). */
  cert?: string;
  /** The file of its key. Default: the certificate's file. */
  key?: string;
}

export interface PaceStatus {
  requests: number;
  events: number;
  connections: number;
  worst_lateness_ns: number;
  /**
   * From the kernel's receipt of a request to its first event, in steps of 10 µs; 0 if there was
   * none.
   */
  first_p50_ns: number;
  first_p99_ns: number;
  /** Between two events of an answer, when they were handed to the kernel. */
  gap_p50_ns: number;
  gap_p99_ns: number;
  cpu_ns: number;
  scheduling: string | null;
}

/** A server on 127.0.0.1; at most one per process. */
export class PacedServer implements Disposable {
  readonly port: number;
  /** `http://127.0.0.1:PORT`, or https with a certificate. */
  readonly url: string;
  readonly #library: NativeLibrary;

  /** @throws {Error} it cannot listen, or another one is open. */
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

  /** Closes every connection and stops the thread. */
  [Symbol.dispose](): void {
    this.#library.call.dyno_pace_close();
  }
}

/**
 * The time at which the paced server handed an event to the kernel, nanoseconds; null for other
 * events.
 */
export function paceStamp(content: string): number | null {
  return /^ \d{19}$/.test(content) ? Number(content) : null;
}
