/** Every class of outcome, cancellation, two at once, a virtual environment, and refusals. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { InputError } from "../../../lib/errors.ts";
import { CancelledError } from "../../../lib/execute/scope.ts";
import { Sandbox } from "../../../lib/coding/sandbox/sandbox.ts";
import { seccompFilter } from "../../../lib/coding/sandbox/seccomp.ts";
import { childrenOf } from "../../../lib/coding/sandbox/usage.ts";
import { available, processesLeft, program } from "./fixture.ts";
import type { OutcomeClass } from "../../../lib/coding/sandbox/outcome.ts";

const ignore = !available;
const test = "def check(candidate):\n    assert candidate(2) == 4, 'twice'\n";
const double = (code: string, timeout_s?: number) =>
  program({ code, entry_point: "double", test, form: "check" }, timeout_s);
const right = "def double(x):\n    return 2 * x\n";

/** A program, how it ends, and what is said of it. */
const ends: [OutcomeClass, string, string][] = [
  ["passed", right, ""],
  ["assertion", "def double(x):\n    return x\n", "double(2) returned 2"],
  ["assertion", "def double(x):\n    return x\n", "AssertionError: twice"],
  ["exception", "def double(x):\n    return x / 0\n", "ZeroDivisionError"],
  ["exception", "def double(x):\n    return x / 0\n", 'File "<program>", line 2'],
  ["exception", "def triple(x):\n    return x\n", "defines no function double"],
  ["exception", "import nothing_like_it\n", "nothing_like_it"],
  ["exception", "def double(x):\n    return object()\n", "not a built-in value"],
  ["exception", "import os\nos._exit(3)\n", "exit code 3"],
  ["exception", "def double(x):\n    import os\n    os.abort()\n", "SIGABRT"],
  ["syntax", "def double(x)\n    return x\n", "line 1"],
  ["syntax", "def double(x):\n\treturn x\n        return 1\n", "line 3"],
  ["no_code", "", "no program"],
  ["no_code", "# I cannot do that.\n'''Nor this.'''\n", "no statement"],
  ["out_of_memory", "def double(x):\n    return len(bytearray(1 << 30))\n", "MemoryError"],
  ["out_of_memory", "kept = [0] * (1 << 30)\n", "MemoryError"],
  ["tampered", "import os\nos.write(4, b'x\\n')\n" + right, ""],
];

Deno.test({ name: "sandbox: what it is, and every class of outcome", ignore }, async () => {
  await using sandbox = await Sandbox.open({ workers: 2 });
  assert(sandbox.confined);
  assertStringIncludes(sandbox.description, "bubblewrap");
  for (const [kind, code, said] of ends) {
    const outcome = await sandbox.run(double(code));
    assertEquals(outcome.class, kind, `${code}\n${outcome.class}: ${outcome.detail}`);
    assertEquals(outcome.passed, kind === "passed");
    assertStringIncludes(outcome.detail, said);
  }
  const late = await sandbox.run(double("def double(x):\n    while True:\n        pass\n", 0.5));
  assertEquals(late.class, "timeout");
  assert(late.wall_s >= 0.5 && late.cpu_s! > 0 && late.max_rss_bytes! > 1 << 20);
  assertStringIncludes(late.detail, "double");
});

Deno.test({ name: "sandbox: a faulty test is not the program's fault", ignore }, async () => {
  await using sandbox = await Sandbox.open({ workers: 2 });
  for (const faulty of ["def check(", "pass", "def check(candidate):\n    pass\n"]) {
    const outcome = await sandbox.run({ ...double(right), test: faulty });
    assertEquals(outcome.class, "sandbox_error", outcome.detail);
  }
});

Deno.test(
  { name: "sandbox: what is printed is kept apart, its beginning only", ignore },
  async () => {
    await using sandbox = await Sandbox.open({ workers: 1 });
    const code = `import sys\nprint("hello")\nsys.stderr.write("\\x1b[2Jand this\\n")\n` +
      `def double(x):\n    print("x" * 100000)\n    return 2 * x\n`;
    const outcome = await sandbox.run(double(code));
    assertEquals([outcome.class, outcome.stdout.length], ["passed", 8192]);
    assertStringIncludes(outcome.stdout, "hello");
    assertStringIncludes(outcome.stdout, "?[2Jand this");
  },
);

