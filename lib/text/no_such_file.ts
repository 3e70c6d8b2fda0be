/** What is said of a file that is not there. */
import { isAbsolute } from "node:path";
import process from "node:process";

/** The file, and the folder that its path was seen from. */
export function noSuchFile(path: string, what = "file"): string {
  return isAbsolute(path)
    ? `${path}: no such ${what}; check the path`
    : `${path}: no such ${what} in ${process.cwd()}; check the path`;
}
