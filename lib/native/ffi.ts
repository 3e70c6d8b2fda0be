/** One typed interface to libdyno for all runtimes. */
import { messageOf } from "../errors.ts";
import { ABI, type NativeCalls } from "./symbols.ts";
import { openWithDeno } from "./ffi_deno.ts";
import { importKoffi, openWithKoffi } from "./ffi_node.ts";

/** An opened libdyno. Open it once per process: samplers and NVML sessions depend on it. */
export interface NativeLibrary {
  /** The file it was opened from. */
  readonly path: string;
  /** The FFI bridge in use. */
  readonly bridge: "Deno.dlopen" | "koffi";
  /** The functions of native/dyno.h. */
  readonly call: NativeCalls;
  /** Closes the library; first close everything that was opened with it. */
  close(): void;
}

const ROOM_BYTES = 16 * 1024;

/** The message when no library may be loaded. */
export const NOT_PERMITTED = "FFI is not permitted: run with --allow-ffi, without --deny-ffi";

/**
 * Whether a library from this folder may be loaded. If the runtime would have to ask the user, the
 * answer is yes when there is a terminal to ask on.
 */
export function mayLoadFrom(folder: string): boolean {
  if (!("Deno" in globalThis)) return true;
  const { state } = Deno.permissions.querySync({ name: "ffi", path: folder });
  return state === "granted" || (state === "prompt" && Deno.stdin.isTerminal());
}

/** Why this runtime cannot call C, in one line; null if it can. */
export async function bridgeMissing(): Promise<string | null> {
  if ("Deno" in globalThis) {
    const { state } = Deno.permissions.querySync({ name: "ffi" });
    return state === "denied" ? NOT_PERMITTED : null;
  }
  try {
    await importKoffi();
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

/**
 * Opens libdyno from a file and checks that its ABI is the one this program uses.
 *
 * @throws {Error} the file cannot be loaded, lacks a function or has another version.
 *
 * @example
 * ```ts
 * const library = await openLibrary("native/build/libdyno.so");
 * console.log(library.call.dyno_abi());
 * ```
 */
export async function openLibrary(path: string): Promise<NativeLibrary> {
  const deno = "Deno" in globalThis;
  const { call, close } = deno ? openWithDeno(path) : await openWithKoffi(path);
  const abi = call.dyno_abi();
  if (abi !== ABI) {
    close();
    throw new Error(`${path} is libdyno of ABI ${abi}; this dyno needs ABI ${ABI}`);
  }
  return { path, bridge: deno ? "Deno.dlopen" : "koffi", call, close };
}

/** Encodes a text as NUL-terminated UTF-8 for a native function. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}

function textIn(room: Uint8Array): string {
  const end = room.indexOf(0);
  return new TextDecoder().decode(room.subarray(0, end < 0 ? room.length : end));
}

/**
 * Returns the text that a native function writes. `fill` receives the buffer and its size, and
 * returns the bytes that the text needs, or a negative errno.
 *
 * @throws {Error} the result is negative; the message names `what`.
 */
export function nativeText(
  what: string,
  fill: (room: Uint8Array<ArrayBuffer>, bytes: number) => number,
  room_bytes = ROOM_BYTES,
): string {
  let bytes = room_bytes;
  for (;;) {
    const room = new Uint8Array(bytes);
    const needed = fill(room, bytes);
    if (needed < 0) throw new Error(`${what}: native error ${-needed}; was it closed before?`);
    if (needed <= bytes) return textIn(room);
    bytes = needed;
  }
}

/**
 * Calls a native function that writes a message on failure, and returns its result.
 *
 * @throws {Error} the result is negative; `refused` makes the error from the message.
 */
export function nativeCall(
  call: (message: Uint8Array<ArrayBuffer>, bytes: number) => number,
  refused: (message: string) => Error,
): number {
  const message = new Uint8Array(512);
  const result = call(message, message.length);
  if (result < 0) throw refused(textIn(message) || `native error ${-result}`);
  return result;
}
