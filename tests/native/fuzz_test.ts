/** The parsers of HTTP and of event streams under libFuzzer: ten minutes in the long suite, one where CI=true. */
import { assert } from "@std/assert";
import { join } from "@std/path";
import { fuzzingClang } from "../clang.ts";
import { CASES } from "./corpus.ts";
import { run, temporaryFolder } from "./fixtures.ts";

const SECONDS = Deno.env.get("DYNO_TEST_LONG") ? 600 : Deno.env.get("CI") === "true" ? 60 : 2;
const MAX_BYTES = 65536;
/** First bytes of inputs: a response in small and in larger pieces, an event stream alone. */
const MODES = [0, 3, 7, 0x81, 0x85];
/** Words that the fuzzer may insert. */
const WORDS = ["content-length: ", "transfer-encoding: chunked", "text/event-stream", "\\x0d\\x0a"];

const clang = fuzzingClang();
const without = clang ? "" : " (skipped: no clang; Debian: apt-get install clang libclang-rt-dev)";

async function writeSeeds(folder: string): Promise<void> {
  await Deno.mkdir(folder);
  const short = CASES.filter(({ response }) => response.length < MAX_BYTES);
  for (const [i, { response }] of short.entries()) {
    const mode = MODES[i % MODES.length];
    const body = response.indexOf("\r\n\r\n") + 4;
    const rest = mode & 0x80 ? response.subarray(body) : response;
    await Deno.writeFile(join(folder, `${i}`), new Uint8Array([mode, ...rest]));
  }
}

Deno.test({
  name: `${SECONDS} s of fuzzing the parsers find nothing${without}`,
  ignore: clang === null,
  fn: async () => {
    using folder = temporaryFolder();
    const seeds = join(folder.path, "seeds");
    const words = join(folder.path, "words");
    await writeSeeds(seeds);
    await Deno.writeTextFile(words, WORDS.map((word) => `"${word}"\n`).join(""));
    await run("make", "-s", `BUILD=${folder.path}`, `CLANG=${clang}`, "fuzz");
    // what it found is in the message of the error that run throws: its bytes in base64
    await run(
      join(folder.path, "fuzz_http"),
      `-max_total_time=${SECONDS}`,
      `-max_len=${MAX_BYTES}`,
      `-artifact_prefix=${folder.path}/`,
      `-dict=${words}`,
      "-timeout=10",
      seeds,
    );
    // libFuzzer adds to the seeds what reaches new code
    assert([...Deno.readDirSync(seeds)].length >= CASES.length / 2);
  },
});
