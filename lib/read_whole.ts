/** Reading a file whole, where it is a plain one of a size that fits into memory. */
import { isUtf8 } from "node:buffer";
import type { Stats } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { InputError, messageOf } from "./errors.ts";

/** What fits into one string. */
const LARGEST_BYTES = 512_000_000;

/** What a shell hands over: standard input, and the pipe of `<(command)`. */
const HANDED_OVER = /^\/(?:dev\/(?:stdin|fd\/\d+)|proc\/(?:self|\d+)\/fd\/\d+)$/;

/**
 * Refuses what would be waited for or read without end.
 *
 * @throws {InputError} a folder, a device, a socket, or a named pipe.
 */
export function refuseOdd(path: string, found: Stats): void {
  if (found.isFile() || (HANDED_OVER.test(path) && !found.isDirectory())) return;
  if (found.isDirectory()) throw new InputError(`${path}: is a folder, expected a file`);
  const what = found.isFIFO() ? "a pipe" : "a device or a socket";
  throw new InputError(`${path}: ${what}, expected a plain file`);
}

/**
 * A file's bytes.
 *
 * @param missing what is said where there is no such file.
 * @param instead what to do with one that is too large.
 * @throws {InputError} it is missing, a folder, a device or a socket, larger than 512 MB, or unreadable.
 */
export async function readWhole(
  path: string,
  missing: (path: string) => string,
  instead: string,
): Promise<Uint8Array> {
  try {
    const found = await stat(path);
    refuseOdd(path, found);
    if (found.size > LARGEST_BYTES) {
      const size = `${Math.ceil(found.size / 1e6)} MB`;
      throw new InputError(`${path}: ${size} is more than the 512 MB that are read; ${instead}`);
    }
    return await readFile(path);
  } catch (error) {
    if (error instanceof InputError) throw error;
    const code = (error as { code?: string }).code;
    throw new InputError(code === "ENOENT" ? missing(path) : `${path}: ${messageOf(error)}`);
  }
}

/** The encoding that the first bytes of a text tell. */
export function encodingOf(content: Uint8Array): string {
  if (content[0] === 0xff && content[1] === 0xfe) return "utf-16le";
  return content[0] === 0xfe && content[1] === 0xff ? "utf-16be" : "utf-8";
}

/**
 * The text of a file that a person wrote: UTF-8, or UTF-16 with a byte order mark, which is dropped.
 *
 * @throws {InputError} it is neither, with the line: other letters would be sent than were written.
 */
export function writtenText(path: string, content: Uint8Array): string {
  const encoding = encodingOf(content);
  if (encoding === "utf-8" && !isUtf8(content)) {
    const line = oddLine(content);
    throw new InputError(`${path}:${line}: has bytes that are not UTF-8; save the file as UTF-8`);
  }
  return new TextDecoder(encoding).decode(content);
}

/** The first line that is no UTF-8, from 1: no letter holds the byte of a line's end. */
function oddLine(content: Uint8Array): number {
  for (let line = 1, from = 0;; line++) {
    const end = content.indexOf(0x0a, from);
    if (end < 0 || !isUtf8(content.subarray(from, end))) return line;
    from = end + 1;
  }
}
