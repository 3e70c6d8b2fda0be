/** Calls each function of libdyno with what it is not made for; a test looks at how this ends. */
import process from "node:process";
import { nativeLibrary } from "../../lib/native/library.ts";
import { SYMBOLS } from "../../lib/native/symbols.ts";
import { seededRandom } from "../../lib/stats/random.ts";

const ROUNDS = 200;
const WRONG_IDS = [-1, 0, 1, 7, 999_999, 2 ** 31 - 1, -(2 ** 31)];
const TEXTS = [
  "",
  "{",
  "null",
  "[]",
  "a\0b",
  '{"rate_hz":1e308}',
  "127.0.0.1:0\n",
  "%n%s",
  "9".repeat(400),
];

const { library } = await nativeLibrary(() => {});
if (!library) throw new Error("no libdyno");
const random = seededRandom(22);
const one = <Value>(values: readonly Value[]) => values[Math.floor(random() * values.length)];

/** Texts, noise and nothing. */
function wrongBuffer(): Uint8Array<ArrayBuffer> {
  if (random() < 0.4) return new Uint8Array(new TextEncoder().encode(`${one(TEXTS)}\0`));
  const bytes = new Uint8Array(one([1, 3, 8, 64, 4096]));
  if (random() < 0.5) bytes.forEach((_, i) => bytes[i] = Math.floor(random() * 256));
  if (random() < 0.5) bytes[bytes.length - 1] = 0;
  return bytes;
}

let calls = 0;
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, { parameters }] of Object.entries(SYMBOLS)) {
    const buffers = parameters.map((type) => type === "buffer" ? wrongBuffer() : null);
    const values = parameters.map((type, i) => {
      if (type === "buffer") return buffers[i]!;
      if (type === "i32") return one(WRONG_IDS);
      // behind a buffer: its size, or less
      const before = buffers[i - 1]?.length;
      if (before !== undefined) return one([0, 1, before]);
      // a wait is as long as it is asked to be
      return one(name === "dyno_wire_wait" ? [0, 1, 5] : [0, 1, 5, 2 ** 31, 2 ** 32 - 1]);
    });
    // texts are read to their end
    buffers.forEach((buffer, i) => {
      if (buffer && parameters[i + 1] !== "u32") buffer[buffer.length - 1] = 0;
    });
    const call = library.call[name as keyof typeof SYMBOLS] as (...given: unknown[]) => unknown;
    await call(...values);
    calls++;
  }
}
process.stdout.write(`${calls} calls\n`);
process.exit(0);
