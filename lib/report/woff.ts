/** Fonts out of their WOFF files. */
import { Buffer } from "node:buffer";
import { inflateSync } from "node:zlib";

const HEAD = { woff: 44, font: 12 };
const ENTRY = { woff: 20, font: 16 };

/** The TrueType or OpenType font in a WOFF 1.0 file: the same tables, inflated. */
export function fontOfWoff(woff: Uint8Array): Uint8Array<ArrayBuffer> {
  const file = Buffer.from(woff.buffer, woff.byteOffset, woff.length);
  const font = Buffer.alloc(file.readUInt32BE(16));
  const tables = file.readUInt16BE(12);
  file.copy(font, 0, 4, 8); // the kind of font
  font.writeUInt16BE(tables, 4);
  let place = HEAD.font + tables * ENTRY.font;
  for (let i = 0; i < tables; i++) {
    const from = HEAD.woff + i * ENTRY.woff;
    const to = HEAD.font + i * ENTRY.font;
    const [start, packed, length] = [4, 8, 12].map((field) => file.readUInt32BE(from + field));
    const content = file.subarray(start, start + packed);
    font.set(packed < length ? inflateSync(content) : content, place);
    file.copy(font, to, from, from + 4); // the table's name
    file.copy(font, to + 4, from + 16, from + 20); // its checksum
    font.writeUInt32BE(place, to + 8);
    font.writeUInt32BE(length, to + 12);
    place += Math.ceil(length / 4) * 4;
  }
  return new Uint8Array(font);
}
