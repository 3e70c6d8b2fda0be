/** Files that a suite names. A suite from someone else must not send other files of this host anywhere. */
import { realpathSync } from "node:fs";
import { isAbsolute, relative, resolve } from "node:path";

/**
 * The path of a file that a suite in `directory` names, with links resolved.
 *
 * @throws {Error} the file does not exist, or is outside of the folder.
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
    throw new Error(`"${name}" is outside the suite's folder; put the file in that folder`);
  }
  return path;
}
