/** The sandbox without bubblewrap: outcomes, limits, solutions, and programs that reach for more. */
import { fileURLToPath } from "node:url";
import process from "node:process";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { InputError } from "../../../lib/errors.ts";
import { loadProblems } from "../../../lib/coding/problems/load_problems.ts";
import { findPyodide } from "../../../lib/coding/sandbox/pyodide.ts";
import { Sandbox } from "../../../lib/coding/sandbox/sandbox.ts";
import { exploits, filesLeft, processesLeft, program } from "./fixture.ts";
import type { PythonTests } from "../../../lib/coding/problems/problem.ts";
import type { OutcomeClass } from "../../../lib/coding/sandbox/outcome.ts";

const BASICS = fileURLToPath(
  new URL("../../../experiments/suites/python_basics.jsonl", import.meta.url),
);
const test = "def check(candidate):\n    assert candidate(2) == 4, 'twice'\n";
const LONG = Boolean(Deno.env.get("DYNO_TEST_LONG"));
const SOLUTIONS = LONG ? 20 : 2;
const double = (code: string, timeout_s = 20) =>
  program({ code, entry_point: "double", test, form: "check" }, timeout_s);
const body = (lines: string) =>
  `def double(x):\n${lines.split("\n").map((line) => `    ${line}`).join("\n")}\n`;

/** Reaches JavaScript, by a way that Pyodide leaves open, and tries from there what may not be. */
const reaches = body(`import sys
sys.modules.pop("_pyodide_core", None)
import _pyodide_core
function = _pyodide_core.create_once_callable(lambda: 1).constructor.constructor
if function("return 6 * 7")() == 42:
    print("reached")
got = []
for text in (
    "Deno.readTextFileSync('/etc/passwd')",
    "process.getBuiltinModule('fs').readFileSync('/etc/passwd', 'utf8')",
    "process.getBuiltinModule('child_process').execSync('id').toString()",
    "process.env.PATH || 1",
    "localStorage.setItem('dyno_exploit', 'x') || 1",
    "new Worker('data:text/javascript,') && 1",
    "fetch('http://127.0.0.1:1') && 1",
    "new WebSocket('ws://127.0.0.1:1') && 1",
    "importScripts('file:///etc/passwd') || 1",
):
    try:
        got.append(function("return " + text)())
    except Exception:
        pass
function("import('node:child_process').then(m => m.execSync('touch /tmp/dyno_exploit_js'))")()
if got:
    raise RuntimeError(repr(got))
return 2 * x`);

/** Asks the network, the disk and the environment, whose PATH is a made-up one. */
const outside = body(`import os, urllib.request
try:
    return urllib.request.urlopen('http://127.0.0.1:1') and 4
except OSError:
    return os.path.exists('/etc/passwd') or os.environ['PATH']`);

/** A program, how it ends, and what is said of it. */
const ends: [OutcomeClass, string, string][] = [
  ["assertion", body("return x"), "double(2) returned 2"],
  ["exception", body("return x / 0"), 'File "<program>", line 2'],
  ["exception", "import os\nos._exit(0)\n", "exit code 0"],
  ["syntax", "def double(x)\n    return x\n", "line 1"],
  ["no_code", "# nothing\n", "no statement"],
  ["out_of_memory", body("return len(bytearray(1 << 29))"), "MemoryError"],
  ["passed", reaches, ""],
  ["assertion", outside, "returned '/'"],
];

/**
 * Each by itself takes two interpreters' starts, so the whole corpus is for the long run: these are an
 * exception, a tampering and a wrong result. An early exit, a bomb and a way outside are tried above.
 */
const CORPUS = exploits().filter(({ name }) =>
  LONG || /^(always_equal|answers_ahead|frames)\.py$/.test(name)
);

/** Those that need what Pyodide lacks (processes, threads, sockets, links, limits) fail there. */
const WITHOUT_A_SYSTEM: Record<string, string> = {
  "codecs_replaced.py": "timeout", // its result never leaves
  "ctypes_calls.py": "exception",
  "daemon.py": "exception",
  "device_nodes.py": "exception",
  "kill_all.py": "exception",
  "kill_group.py": "exception",
  "kill_parent.py": "exception",
  "many_files.py": "timeout", // its /tmp takes any number
  "other_limits.py": "exception",
  "own_namespace.py": "exception",
  "process_handles.py": "exception",
  "raised_limits.py": "exception",
  "shell.py": "exception",
  "sockets.py": "exception",
  "standard_input.py": "timeout", // it waits for a line of the channel that never comes
  "stop_self.py": "assertion",
  "symlinks.py": "exception",
  "threads_outlive.py": "exception",
};
const CORPUS_TEST = `def check(candidate):
    assert candidate(3) == 1021
    assert all(map(lambda n: candidate(n) == 1018 + n, range(3, 9)))
`;

