/** Makes unique file names from names that people chose. */

import { Buffer } from "node:buffer";

/** File systems allow 255 bytes; this leaves room for an id and an extension. */
const MOST_BYTES = 160;

/**
 * Returns a name that is safe on every file system: letters, digits, `.`, `_` and `-`, at most 160
 * bytes. Not necessarily unique: see {@linkcode uniqueFileNames}.
 *
 * @example
 * ```ts
 * safeFileName("Sum: 2 + 2?"); // "Sum_2_2"
 * ```
 */
export function safeFileName(name: string): string {
  const safe = name.normalize("NFKC").replace(/[^\p{L}\p{N}._-]+/gu, "_");
  let cut = "", bytes = 0;
  for (const letter of safe.replace(/^[._]+/, "")) {
    bytes += Buffer.byteLength(letter);
    if (bytes > MOST_BYTES) break;
    cut += letter;
  }
  return cut.replace(/[._]+$/, "") || "unnamed";
}

/**
 * Returns a file name for each entry, in order. Where two would be equal (ignoring case, as some
 * file systems do), the id is appended to the later one, and then a number if needed.
 */
export function uniqueFileNames(entries: readonly { id: string; name: string }[]): string[] {
  const taken = new Set<string>();
  return entries.map(({ id, name }) => {
    const plain = safeFileName(name);
    let unique = plain;
    for (let n = 1; taken.has(unique.toLowerCase()); n++) {
      unique = `${plain}_${safeFileName(id).slice(0, 20)}${n > 1 ? `_${n}` : ""}`;
    }
    taken.add(unique.toLowerCase());
    return unique;
  });
}
