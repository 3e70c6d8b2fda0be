/** Every program of examples/ runs, and prints what it is about. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { temporaryFolder } from "../suite/fixture.ts";
import { pageAt, ROOT } from "./docs_pages.ts";

/** What each prints, on the mock endpoint: its answers and times are known. */
const PRINTS: Record<string, RegExp> = {
  "load.ts": /1 in flight: ttft p50 [\d.]+ ms, \d+ tokens\/s[^]*4 in flight: ttft/,
  // the second model is right in 3 of 12 questions
  "compare_models.ts": /pass rate 1\.00 and 0\.25: difference \[-[\d.]+, -[\d.]+\][^]*first: 9/,
  "own_evaluator.ts": /capital: passed[^]*story: failed|story: failed[^]*capital: passed/,
  "sample.ts": /[\d.]+ s, CPU \d+ %/,
};

for (const name of readdirSync(join(ROOT, "examples"))) {
  Deno.test(`examples/${name} runs`, async () => {
    using folder = temporaryFolder();
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", join(ROOT, "examples", name)],
      cwd: folder.path,
    }).output();
    const [said, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assertEquals(code, 0, errors);
    assert(Object.hasOwn(PRINTS, name), `what ${name} prints is not stated`);
    assertMatch(said, PRINTS[name]);
    assert(pageAt("docs/library.md").includes(`examples/${name}`), "docs/library.md names it");
  });
}
