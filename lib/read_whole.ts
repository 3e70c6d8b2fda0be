/** Reading a file whole, where it is a plain one of a size that fits into memory. */
import { readFile, stat } from "node:fs/promises";
import { InputError, messageOf } from "./errors.ts";

/** What fits into one string. */
const LARGEST_BYTES = 512_000_000;

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
    if (found.isDirectory()) throw new InputError(`${path}: is a folder, expected a file`);
    if (!found.isFile() && !found.isFIFO()) { // a shell's <(command) is a pipe
      throw new InputError(`${path}: a device or a socket, expected a plain file`);
    }
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
