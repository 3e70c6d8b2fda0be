/** WAV files: writes a header, and reads how long the sound is. */
import { Buffer } from "node:buffer";

/**
 * Seconds of a WAV file (RIFF, with the chunks "fmt " and "data"), computed from the bytes present: a
 * server that streams one does not know its length when it writes the header. Null for anything else.
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

/**
 * The header of a WAV file (PCM, one channel), which comes before its samples.
 *
 * @param bits of a sample, 8 or 16.
 * @param bytes of all samples.
 */
export function wavHead(samples_per_s: number, bits: number, bytes: number): Buffer {
  const head = Buffer.alloc(44);
  head.write("RIFF", 0);
  head.writeUInt32LE(36 + bytes, 4);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20); // PCM
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(samples_per_s, 24);
  head.writeUInt32LE(samples_per_s * bits / 8, 28);
  head.writeUInt16LE(bits / 8, 32);
  head.writeUInt16LE(bits, 34);
  head.write("data", 36);
  head.writeUInt32LE(bytes, 40);
  return head;
}