Deno.test(
  { name: "sandbox: sets have one order, programs no state of each other", ignore },
  async () => {
    await using sandbox = await Sandbox.open({ workers: 2 });
    const code =
      `import os\n\n\ndef double(x):\n    try:\n        open("/tmp/seen", "x").close()\n` +
      `    except OSError:\n        return 0\n    print(list({"a", "b", "c", "d"}))\n    return 4\n`;
    const outcomes = await Promise.all(Array.from({ length: 6 }, () => sandbox.run(double(code))));
    assertEquals(outcomes.map((outcome) => outcome.class), Array(6).fill("passed"));
    assertEquals(new Set(outcomes.map((outcome) => outcome.stdout)).size, 1);
  },
);

Deno.test(
  { name: "sandbox: a waiting interpreter that the host ended is replaced", ignore },
  async () => {
    await using sandbox = await Sandbox.open({ workers: 2 });
    for (const pid of childrenOf(process.pid)) process.kill(pid, "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, 200));
    for (let i = 0; i < 3; i++) {
      assertEquals((await sandbox.run(double(right))).class, "passed");
    }
  },
);

Deno.test({ name: "sandbox: two at once take the time of one", ignore }, async () => {
  await using sandbox = await Sandbox.open({ workers: 2 });
  const slow = double(`import time\n\n\ndef double(x):\n    time.sleep(1.5)\n    return 2 * x\n`);
  const started = performance.now();
  const outcomes = await Promise.all([sandbox.run(slow), sandbox.run(slow)]);
  assertEquals(outcomes.map((outcome) => outcome.class), ["passed", "passed"]);
  assert(
    performance.now() - started < 1000 * outcomes.reduce((sum, { wall_s }) => sum + wall_s, 0),
  );
});

Deno.test(
  { name: "sandbox: one program's threads are not counted as another's", ignore },
  async () => {
    await using sandbox = await Sandbox.open({ workers: 2 });
    const threads = double(`import threading, time


def double(x):
    for _ in range(10):
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    time.sleep(1)
    return 2 * x
`);
    const outcomes = await Promise.all([sandbox.run(threads), sandbox.run(threads)]);
    assertEquals(outcomes.map(({ detail }) => detail), ["", ""]);
  },
);

Deno.test(
  { name: "sandbox: cancelled programs are gone when the promise settles", ignore },
  async () => {
    const before = processesLeft();
    const sleeps = double("import time\ntime.sleep(60)\n");
    {
      await using sandbox = await Sandbox.open({ workers: 1 });
      const stop = new AbortController();
      // one that runs, one that waits for its turn
      const both = [sandbox.run(sleeps, stop.signal), sandbox.run(sleeps, stop.signal)];
      setTimeout(() => stop.abort(), 100);
      for (const each of await Promise.allSettled(both)) {
        assert(each.status === "rejected" && each.reason instanceof CancelledError);
      }
      assertEquals((await sandbox.run(double(right))).class, "passed");
      await assertRejects(() => sandbox.run(sleeps, AbortSignal.abort()), CancelledError);
    }
    const closing = await Sandbox.open({ workers: 1 });
    const running = closing.run(sleeps);
    const ended = assertRejects(() => running, CancelledError);
    await closing[Symbol.asyncDispose]();
    await ended;
    assertEquals(processesLeft().filter((line) => !before.includes(line)), []);
  },
);

Deno.test({ name: "sandbox: a virtual environment's Python and packages", ignore }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "dyno-venv-"));
  try {
    execFileSync("python3", ["-m", "venv", "--without-pip", join(folder, "v")]);
    const python = join(folder, "v", "bin", "python3");
    const packages = execFileSync(python, [
      "-c",
      "import sysconfig; print(sysconfig.get_paths()['purelib'])",
    ]).toString().trim();
    writeFileSync(join(packages, "only_here.py"), "def twice(x):\n    return 2 * x\n");
    await using sandbox = await Sandbox.open({ workers: 1, python });
    const outcome = await sandbox.run(double("from only_here import twice as double\n"));
    assertEquals([outcome.class, outcome.detail], ["passed", ""]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

Deno.test({ name: "sandbox: other languages, by what they print", ignore }, async () => {
  await using sandbox = await Sandbox.open({ workers: 2 });
  const cases = [{ input: "1 2\n", output: "3" }, { input: "20 22", output: "42\n" }];
  const limits = { cases, timeout_s: 10, memory_bytes: 256 << 20 };
  const shell = { file: "main.sh", command: ["sh", "{file}"], ...limits };
  const ends: [OutcomeClass, string, string][] = [
    ["passed", "read a b; echo $((a + b))", ""],
    ["assertion", "echo 3", "case 2 of 2"],
    ["exception", "echo no >&2; exit 3", "exit code 3\nno"],
    ["exception", "kill -9 $$", "signal 9"],
    ["assertion", "grep -r 42 /tmp /proc /etc; env; exit 0", "case 1 of 2"],
    ["no_code", " \n", "no program"],
  ];
  for (const [kind, code, said] of ends) {
    const outcome = await sandbox.runCommand({ ...shell, code });
    assertEquals(outcome.class, kind, outcome.detail);
    assertStringIncludes(outcome.detail, said);
  }
  const awk = { file: "sum.awk", command: ["awk", "-f", "{file}"], ...limits };
  assertEquals((await sandbox.runCommand({ ...awk, code: "{ print $1 + $2 }" })).class, "passed");
  const slow = await sandbox.runCommand({ ...shell, code: "sleep 60", timeout_s: 0.5 });
  assertEquals(slow.class, "timeout");
  const none = await sandbox.runCommand({ ...shell, command: ["no-such-program"], code: "x" });
  assertEquals(none.class, "sandbox_error");
});

Deno.test("sandbox: without a Python or bubblewrap it refuses and says what to install", async () => {
  const error = await assertRejects(() => Sandbox.open({ python: "no-such-python" }), InputError);
  assertStringIncludes(error.message, "python3");
  const path = process.env.PATH;
  const python = execFileSync("python3", ["-c", "import sys; print(sys.executable)"]);
  try {
    process.env.PATH = "/nowhere";
    const opening = () => Sandbox.open({ sandbox: "bubblewrap", python: python.toString().trim() });
    const refusal = await assertRejects(opening, InputError);
    assertStringIncludes(refusal.message, "no bwrap on PATH");
    assertStringIncludes(refusal.message, "apt-get install bubblewrap");
  } finally {
    process.env.PATH = path;
  }
});

Deno.test("sandbox: none has to be asked for by name, and is told", async () => {
  await using sandbox = await Sandbox.open({ sandbox: "none", workers: 1 });
  assert(!sandbox.confined);
  assertStringIncludes(sandbox.description, "none");
  assertEquals((await sandbox.run(double(right))).class, "passed");
  assertEquals((await sandbox.run(double("def double(x):\n    return 5\n"))).class, "assertion");
  const stays = `import os, time\nif os.fork() == 0:\n    time.sleep(60)\nos._exit(0)\n`;
  assertEquals((await sandbox.run(double(stays))).class, "exception");
});

Deno.test("sandbox: the filter of system calls knows two processors", () => {
  for (const processor of ["x64", "arm64"]) {
    const bytes = seccompFilter(processor)!;
    assertEquals(bytes.length % 8, 0);
    // every jump stays within the program
    for (let at = 0; at < bytes.length / 8; at++) {
      const longest = Math.max(bytes[8 * at + 2], bytes[8 * at + 3]);
      assert(at + 1 + longest < bytes.length / 8 || bytes[8 * at] === 0x06);
    }
  }
  assertEquals(seccompFilter("s390x"), null);
});
