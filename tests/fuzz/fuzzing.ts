/** Properties under random input: seeds are printed, what was found before is tried first. */
import { existsSync, readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { InputError } from "../../lib/errors.ts";

/** Whether to look for minutes, not for seconds. */
export const LONG = Boolean(Deno.env.get("DYNO_TEST_LONG"));
/** A small input that takes longer hangs; the machine may be very busy. */
const HANG_MS = 30_000;
const LIMIT_MS = LONG ? 20_000 : 2_000;

/** The short form tries the same inputs each time: what is new is looked for in the long one. */
const seed = Number(Deno.env.get("DYNO_FUZZ_SEED") ?? (LONG ? Date.now() % 2 ** 31 : 20_261_121));
process.stderr.write(`random inputs of seed ${seed} (again: DYNO_FUZZ_SEED=${seed})\n`);

/**
 * Registers a test: `holds` must neither throw, hang nor touch the prototypes of all objects.
 *
 * @param earlier inputs that did harm once, tried first.
 * @param runs inputs to try within {@linkcode LIMIT_MS}; 250 times as many in the long suite.
 */
export function property<Input>(
  name: string,
  inputs: fc.Arbitrary<Input>,
  holds: (input: Input) => unknown,
  { runs = 200, earlier = [] }: { runs?: number; earlier?: Input[] } = {},
): void {
  const numRuns = LONG ? runs * 250 : runs;
  Deno.test(`random input: ${name} (${numRuns})`, async () => {
    let last: Promise<void> = Promise.resolve();
    const checked = fc.asyncProperty(inputs, (input) => {
      watch.postMessage(`${name}: ${fc.stringify(input)}`);
      return last = held(input);
    });
    const held = async (input: Input) => {
      await holds(input);
      cleanPrototypes();
    };
    try {
      await fc.assert(checked, {
        seed,
        numRuns,
        interruptAfterTimeLimit: LIMIT_MS,
        examples: earlier.map((input) => [input]),
      });
      await last; // at the time limit fast-check leaves the one that is under way alone
    } finally {
      watch.postMessage(null);
    }
  });
}

/** Ends the process, with the input told, if the next one does not come in time: a hang holds the thread. */
function watched(): Worker {
  const code = `let timer;
    self.onmessage = ({ data }) => {
      clearTimeout(timer);
      if (data === null) return;
      timer = setTimeout(() => {
        Deno.stderr.writeSync(new TextEncoder().encode("hangs: " + data + "\\n"));
        Deno.kill(Deno.pid, "SIGKILL");
      }, ${HANG_MS});
    };`;
  return new Worker(`data:text/javascript,${encodeURIComponent(code)}`, { type: "module" });
}

const watch = watched();
Deno.test.afterAll(() => watch.terminate());

/** The inputs that were found to do harm, kept in tests/fixtures/fuzz. */
export function found<Input>(name: string): Input[] {
  const path = fileURLToPath(new URL(`../fixtures/fuzz/${name}.json`, import.meta.url));
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : [];
}

/** What `attempt` gives; null where it complains of its input, in one line. */
export async function orComplaint<T>(attempt: () => T | Promise<T>): Promise<T | null> {
  try {
    return await attempt();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    assert(error.message.length > 0);
    return null;
  }
}

function cleanPrototypes(): void {
  const plain = {} as Record<string, unknown>;
  assertEquals([plain.polluted, [].length, Object.keys(Object.prototype)], [undefined, 0, []]);
}

/** Texts that do harm where they are taken for more than text. */
export const HOSTILE = [
  "",
  " ",
  "\0",
  "\u2028",
  "\uFEFF",
  "\uD800",
  "\u202E",
  "İ",
  "ﬀ",
  "1e999",
  "-1",
  "-0",
  "0x10",
  "NaN",
  "Infinity",
  "9007199254740993",
  "1_000",
  "٣",
  "..",
  ".",
  "~",
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "=1+1",
  "@SUM(A1)",
  "\t=x",
  "a,b",
  '"',
  "'",
  "\\",
  "\r\n",
  "${x}",
  "$&",
  "{}",
  "[",
  "*".repeat(40),
  "a".repeat(300),
];

/** Texts: hostile ones, any, and those made of `pieces`. */
export function texts(...pieces: string[]): fc.Arbitrary<string> {
  const hostile = fc.constantFrom(...HOSTILE);
  const any = fc.string({ unit: "binary", maxLength: 30 });
  if (pieces.length === 0) return fc.oneof(hostile, any);
  const piece = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...pieces) },
    { weight: 1, arbitrary: hostile },
    { weight: 1, arbitrary: any },
  );
  return fc.array(piece, { maxLength: 24 }).map((list) => list.join(""));
}
