/**
 * Reads frames of application/vnd.amazon.eventstream, in which Bedrock streams its answers.
 * native/http/frames.h describes them.
 */
import { crc32 } from "node:zlib";
import { EndpointError } from "./errors.ts";
import { GatheredBytes } from "./gathered_bytes.ts";
import type { Buffer } from "node:buffer";

const PRELUDE_BYTES = 12;
const SUM_BYTES = 4;
/** The type of a text header; all headers that are read have it. */
const TEXT = 7;
/** Bytes of a header's value, by the header's type; null when the value begins with its own length. */
const SIZES = [0, 0, 1, 2, 4, 8, null, null, 8, 16];
const MAX_EVENT_BYTES = 4 * 1024 * 1024;

/** Splits a byte stream into the payloads of its frames. */
export class FrameSplitter {
  readonly #pending = new GatheredBytes();
  /** Bytes of the current frame; of its prelude until the frame's length is known. */
  #wanted = PRELUDE_BYTES;
  readonly #onEvent: (data: string, error: boolean) => void;

  /**
   * @param onEvent called with each event's data, and whether the event's name says that it is an error.
   */
  constructor(onEvent: (data: string, error: boolean) => void) {
    this.#onEvent = onEvent;
  }

  /**
   * Takes the next bytes; calls back for each event that they complete.
   *
   * @throws {EndpointError} class malformed: a wrong checksum or length, or an event above 4 MB.
   */
  push(bytes: Buffer): void {
    this.#pending.add(bytes);
    if (this.#pending.length < this.#wanted) return;
    let rest = this.#pending.take();
    for (;;) {
      this.#wanted = frameBytes(rest) ?? PRELUDE_BYTES;
      if (rest.length < this.#wanted) break;
      const { data, error } = eventIn(rest.subarray(0, this.#wanted));
      if (data !== "") this.#onEvent(data, error);
      rest = rest.subarray(this.#wanted);
    }
    this.#pending.add(rest);
  }
}

/** The length of the frame that begins here, bytes; null until its prelude has come. */
function frameBytes(bytes: Buffer): number | null {
  if (bytes.length < PRELUDE_BYTES) return null;
  const total = bytes.readUInt32BE(0), headers = bytes.readUInt32BE(4);
  if (
    crc32(bytes.subarray(0, 8)) !== bytes.readUInt32BE(8) ||
    total - headers < PRELUDE_BYTES + SUM_BYTES
  ) throw damaged();
  if (total > MAX_EVENT_BYTES) {
    throw new EndpointError("malformed", "the server sent an event of more than 4 MB");
  }
  return total;
}

function eventIn(frame: Buffer): { data: string; error: boolean } {
  const end = frame.length - SUM_BYTES;
  if (crc32(frame.subarray(0, end)) !== frame.readUInt32BE(end)) throw damaged();
  const begin = PRELUDE_BYTES + frame.readUInt32BE(4);
  const headers = headersIn(frame.subarray(PRELUDE_BYTES, begin));
  const data = frame.toString("utf8", begin, end);
  const type = headers.get(":message-type");
  if (type !== "exception" && type !== "error") return { data, error: false };
  const kind = headers.get(":exception-type") ?? headers.get(":error-code") ?? "";
  const name = kind.replace(/[^a-z]/gi, "");
  // deno-lint-ignore no-control-regex
  const words = (headers.get(":error-message") ?? "").replace(/[\x00-\x1f"\\]/g, "");
  const told = data || `{"message":"${words}"}`;
  return { data: `{"error_type":"${name}","error":${told}}`, error: true };
}

/** The text headers; reading stops at the first malformed one. */
function headersIn(bytes: Buffer): Map<string, string> {
  const found = new Map<string, string>();
  for (let at = 0; at < bytes.length;) {
    const typeAt = at + 1 + bytes[at];
    if (typeAt >= bytes.length) break;
    const name = bytes.toString("latin1", at + 1, typeAt);
    const type = bytes[typeAt];
    if (type >= SIZES.length) break;
    const isLong = SIZES[type] === null;
    if (isLong && typeAt + 3 > bytes.length) break;
    const from = typeAt + (isLong ? 3 : 1);
    at = from + (SIZES[type] ?? bytes.readUInt16BE(typeAt + 1));
    if (at > bytes.length) break;
    if (type === TEXT && !found.has(name)) found.set(name, bytes.toString("utf8", from, at));
  }
  return found;
}

function damaged(): EndpointError {
  return new EndpointError("malformed", "the server sent an event with a wrong checksum or length");
}
