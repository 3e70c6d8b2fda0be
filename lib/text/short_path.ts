/** Paths as people read them. */
import process from "node:process";
import { relative } from "node:path";

/** A path as short as it can be from the working folder. */
export function shortPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith("..") ? path : short;
}
