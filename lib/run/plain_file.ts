/** Files of runs that came from elsewhere: a pipe or a device there would be read without end. */
import { readFileSync, statSync } from "node:fs";
import { InputError } from "../errors.ts";

/**
 * The path of a plain file; of one that is not there, too.
 *
 * @throws {InputError} a pipe, a device or a folder.
 */
export function plainFile(path: string): string {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) {
    throw new InputError(`${path}: is not a plain file; remove it`);
  }
  return path;
}

/**
 * The text of a plain file.
 *
 * @throws {InputError} it is none.
 * @throws the system's error when it cannot be read.
 */
export function plainText(path: string): string {
  return readFileSync(plainFile(path), "utf8");
}
