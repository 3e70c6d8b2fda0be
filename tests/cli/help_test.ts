/** Help that teaches: commands by job, and what the words mean. */
import { readdirSync } from "node:fs";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { mentionsOf, wordHelp } from "../../lib/cli/help_topics.ts";
import { commands } from "../../lib/cli/main.ts";
import { MEASURES } from "../../lib/measures/measures.ts";
import { dynoEach } from "../e2e/dyno.ts";
import { temporaryFolder } from "../suite/fixture.ts";

Deno.test("help: every command under a job, a command's own, each topic, the nearest of what is none", async () => {
  using folder = temporaryFolder();
  const topics = ["metrics", "slo", "verdict", "files", "units"];
  const [overview, load, own, runs, wrong, ...pages] = await dynoEach([
    ["--help"],
    ["help", "load"],
    ["load", "--help"],
    ["help", "runs", "list"],
    ["help", "metrix"],
    ...topics.map((topic) => ["help", topic]),
  ], { cwd: folder.path });
  for (const [name, { summary }] of Object.entries(commands)) {
    const lines = overview.stdout.split("\n").filter((line) => line.startsWith(`  ${name} `));
    assertEquals(lines.length, 1, name);
    assertStringIncludes(lines[0], summary);
  }
  assertEquals(overview.stdout.match(/^To .*:$/gm)!.length >= 5, true);
  for (const topic of topics) assertStringIncludes(overview.stdout, topic);
  assertEquals([load.code, load.stdout], [0, own.stdout]);
  assertStringIncludes(runs.stdout, "dyno runs list [flags]");
  assertEquals(wrong.code, 2);
  assertStringIncludes(wrong.stderr, 'did you mean "metrics"');
  for (const [i, { code, stdout }] of pages.entries()) {
    assertEquals(code, 0, topics[i]);
    for (const line of stdout.split("\n")) assert([...line].length <= 100, `${topics[i]}: ${line}`);
  }
  const [metrics, slo, verdict, files, units] = pages.map(({ stdout }) => stdout);
  for (const { name } of MEASURES) assertStringIncludes(metrics, `  ${name}`);
  for (const word of ["goodput", "tpot_ms", "ttft_intended_ms", "gap_ms"]) {
    assertStringIncludes(metrics, word);
  }
  for (const form of ["ttft:500", "p99(ttft)<300ms", "ttft_p99:300"]) {
    assertStringIncludes(slo, form);
  }
  for (const word of ["TRUSTED", "LIMITED", "CACHED", "UNKNOWN"]) {
    assertStringIncludes(verdict, word);
  }
  for (const word of ["dyno schema suite", "dyno schema sweep", "results.json"]) {
    assertStringIncludes(files, word);
  }
  assertEquals(
    files.split("\n")[0].includes("JSON, or YAML by their names (.yaml, .yml)"),
    true,
    files,
  );
  for (const form of ["1h30m", "10/s", "1..16*2", "10..50+10"]) assertStringIncludes(units, form);
});

Deno.test("help: a word of the output is explained alone, and a subcommand's place is told", async () => {
  using folder = temporaryFolder();
  const words: [word: string, names: string[], not: string[]][] = [
    ["ttft", ["ttft_ms", "ttft_intended_ms", "probe_ttft_ms"], ["tpot_ms"]],
    ["ttft_intended", ["ttft_intended_ms"], ["probe_ttft_ms"]],
    ["goodput", ["goodput_requests_per_s"], ["gap_ms"]],
    ["tpot", ["tpot_ms"], ["ttft_ms"]],
    ["ITL", ["gap_ms"], ["e2e_ms"]],
    ["gap-ms", ["gap_ms"], ["ttft_ms"]],
  ];
  // no words of the output, and no topics: said, with what has them
  const elsewhere: [word: string, ...has: string[]][] = [
    ["rates", "answers, tokens or good requests a second"],
    ["window", "the measured part of a stage"],
    ["percentiles", "nearest rank on all values"],
    ["knee", "Kleinrock's power"],
    ["pareto", "a level that no other one beats"],
    ["open loop", "sends requests at their times"],
    ["closed loop", "a fixed number of requests in flight"],
    ["SLO", "An objective (--slo"],
    ["turns", "dyno load --turns", 'No topic "turns"'],
    ["judge", "evaluator judge", "dyno runs agreement"],
    ["datasets", "docs/datasets.md"],
    ["prices", "dyno schema prices", "dyno run --prices"],
    ["--slo", "dyno load --slo"],
  ];
  const [gate, status, nothing, near, ...told] = await dynoEach([
    ["help", "gate"],
    ["help", "status"],
    ["help", "wibble"],
    ["help", "tfft"],
    ...[...words, ...elsewhere].map(([word]) => ["help", ...word.split(" ")]),
  ], { cwd: folder.path });
  assertStringIncludes(nothing.stderr, 'no topic "wibble"');
  assertStringIncludes(near.stderr, 'did you mean "ttft"');
  for (const [i, [word, ...has]] of elsewhere.entries()) {
    const { code, stdout } = told[words.length + i];
    assertEquals(code, 0, word);
    for (const text of has) assertStringIncludes(stdout, text);
  }
  assertStringIncludes(gate.stderr, "it is dyno help runs gate");
  assertStringIncludes(status.stderr, "dyno help batch status");
  assertEquals([gate.code, status.code, nothing.code], [2, 2, 2]);
  for (const [i, [word, names, not]] of words.entries()) {
    const lines = told[i].stdout.split("\n");
    assertEquals(told[i].code, 0, word);
    for (const name of names) assert(lines.some((line) => line.startsWith(`  ${name} `)), name);
    for (const name of not) assert(!lines.some((line) => line.startsWith(`  ${name} `)), name);
  }
});

Deno.test("help: every page of the documentation is named for what it is about, and nothing for no word", async () => {
  const whole = ["architecture.md", "cli.md"]; // one is for who changes dyno, the other is this help
  for (const word of ["", "constructor"]) assertEquals(wordHelp(word), []);
  const pages = readdirSync("docs").filter((name) => name.endsWith(".md") && !whole.includes(name));
  for (const page of pages) {
    const told = await mentionsOf(page.replace(/\.md$/, ""), {});
    assertStringIncludes(told.join("\n"), `docs/${page}`);
  }
});
