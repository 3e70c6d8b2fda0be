/** Bytes in pieces of any size come out as they went in, in memory that goes by their number alone. */
import { Buffer } from "node:buffer";
import process from "node:process";
import { assert, assertEquals } from "@std/assert";
import { GatheredBytes } from "../../lib/endpoint/gathered_bytes.ts";
import { seededRandom } from "../../lib/stats/random.ts";

Deno.test("pieces of all sizes, taken again and again", () => {
  const random = seededRandom(22);
  const gathered = new GatheredBytes();
  for (let round = 0; round < 50; round++) {
    const pieces = Array.from({ length: round }, () => {
      const piece = Buffer.alloc(Math.floor(random() ** 4 * 200_000));
      return piece.map(() => Math.floor(random() * 256)) as Buffer;
    });
    for (const piece of pieces) gathered.add(piece);
    const whole = Buffer.concat(pieces);
    assertEquals(gathered.length, whole.length);
    assert(gathered.take().equals(whole));
    assertEquals([gathered.length, gathered.take().length], [0, 0]);
  }
});

Deno.test("4 MB byte by byte take some MB", () => {
  const gathered = new GatheredBytes();
  const one = Buffer.from("x");
  const before = process.memoryUsage();
  for (let n = 0; n < 4 << 20; n++) gathered.add(one);
  const { heapUsed, external } = process.memoryUsage();
  // a buffer for each byte would take 400 MB and more
  assert(heapUsed - before.heapUsed + external - before.external < 100 << 20);
  assertEquals(gathered.take().length, 4 << 20);
});
