/**
 * A bug in dyno's own is told apart from the user's errors: exit code 70 (EX_SOFTWARE of BSD's
 * sysexits.h), one line that says so, a stack with --debug. The faults are put into commands of a
 * program that is otherwise main.ts.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { CancelledError } from "../../lib/execute/scope.ts";
import { EndpointError } from "../../lib/endpoint/errors.ts";
import { InputError, isFault, toldPlainly, WriteError } from "../../lib/errors.ts";
import { temporaryFolder } from "../suite/fixture.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;
const LIB = new URL("../../lib/", import.meta.url).href;

/** Not node:child_process, by which Deno gives a Deno that it starts all permissions. */
function started(args: string[]) {
  const options = { args, env: { NO_COLOR: "1" }, stdin: "null" } as const;
  const { code, stdout, stderr } = new Deno.Command(Deno.execPath(), options).outputSync();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { status: code, stdout: text(stdout), stderr: text(stderr) };
}

/** What a command does, and the exit code and line for it. */
const cases: [string, string, number, string][] = [
  ["a fault", "null.length", 70, "(a bug in dyno; --debug shows where)"],
  ["a text thrown", "throw 'so'", 70, "error: so (a bug in dyno"],
  ["a fault of a task that nobody waits for", "later(() => null.length)", 70, "(a bug in dyno"],
  ["a rejection that nobody waits for", "stray(() => null.length)", 70, "(a bug in dyno"],
  ["wrong input", "throw new InputError('--x: no')", 2, "error: --x: no"],
  [
    "wrong input, waited for by nobody",
    "stray(() => { throw new InputError('no') })",
    2,
    "error: no",
  ],
  ["a fault while a fault is cleaned up", "twice()", 70, "error: first (a bug in dyno"],
  ["what the disk refuses", "writeFileSync('/dev/full', 'x')", 2, "error: "],
];

Deno.test("a fault exits with 70 and one line; --debug adds where", () => {
  using folder = temporaryFolder();
  const program = join(folder.path, "program.ts");
  writeFileSync(
    program,
    `import process from "node:process";
import { writeFileSync } from "node:fs";
import { InputError } from "${LIB}errors.ts";
import { commands, main } from "${LIB}cli/main.ts";
const forever = () => new Promise((resolve) => setTimeout(resolve, 60_000));
const later = async (fault) => { setTimeout(fault); await forever(); };
const stray = async (fault) => { (async () => { await 0; fault(); })(); await forever(); };
const twice = () => { throw new SuppressedError(new Error("second"), new Error("first")); };
const runs = [${
      cases.map(([, code]) =>
        `async () => { await 0; return await (async () => { ${
          /^(throw|null)/.test(code) ? code : `await ${code}`
        } })(); }`
      ).join(",\n")
    }];
runs.forEach((run, i) => commands["c" + i] = { summary: "", load: async () => ({ command: { help: [], run } }) });
process.exitCode = await main(process.argv.slice(2));
`,
  );
  cases.forEach(([what, , code, line], i) => {
    const run = (...flags: string[]) =>
      started(["run", "-A", "--no-check", "--config", CONFIG, program, `c${i}`, ...flags]);
    const { status, stderr } = run();
    assertEquals([status, stderr.trim().split("\n").length], [code, 1], `${what}: ${stderr}`);
    assert(stderr.includes(line), `${what}: ${stderr}`);
    if (i === 0) {
      assertMatch(run("--debug").stderr, /TypeError[^]*\n +at .*program\.ts[^]*bug in/);
    }
  });
});

Deno.test("without any permission dyno tells its version, and names the one that a command lacks", () => {
  const bare = (...args: string[]) => started(["run", "--no-prompt", "--no-check", MAIN, ...args]);
  const version = bare("--version");
  assertEquals([version.status, version.stderr], [0, ""]);
  assertMatch(version.stdout, /^dyno \d+\.\d+\.\d+\n$/);
  const list = bare("runs", "list");
  assertEquals(list.status, 2);
  assertMatch(list.stderr, /^error: .*--allow-\w+ flag$/m);
  assert(!/bug in dyno/.test(list.stderr), list.stderr);
});

Deno.test("a library's caller can tell a fault from what was told", () => {
  const system = (code: string) => Object.assign(new Error(`${code}: x`), { code });
  const told = [
    new InputError("x"),
    new WriteError("x"),
    new CancelledError(),
    new EndpointError("timeout", "x"),
    ...["ENOSPC", "EACCES", "EMFILE", "ERR_ACCESS_DENIED"].map(system),
  ];
  assertEquals(told.filter(isFault), []);
  const faults = [new TypeError("x"), new Error("x"), "x", null, undefined, system("ENOTDIR")];
  assertEquals(faults.filter(isFault), faults);
  assertMatch(toldPlainly(system("EMFILE"))!, /ulimit -n/);
});
