/** Formats paths for people. */
import process from "node:process";
import { relative } from "node:path";

/** A path relative to the working folder; unchanged if it is outside that folder. */
export function shortPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith("..") ? path : short;
}
