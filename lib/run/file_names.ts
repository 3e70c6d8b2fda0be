/** File names from names that people gave, so that no two share a file. */

const LONGEST = 120;

/**
 * A name safe on every file system: letters, digits, `.`, `_` and `-`; 120 characters at most. Not
 * unique: see {@linkcode uniqueFileNames}.
 *
 * @example
 * ```ts
 * safeFileName("Sum: 2 + 2?"); // "Sum_2_2"
 * ```
 */
export function safeFileName(name: string): string {
  const safe = name.normalize("NFKC").replace(/[^\p{L}\p{N}._-]+/gu, "_").replace(
    /^[._]+|[._]+$/g,
    "",
  );
  return [...safe].slice(0, LONGEST).join("").replace(/[._]+$/, "") || "unnamed";
}

/**
 * One file name for each entry, in order. Where two would be equal (letter case aside, as some file
 * systems fold it), the later one gets its id, and then a number, appended.
 */
export function uniqueFileNames(entries: readonly { id: string; name: string }[]): string[] {
  const taken = new Set<string>();
  return entries.map(({ id, name }) => {
    const plain = safeFileName(name);
    let unique = plain;
    for (let n = 1; taken.has(unique.toLowerCase()); n++) {
      unique = `${plain}_${safeFileName(id)}${n > 1 ? `_${n}` : ""}`;
    }
    taken.add(unique.toLowerCase());
    return unique;
  });
}
