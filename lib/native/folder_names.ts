/** The names in a folder: Deno's own reading takes a quarter of the time of its node:fs. */
import { readdirSync } from "node:fs";

/**
 * Names of all that lies in a folder, in no order.
 *
 * @throws the system's error, with its `code`.
 */
export function folderNames(path: string): string[] {
  const deno = (globalThis as { Deno?: typeof Deno }).Deno;
  return deno ? Array.from(deno.readDirSync(path), ({ name }) => name) : readdirSync(path);
}
