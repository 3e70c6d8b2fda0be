/** Opens files of runs that come from elsewhere: reading a pipe or a device could block forever. */
import { readFileSync, statSync } from "node:fs";
import { InputError } from "../errors.ts";

/**
 * Returns the path if it is a plain file, or does not exist.
 *
 * @throws {InputError} it is a pipe, a device or a folder.
 */
export function plainFile(path: string): string {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) {
    throw new InputError(`${path}: is not a plain file; remove it`);
  }
  return path;
}

/**
 * Returns the text of a plain file.
 *
 * @throws {InputError} it is not a plain file.
 * @throws the system's error when it cannot be read.
 */
export function plainText(path: string): string {
  return readFileSync(plainFile(path), "utf8");
}