/** A sandbox where bubblewrap is missing. */
async function withoutBubblewrap(): Promise<Sandbox> {
  const path = process.env.PATH;
  try {
    process.env.PATH = "/nowhere";
    return await Sandbox.open({ workers: 2 });
  } finally {
    process.env.PATH = path;
  }
}

Deno.test("pyodide steps in for bubblewrap: outcomes as there, solutions pass, no exploit does", async (t) => {
  const before = [processesLeft(), filesLeft()];
  {
    await using sandbox = await withoutBubblewrap();
    assert(sandbox.confined && !sandbox.runsCommands);
    assertStringIncludes(sandbox.description, "Pyodide");

    await t.step("every class of outcome", async () => {
      await Promise.all(ends.map(async ([kind, code, said]) => {
        const outcome = await sandbox.run(double(code));
        assertEquals(outcome.class, kind, `${code}\n${outcome.class}: ${outcome.detail}`);
        assertStringIncludes(outcome.detail, said);
        if (code === reaches) assertEquals(outcome.stdout, "reached\n");
      }));
    });

    await t.step("an endless loop ends, and its memory was seen", async () => {
      const late = await sandbox.run(double(body("while True:\n    pass"), 1));
      assertEquals(late.class, "timeout");
      assert(late.max_rss_bytes! > 50 << 20 && late.cpu_s! > 0);
    });

    await t.step(`${SOLUTIONS} solutions`, async () => {
      const problems = (await loadProblems(BASICS)).slice(0, SOLUTIONS);
      await Promise.all(problems.map(async (problem) => {
        const { prompt, canonical_solution, entry_point } = problem;
        const { text, form } = problem.tests as PythonTests;
        const code = `${prompt}${canonical_solution}`;
        const outcome = await sandbox.run(program({ code, entry_point, test: text, form, prompt }));
        assertEquals([outcome.class, outcome.detail], ["passed", ""], problem.problem_id);
      }));
    });

    await t.step(`${CORPUS.length} exploits`, async () => {
      const wrong: string[] = [];
      await Promise.all(CORPUS.map(async ({ name, code, ends_as }) => {
        const { class: kind, passed, detail } = await sandbox.run(
          program({ code, entry_point: "solve", test: CORPUS_TEST, form: "check" }, 6),
        );
        const expected = [...ends_as, WITHOUT_A_SYSTEM[name]];
        if (passed || !expected.includes(kind)) {
          wrong.push(`${name}: ${kind}: ${detail.slice(-200)}`);
        }
      }));
      assertEquals(wrong, []);
    });

    await t.step("other languages are refused", async () => {
      const shell = { file: "a.sh", command: ["sh", "{file}"], cases: [{ input: "", output: "" }] };
      const limits = { timeout_s: 5, memory_bytes: 64 << 20 };
      const running = () => sandbox.runCommand({ code: "true", ...shell, ...limits });
      assertStringIncludes((await assertRejects(running, InputError)).message, "bubblewrap");
    });
  }
  const [processes, files] = before;
  assertEquals(processesLeft().filter((line) => !processes.includes(line)), []);
  assertEquals(filesLeft().filter((line) => !files.includes(line)), []);
});

Deno.test("pyodide: a snapshot that finds no place is told of with the way out", async () => {
  const places = ["XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "TMPDIR"];
  const before = places.map((name) => process.env[name]);
  const noFolder = fileURLToPath(import.meta.url);
  try {
    for (const name of places) process.env[name] = noFolder;
    const found = await findPyodide();
    assert(typeof found === "string", "it found a place");
    assertStringIncludes(found, "32 MB has no place, XDG_CACHE_HOME can name one: ");
    assertStringIncludes(found, noFolder);
  } finally {
    for (const [i, name] of places.entries()) {
      if (before[i] === undefined) delete process.env[name];
      else process.env[name] = before[i];
    }
  }
});

if (LONG) {
  Deno.test("pyodide: it is taken where it is asked for by name", async () => {
    await using sandbox = await Sandbox.open({ sandbox: "pyodide", workers: 1 });
    assertStringIncludes(sandbox.description, "Pyodide");
    assertEquals((await sandbox.run(double(body("return 2 * x")))).class, "passed");
  });
}
