/** The message about a file that does not exist. */
import { isAbsolute } from "node:path";
import process from "node:process";

/** Names the file, and the folder that its path is relative to. */
export function noSuchFile(path: string, what = "file"): string {
  return isAbsolute(path)
    ? `${path}: no such ${what}; check the path`
    : `${path}: no such ${what} in ${process.cwd()}; check the path`;
}
