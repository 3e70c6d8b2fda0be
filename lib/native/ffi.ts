/** One typed face for libdyno, whichever runtime opened it. */
import { messageOf } from "../errors.ts";
import { ABI, type NativeCalls } from "./symbols.ts";
import { openWithDeno } from "./ffi_deno.ts";
import { importKoffi, openWithKoffi } from "./ffi_node.ts";

/** libdyno, opened. Keep one for the whole process: samplers and NVML sessions hang on it. */
export interface NativeLibrary {
  /** The file it was opened from. */
  readonly path: string;
  /** Through which bridge. */
  readonly bridge: "Deno.dlopen" | "koffi";
  /** The functions of native/dyno.h. */
  readonly call: NativeCalls;
  /** Lets go of the library; close what was opened with it first. */
  close(): void;
}

const ROOM_BYTES = 16 * 1024;

/** What to say where no library may be loaded. */
export const NOT_PERMITTED = "FFI is not permitted: run with --allow-ffi, without --deny-ffi";

/**
 * Whether a library from this folder may be loaded. Where the answer would be a question to the user
 * it may, if there is a user to be asked.
 */
export function mayLoadFrom(folder: string): boolean {
  if (!("Deno" in globalThis)) return true;
  const { state } = Deno.permissions.querySync({ name: "ffi", path: folder });
  return state === "granted" || (state === "prompt" && Deno.stdin.isTerminal());
}

/** Why this runtime has no way to call C, in one line; null when it has. */
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
 * Opens libdyno from a file and checks that it speaks this program's ABI.
 *
 * @throws {Error} when the file cannot be loaded, lacks a function or is of another version
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

/** A NUL-terminated UTF-8 text for a native function. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}

function textIn(room: Uint8Array): string {
  const end = room.indexOf(0);
  return new TextDecoder().decode(room.subarray(0, end < 0 ? room.length : end));
}

/**
 * The text that a native function writes: `fill` gets the room and its size and returns the bytes
 * that the text needs, or a negative errno.
 *
 * @throws {Error} on a negative result, naming `what`
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
 * Calls a native function that writes a message when it fails, and gives its result.
 *
 * @throws {Error} with that message, made by `refused`, on a negative result
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
