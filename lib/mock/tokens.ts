/** The mock's tokens, and numbers derived from a text. */

/** The mock's tokens: words with the space before them. */
export function tokensOf(text: string): string[] {
  return text.match(/\s*\S+/g) ?? [];
}

/** FNV-1a of a text's UTF-16 units, 32 bits. */
export function textHash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}
