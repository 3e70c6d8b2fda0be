/** Pictures of charts: the file's own checksums, what is drawn in it, and the fonts that it is drawn with. */
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { crc32, inflateSync } from "node:zlib";
import { assert, assertEquals } from "@std/assert";
import { ASSETS, pngOf } from "../../lib/report/png.ts";
import { fontOfWoff } from "../../lib/report/woff.ts";

/** The chunks of a PNG file, whose checksums hold. */
function chunksOf(png: Uint8Array): Map<string, Buffer> {
  const file = Buffer.from(png);
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < file.length;) {
    const end = at + 8 + file.readUInt32BE(at);
    assertEquals(file.readUInt32BE(end), crc32(file.subarray(at + 4, end)));
    chunks.set(file.toString("latin1", at + 4, at + 8), file.subarray(at + 8, end));
    at = end + 4;
  }
  return chunks;
}

Deno.test("a picture has the colours of what was drawn, at twice its size, letters too", async () => {
  const svg = (content: string) =>
    `<svg xmlns="http://www.w3.org/2000/svg" width="30" height="20">${content}</svg>`;
  const points = async (content: string) => {
    const chunks = chunksOf(await pngOf(svg(content)) as Uint8Array);
    assertEquals([...chunks.keys()], ["IHDR", "IDAT", "IEND"]);
    const header = chunks.get("IHDR")!;
    assertEquals([header.readUInt32BE(0), header.readUInt32BE(4)], [60, 40]);
    const rows = inflateSync(chunks.get("IDAT")!);
    assertEquals(rows.length, 40 * (1 + 60 * 4));
    return (x: number, y: number) => [...rows.subarray(y * 241 + 1 + x * 4).subarray(0, 4)];
  };
  const rectangle = await points(`<rect x="10" width="5" height="5" fill="var(--c1)"/>`);
  const [paper, blue] = [[255, 255, 255, 255], [0x25, 0x63, 0xae, 255]];
  const corners = [[19, 0], [20, 0], [29, 9], [30, 9], [29, 10], [59, 39]] as const;
  assertEquals(corners.map(([x, y]) => rectangle(x, y)), [paper, blue, blue, paper, paper, paper]);
  for (const weight of ["normal", "bold"]) {
    const letter = await points(
      `<text x="2" y="18" font-size="24" font-weight="${weight}">M</text>`,
    );
    const inked = Array.from({ length: 60 }, (_, x) => letter(x, 30)[0]).filter((red) => red < 128);
    assert(inked.length > 5, `${weight}: no letter is drawn`);
  }
});

Deno.test("a font out of its WOFF file has the tables that its checksums are of", () => {
  const paths = ASSETS.filter((path) => path.endsWith(".woff"));
  assertEquals(paths.length, 2);
  for (const path of paths) {
    const font = Buffer.from(fontOfWoff(readFileSync(new URL(import.meta.resolve(path)))));
    const tables = new Map<string, Buffer>();
    for (let at = 12; at < 12 + font.readUInt16BE(4) * 16; at += 16) {
      const [sum, start, length] = [4, 8, 12].map((field) => font.readUInt32BE(at + field));
      const name = font.toString("latin1", at, at + 4);
      let found = 0;
      for (let i = start; i < start + length; i += 4) found = (found + font.readUInt32BE(i)) >>> 0;
      if (name !== "head") assertEquals(found, sum, name); // head holds a sum over the whole file
      tables.set(name, font.subarray(start, start + length));
    }
    for (const name of ["cmap", "glyf", "head", "hmtx", "loca", "name"]) assert(tables.has(name));
  }
});
