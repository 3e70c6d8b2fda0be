/** The bridge under Deno: `Deno.dlopen`. */
import { type NativeCalls, SYMBOLS } from "./symbols.ts";

/**
 * Opens a library. Needs `--allow-ffi=PATH`.
 *
 * @throws {Error} the file cannot be loaded or lacks a function.
 */
export function openWithDeno(path: string): { call: NativeCalls; close: () => void } {
  const library = Deno.dlopen(path, SYMBOLS);
  return { call: library.symbols as NativeCalls, close: () => library.close() };
}
