/** Sizes of what is written in base64. */

/** The bytes that a text in base64 stands for (RFC 4648), its filling left out. */
export function base64Bytes(text: string): number {
  const filling = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  return Math.floor((text.length - filling) * 3 / 4);
}
