/** The progress line: its words, and that it is drawn over itself and gone in the end. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { progressText } from "../../../lib/cli/ui/progress_line.ts";
import { MockEndpoint } from "../../../lib/mock/server.ts";
import { promptTests, temporaryFolder } from "../../suite/fixture.ts";
import { hasTerminals, inTerminal, OF_DENO, Screen } from "./screen.ts";

Deno.test("a progress line tells what is known and nothing else", () => {
  const all = { noun: "runs", done: 3, total: 12, failed: 1, rate_per_s: 0.0456, left_s: 197 };
  assertEquals(
    progressText({ ...all, in_flight: 2, more: ["", "full_s1"] }, true),
    `${"█".repeat(5)}${"░".repeat(15)} 3/12 runs · 1 failed · 0.046/s · 3 min 17 s left · ` +
      "2 in flight · full_s1",
  );
  const unknown = { noun: "tests", done: 0, total: 1200, rate_per_s: null, left_s: null };
  assertEquals(progressText(unknown, false), "0/1,200 tests");
  assertEquals(
    progressText({ ...unknown, total: null, done: 9, share: 0.5 }, true),
    `${"█".repeat(10)}${"░".repeat(10)} 9 tests`,
  );
});

/** The texts that a line showed, and the screen when it was over. */
function lineOf(said: string): { shown: string[]; end: string } {
  const screen = new Screen(100);
  const own = said.replace(OF_DENO, "");
  const shown = own.split("\r").flatMap((piece) => {
    screen.write(`\r${piece}`);
    return /[█░]/.test(screen.text().split("\n").at(-1)!)
      ? [screen.text().split("\n").at(-1)!]
      : [];
  });
  assertEquals(screen.unknown, []);
  return { shown, end: screen.text() };
}

Deno.test({
  name: "suites show tests, rate, time left and what is in flight in one line, gone in the end",
  ignore: !hasTerminals,
  fn: async () => {
    using folder = temporaryFolder();
    await using mock = await MockEndpoint.start({ model: "m" });
    mock.configure({ delay_s: 0.5 });
    const suite = { test_suite_id: "small", tests: promptTests(9) };
    writeFileSync(join(folder.path, "suite.json"), JSON.stringify(suite));
    const args = ["run", "suite.json", "--endpoint", mock.url, "--workers", "3"];
    const run = inTerminal([...args, "--sample-rate", "0"], folder.path);
    assertEquals(await run.over, 0, run.said());
    const { shown, end } = lineOf(run.said());
    assert(shown.length > 3, run.said());
    // before the first test ends there is no rate yet, but three are under way
    assert(shown.some((line) => /0\/9 tests · 3 in flight · /.test(line)), shown.join("\n"));
    assertMatch(
      shown.at(-2)!,
      /[3-8]\/9 tests · [\d.]+\/s · \d s left · [1-3] in flight · \d+ output tok\/s of wall time/,
    );
    assert(!/[█░]/.test(end), end);
    assertStringIncludes(end, "report ");
  },
});

Deno.test({
  name: "sweeps show runs, rate, time left and what is in flight in one line, gone in the end",
  ignore: !hasTerminals,
  fn: async () => {
    using folder = temporaryFolder();
    const experiment = {
      name: "naps",
      command: ["sh", "-c", `sleep 0.4; printf 'score\\n1\\n' > "$0/summary.csv"`, "{out_dir}"],
      matrix: { size: [1, 2, 3, 4] },
      jobs: 2,
    };
    writeFileSync(join(folder.path, "sweep.json"), JSON.stringify(experiment));
    const run = inTerminal(["sweep", "--config", "sweep.json"], folder.path);
    assertEquals(await run.over, 0, run.said());
    const { shown, end } = lineOf(run.said());
    assert(shown.some((line) => /0\/4 runs · 2 in flight/.test(line)), shown.join("\n"));
    assert(shown.some((line) => /2\/4 runs · [\d.]+\/s · \d s left · 2 in flight/.test(line)));
    assert(!/[█░]/.test(end), end);
  },
});
