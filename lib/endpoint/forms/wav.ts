/** How long the sound of a WAV file is. */
import { Buffer } from "node:buffer";

/**
 * Seconds of a WAV (RIFF, with the chunks "fmt " and "data"), by the bytes that are there: a server that
 * streams one does not know its length when it writes the head. Null for anything else.
 */
export function wavSeconds(bytes: Uint8Array): number | null {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.length < 12 || file.toString("latin1", 0, 4) !== "RIFF") return null;
  if (file.toString("latin1", 8, 12) !== "WAVE") return null;
  let per_s: number | null = null;
  for (let at = 12; at + 8 <= file.length;) {
    const name = file.toString("latin1", at, at + 4);
    const size = file.readUInt32LE(at + 4);
    const begin = at + 8;
    if (name === "data") {
      return per_s ? Math.min(size || Infinity, file.length - begin) / per_s : null;
    }
    if (name === "fmt " && begin + 12 <= file.length) per_s = file.readUInt32LE(begin + 8);
    at = begin + size + size % 2;
  }
  return null;
}
