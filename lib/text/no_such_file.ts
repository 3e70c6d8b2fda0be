/** The message about a file that does not exist. */
import { readdirSync } from "node:fs";
import { basename, dirname, isAbsolute, resolve } from "node:path";
import { didYouMean } from "./nearest.ts";

/** Names the file, the folder that was looked in, and what is there under a similar name. */
export function noSuchFile(path: string, what = "file"): string {
  const where = isAbsolute(path) ? "" : ` in ${dirname(resolve(path))}`;
  return `${path}: no such ${what}${where}${similarNames(path) || "; check the path"}`;
}

/**
 * `; did you mean "a" or "b"?` with similar names in the folder of a path; empty if there are none.
 * If the folder does not exist, it says so.
 */
export function similarNames(path: string): string {
  const folder = dirname(resolve(path));
  try {
    return didYouMean(basename(path), readdirSync(folder));
  } catch (error) {
    const { code } = error as { code?: string };
    return code === "ENOENT" ? `; there is no folder ${folder}` : "";
  }
}
