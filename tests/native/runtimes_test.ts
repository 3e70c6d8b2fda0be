import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { clockSource, nowNs } from "../../lib/native/clock.ts";
import { KOFFI as KOFFI_VERSION } from "../../scripts/package.ts";
import { selfSigned } from "../endpoint/tls_fixture.ts";
import {
  buildFakeNvml,
  HOST,
  HOST_VALUES,
  library,
  run,
  temporaryFolder,
  TESTS_FOLDER,
  writeTree,
} from "./fixtures.ts";

const native = await library();
const BUN = "bun@1.2.20";
const KOFFI = `koffi@${KOFFI_VERSION}`;

interface Ending {
  code: number;
  signal: Deno.Signal | null;
  stdout: string;
  stderr: string;
}

async function runToEnd(
  program: string,
  parameters: string[],
  env: Record<string, string>,
  signal?: Deno.Signal,
): Promise<Ending> {
  const child = new Deno.Command(program, {
    args: parameters,
    env: { ...env, DYNO_NATIVE: native.path, NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  if (!signal) {
    const { code, signal, stdout, stderr } = await child.output();
    const [out, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { code, signal, stdout: out, stderr: error };
  }
  const stderr = new Response(child.stderr).text();
  const reader = child.stdout.getReader();
  await reader.read(); // "ready"
  child.kill(signal);
  await reader.cancel();
  return { ...(await child.status), stdout: "", stderr: await stderr };
}

const underDeno = (program: string) => ["run", "-A", "--v8-flags=--expose-gc", program];

/** What each way of ending must look like from outside: never SIGSEGV, SIGBUS or SIGABRT. */
const ENDINGS: Record<string, { code?: number; signal?: Deno.Signal }> = {
  end: { code: 0 },
  close: { code: 0 },
  close_library: { code: 0 },
  library_first: { code: 0 },
  forget: { code: 0 },
  throw: { code: 1 },
  reject: { code: 1 },
  exit: { code: 3 },
  SIGINT: { signal: "SIGINT" },
  SIGTERM: { signal: "SIGTERM" },
};

async function endsCleanly(
  program: string,
  parameters: string[],
  how: string,
  env: Record<string, string>,
) {
  const expected = ENDINGS[how];
  const ending = expected.signal
    ? await runToEnd(program, [...parameters, "wait"], env, expected.signal)
    : await runToEnd(program, [...parameters, how], env);
  assertEquals(ending.signal, expected.signal ?? null, `${how}: ${ending.stderr}`);
  if (expected.code !== undefined) assertEquals(ending.code, expected.code, ending.stderr);
}

Deno.test("Deno: 20 of 20 processes end cleanly with threads running, whichever way", async () => {
  using folder = temporaryFolder();
  const env = {
    DYNO_NVML: await buildFakeNvml(folder.path),
    DYNO_FAKE_NVML: "devices=2;call_us=2000",
  };
  const program = underDeno(join(TESTS_FOLDER, "exit_program.ts"));
  const ways = [...Object.keys(ENDINGS), ...Object.keys(ENDINGS)];
  assertEquals(ways.length, 20);
  while (ways.length > 0) {
    const some = ways.splice(0, 4);
    await Promise.all(some.map((how) => endsCleanly(Deno.execPath(), program, how, env)));
  }
});

async function hasNode(): Promise<boolean> {
  try {
    await run("npm", "--version");
    return true;
  } catch {
    return false;
  }
}

/** A folder with koffi in it, and programs bundled to plain JavaScript. */
async function nodeFolder(folder: string): Promise<void> {
  const quiet = ["--no-audit", "--no-fund", "--no-save", "--loglevel=error"];
  await run("npm", "install", "--prefix", folder, "--ignore-scripts", ...quiet, KOFFI);
  for (const name of ["frozen_program", "exit_program", "wire_runtime_program"]) {
    const bundle = ["bundle", "-q", "--external", "koffi", "-o", join(folder, `${name}.mjs`)];
    await run(Deno.execPath(), ...bundle, join(TESTS_FOLDER, `${name}.ts`));
  }
}

/** Time in another process, which must lie between two reads of this one's, if it is one clock. */
async function isOneClock(program: string, ...parameters: string[]): Promise<void> {
  assertEquals(clockSource, "CLOCK_MONOTONIC"); // read by libc here
  const before_ns = nowNs();
  const [source, now_ns] = JSON.parse(
    await run(program, ...parameters, join(TESTS_FOLDER, "clock_program.ts")),
  );
  assertEquals(source, "CLOCK_MONOTONIC");
  assert(before_ns < now_ns && now_ns < nowNs(), `${before_ns} ${now_ns} ${nowNs()}`);
}

Deno.test({
  name: "stamps of Deno and of Bun are on the kernel's one clock",
  ignore: !await hasNode(),
  fn: async () => {
    await isOneClock(Deno.execPath(), "run", "-A", "--no-check");
    await isOneClock("npx", "-y", "-p", BUN, "bun", "run");
  },
});

Deno.test({
  name: "without permission for FFI a clock of its own is said to be one",
  fn: async () => {
    const flags = ["run", "--allow-all", "--deny-ffi", "--no-check"];
    const said = await run(Deno.execPath(), ...flags, join(TESTS_FOLDER, "clock_program.ts"));
    assertEquals(JSON.parse(said)[0], "process");
  },
});

Deno.test({
  name: "Node and Deno give the same records of a still host, the same streams, and end cleanly",
  ignore: !await hasNode(),
  fn: async () => {
    using folder = temporaryFolder();
    const host = join(folder.path, "host");
    await writeTree(host, HOST);
    const nvml = await buildFakeNvml(folder.path);
    await nodeFolder(folder.path);
    const env = { DYNO_FAKE_NVML: "processes=4242:4096" };
    const node = (await run("npx", "-y", "-p", "node@22", "node", "-p", "process.execPath")).trim();
    const deno = await runToEnd(
      Deno.execPath(),
      [...underDeno(join(TESTS_FOLDER, "frozen_program.ts")), host, nvml],
      env,
    );
    const same = await runToEnd(
      node,
      [join(folder.path, "frozen_program.mjs"), host, nvml],
      env,
    );
    assertEquals(deno.stderr.trim(), "Deno.dlopen");
    assert(same.stderr.includes("koffi"), same.stderr);
    const [left, right] = [deno, same].map(({ stdout }) => JSON.parse(stdout));
    for (const { layout } of [left, right]) {
      // Said of a source whose one read was slow just then.
      for (const source of layout.sources) source.note = null;
    }
    assertEquals(left, right);
    assertEquals(left.temperature_celsius, 55);
    const values = Object.fromEntries(left.records[0]);
    for (const name of Object.keys(HOST_VALUES)) assert(name in values, name);
    assertEquals(values["gpu0.process.4242.memory_bytes"], 4096);
    const wire = "wire_runtime_program";
    const { cert, key } = selfSigned(folder.path, "tls", "IP:127.0.0.1");
    const denoProgram = underDeno(join(TESTS_FOLDER, `${wire}.ts`));
    const streams = [
      await runToEnd(Deno.execPath(), [...denoProgram, cert, key], env),
      await runToEnd(node, [join(folder.path, `${wire}.mjs`), cert, key], env),
    ].map(({ stdout, stderr }) => JSON.parse(stdout || `"${stderr}"`));
    const expected = { statuses: ["200"], events: 50 * 22, before_it_was_sent: 0 };
    assertEquals(streams, [
      { bridge: "Deno.dlopen", ...expected },
      { bridge: "koffi", ...expected },
    ]);
    const program = ["--expose-gc", join(folder.path, "exit_program.mjs")];
    for (const how of ["end", "throw", "exit", "forget", "library_first"]) {
      await endsCleanly(node, program, how, { ...env, DYNO_NVML: nvml });
    }
  },
});
