/** A picture's points as the bytes of a PNG file, compressed by the runtime's own zlib. */
import { Buffer } from "node:buffer";
import { crc32, deflateSync } from "node:zlib";

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const RGBA = 4;

/** The PNG file of `width` × `height` points, four bytes each: red, green, blue, alpha. */
export function pngFile(points: Uint8Array, width: number, height: number): Uint8Array {
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 6, 0, 0, 0]); // 8 bits a colour, RGBA
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  const row = width * RGBA;
  const rows = new Uint8Array((row + 1) * height); // each begins with 0: it is not filtered
  for (let y = 0; y < height; y++) {
    rows.set(points.subarray(y * row, (y + 1) * row), y * (row + 1) + 1);
  }
  return Buffer.concat([
    SIGNATURE,
    ...chunk("IHDR", header),
    ...chunk("IDAT", deflateSync(rows)),
    ...chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** A chunk of the file: length, type, content, checksum. */
function chunk(type: string, content: Uint8Array): Uint8Array[] {
  const typed = Buffer.concat([Buffer.from(type, "latin1"), content]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(content.length);
  sum.writeUInt32BE(crc32(typed));
  return [length, typed, sum];
}
