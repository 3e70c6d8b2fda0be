/** What models, endpoints, files and names could say to a terminal: nothing of it is obeyed. */
import { spawnSync } from "node:child_process";
import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { assert, assertEquals } from "@std/assert";
import { printable } from "../../lib/text/printable.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { DYNO, dyno, dynoEach } from "../e2e/dyno.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import type { Finished } from "../e2e/dyno.ts";

/** Clears, writes the clipboard, links, hides, goes back, turns, and forges a line; in C0 and in C1. */
const HOSTILE = "evil\x1b[2J\x1b]52;c;aGk=\x07\x1b]8;;http://127.0.0.1:9\x1b\\link\x1b[8mhidden" +
  "\x9b2J\x90q\x9c\rover\x08\x7f\u202eturned\u2066\nerror: forged\x1b[?1049h\x1bc";

// deno-lint-ignore no-control-regex
const OBEYED = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/;

function assertHarmless(what: string, text: string): void {
  const at = text.search(OBEYED);
  assert(at < 0, `${what}: ${JSON.stringify(text.slice(Math.max(0, at - 60), at + 60))}`);
  assert(!/^error: forged/m.test(text), `${what} has a forged line: ${JSON.stringify(text)}`);
}

/** An endpoint, a suite and two runs that say it wherever they can. */
async function hostileRuns(cwd: string): Promise<void> {
  await using mock = await MockEndpoint.start();
  mock.configure({ default_response: HOSTILE });
  await using rude = await refusing();
  const tests = [0, 1, 2].map((i) => ({
    id: `${i}${HOSTILE}`,
    name: `${i}${HOSTILE}`,
    category: HOSTILE,
    prompt: HOSTILE,
    evaluator: { name: "contains", expected: i ? HOSTILE : "absent" },
  }));
  writeFileSync(
    join(cwd, "suite.json"),
    JSON.stringify({ test_suite_id: HOSTILE, version: HOSTILE, tests }),
  );
  const on = ["--endpoint", `${mock.url}/v1/chat/completions`, "--model", HOSTILE];
  await harmless(["run", "suite.json", ...on, "--sample-rate", "0", "--tag", "x"], cwd);
  await harmless(["run", "suite.json", "--endpoint", rude.url, "--model", HOSTILE], cwd, [1]);
  const load = ["--concurrency", "2", "--requests", "6", "--prompt", HOSTILE];
  await harmless(["load", ...on, ...load], cwd);
  for (const run of readdirSync(join(cwd, "runs")).filter((name) => name.startsWith("bench_"))) {
    const event = { t: 1, event: HOSTILE, name: HOSTILE, error: HOSTILE };
    appendFileSync(join(cwd, "runs", run, "events.jsonl"), JSON.stringify(event) + "\n");
  }
}

/** An endpoint that refuses everything, in hostile words. */
async function refusing(): Promise<{ url: string } & AsyncDisposable> {
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      response.writeHead(422, { "content-type": "application/json" });
      response.end(JSON.stringify({ error: { message: HOSTILE, type: HOSTILE, code: HOSTILE } }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1/chat/completions`,
    [Symbol.asyncDispose]: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}

function assertEnded(
  args: string[],
  { code, stdout, stderr }: Omit<Finished, "signal">,
  codes = [0, 1, 2, 3, 4],
): string {
  assert(codes.includes(code ?? -1), `${args}: ${code}: ${stderr}`);
  assertHarmless(`standard output of ${args.slice(0, 3)}`, stdout);
  assertHarmless(`standard error of ${args.slice(0, 3)}`, stderr);
  return stdout;
}

async function harmless(args: string[], cwd: string, codes?: number[]): Promise<void> {
  assertEnded(args, await dyno(args, { cwd }), codes);
}

/** Runs dyno in a terminal, and gives what reached it. */
function inTerminal(args: string[], cwd: string): string | null {
  const quoted = [...DYNO, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  const env = { ...process.env, TERM: "xterm-256color", NO_COLOR: "" };
  const { error, stdout } = spawnSync("script", ["-qec", quoted, "/dev/null"], { cwd, env });
  return error ? null : stdout.toString();
}

Deno.test("what a terminal would obey is written out, our colours aside", () => {
  assertEquals(printable("\x1b[1mbold\x1b[22m \x1b[31mred\x1b[39m", true).length, 27);
  assertEquals(printable("\x1b[31m", false), "\\u001b[31m");
  for (const hidden of ["\x1b[8m", "\x1b[0;8m", "\x1b[38;5;0m", "\x1b[30m"]) {
    assert(!OBEYED.test(printable(hidden, true)), hidden);
  }
  for (let point = 0; point < 0x3000; point++) {
    const letter = String.fromCharCode(point);
    const shown = printable(letter, true);
    assertEquals(shown === letter, !OBEYED.test(letter), point.toString(16));
    assertEquals(JSON.parse(`"${shown === letter ? "" : shown}"`), shown === letter ? "" : letter);
  }
});

Deno.test("no command hands on what hostile runs say to a terminal", async () => {
  using folder = temporaryFolder();
  const cwd = join(folder.path, "work");
  mkdirSync(cwd);
  await hostileRuns(cwd);
  const suites = ["latest~1", "latest~2"];
  const commands = [
    ...["list", "failing", "cost", "trend", "difficulty"].map((name) => [name]),
    ...suites.flatMap((run) => [["show", run], ["analyze", run], ["watch", run]]),
    ["compare", ...suites],
    ["gate", suites[0], "--baseline", suites[1]],
    ["show", "latest"],
    ["delete", "--until", "2099-01-01"],
    ["archive", "--until", "2099-01-01"],
    ["tag", "latest", `+${HOSTILE}`],
    ["list", "--model", HOSTILE],
    ["show", HOSTILE],
    [HOSTILE],
  ];
  const lists = [
    ...commands.map((command) => ["runs", ...command]),
    ["runs", "list", "--json"],
    ["runs", "show", "latest~1", "--json"],
  ];
  const ended = await dynoEach(lists, { cwd });
  const said = ended.map((each, i) => assertEnded(lists[i], each));
  await harmless([HOSTILE], cwd, [2]);
  await harmless(["run", `${HOSTILE}.json`, "--debug"], cwd, [2]);

  // JSON is the same JSON for programs; documents are what a file would be
  const [[listed], shown] = said.slice(-2).map((text) => JSON.parse(text));
  assertEquals(listed.model, HOSTILE);
  assertEquals(shown.events.at(-1).name, HOSTILE);
  const exports = ["csv", "jsonl", "markdown"].map((form) => ["runs", "export", "--format", form]);
  const paths = exports.map((args) => join(cwd, `table.${args.at(-1)}`));
  const whole = [...exports, ...exports.map((args, i) => [...args, "--out", paths[i]])];
  const tables = await dynoEach(whole, { cwd });
  for (const [i, path] of paths.entries()) {
    assertEquals(tables[i].stdout.trimEnd(), readFileSync(path, "utf8").trimEnd());
  }

  const colours = ["list", "failing"].map((name) => inTerminal(["runs", name], cwd));
  if (colours.includes(null)) return; // no script(1) here
  assert(colours.some((text) => text!.includes("\x1b[1m")), "a terminal gets colours");
  const csv = inTerminal(["runs", "export", "--format", "csv"], cwd)!.replaceAll("\nerror:", "\n…");
  for (const text of [...colours, csv]) {
    // deno-lint-ignore no-control-regex
    assertHarmless("a terminal", text!.replace(/\x1b\[(?:[0-2]|22|3[1-69])m|\r(?=\n)/g, ""));
  }
});
