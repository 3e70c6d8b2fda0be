/** Files that a suite names: a suite that others wrote sends nothing of this host elsewhere. */
import { realpathSync } from "node:fs";
import { isAbsolute, relative, resolve } from "node:path";

/**
 * The file that a suite in `directory` means, links followed.
 *
 * @throws {Error} there is none, or it lies outside of the folder.
 */
export function pathBeside(directory: string, name: string): string {
  let path: string;
  try {
    path = realpathSync(resolve(directory, name));
  } catch {
    throw new Error(`${resolve(directory, name)}: no such file`);
  }
  const inside = relative(realpathSync(directory), path);
  if (isAbsolute(name) || isAbsolute(inside) || inside.split("/")[0] === "..") {
    throw new Error(`"${name}" lies outside of the suite's folder; put the file beside it`);
  }
  return path;
}
