/** dyno run --memory and dyno runs upload, with a memory server as a user starts one. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { Sandbox } from "../../lib/coding/sandbox/sandbox.ts";
import { dyno, startDyno } from "../e2e/dyno.ts";
import type { MemoryItem } from "../../lib/run/memory_item.ts";

const SERVER = fileURLToPath(new URL("../fixtures/memory_server.ts", import.meta.url));
const SUITE = new URL("../../experiments/suites/python_basics.jsonl", import.meta.url);

const sandboxed = await (async () => {
  try {
    await using _ = await Sandbox.open();
    return true;
  } catch {
    return false;
  }
})();

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: !sandboxed, fn });
}

/** A folder with two problems in it, and a model that solves neither. */
async function place() {
  const path = mkdtempSync(join(tmpdir(), "dyno-memory-run-"));
  const lines = readFileSync(SUITE, "utf8").split("\n").slice(0, 2);
  writeFileSync(join(path, "two.jsonl"), lines.join("\n") + "\n");
  const mock = await MockEndpoint.start({
    model: "m",
    behaviour: { default_response: "```python\nx = 1\n```" },
  });
  const store = join(path, "store of memories.json");
  const command = (mode = "normal", n = 0) =>
    `'${process.execPath}' run -A --no-check '${SERVER}' '${store}' ${mode} ${n}`;
  const arguments_ = (memory: string) => [
    ...["run", "two.jsonl", "--endpoint", mock.url, "--sample-rate", "0", "--json"],
    ...["--memory", memory],
  ];
  return {
    path,
    command,
    arguments_,
    run: (memory: string) => dyno(arguments_(memory), { cwd: path }),
    stored: (): MemoryItem[] => existsSync(store) ? JSON.parse(readFileSync(store, "utf8")) : [],
    /** One that is dead and not yet reaped does not live. */
    serverLives: () => {
      const stat = `/proc/${readFileSync(`${store}.pid`, "utf8")}/stat`;
      return existsSync(stat) && !/^\d+ \(.*\) Z/.test(readFileSync(stat, "utf8"));
    },
    async [Symbol.asyncDispose]() {
      await mock[Symbol.asyncDispose]();
      rmSync(path, { recursive: true, force: true });
    },
  };
}

test("dyno run --memory stores the run; a second upload stores nothing twice", async () => {
  await using here = await place();
  const { code, stderr, stdout } = await here.run(here.command());
  assertEquals(code, 0, stderr);
  const { summary, memory, directory } = JSON.parse(stdout);
  assertEquals(memory, { verified: 3, overwritten: 0, acknowledged: 0, waiting: 0, problem: null });
  assertStringIncludes(stderr, "memory  3 stored and read back");
  const [first, ...rest] = here.stored();
  assertEquals(first.metadata, summary);
  assertEquals(first.tags, ["benchmark_run", summary.run_id, "zero-shot", "m"]);
  assertEquals(rest.map(({ metadata }) => metadata.benchmark_run_id), [
    summary.run_id,
    summary.run_id,
  ]);
  assertEquals(here.serverLives(), false);
  assert(!existsSync(join(directory, "memory_pending.jsonl")));
  const again = await dyno(
    ["runs", "upload", summary.run_id, "--memory", here.command()],
    { cwd: here.path },
  );
  assertEquals([again.code, here.stored().length], [0, 3], again.stderr);
});

test("a server that fails is one warning; what waits is uploaded later", async () => {
  await using here = await place();
  const failed = await here.run(here.command("crash", 2));
  assertEquals(failed.code, 0, failed.stderr);
  assertEquals(failed.stderr.match(/warning: memory: /g)?.length, 1, failed.stderr);
  assertStringIncludes(failed.stderr, "3 of 3 items wait in runs/bench_");
  const { directory, memory } = JSON.parse(failed.stdout);
  assertEquals(memory.waiting, 3);
  const pending = join(directory, "memory_pending.jsonl");
  assertEquals(readFileSync(pending, "utf8").trim().split("\n").length, 3);
  const upload = (server: string) =>
    dyno(["runs", "upload", directory, "--memory", server], { cwd: here.path });
  const unsent = await upload("no-such-memory-server");
  assertEquals(unsent.code, 1);
  assertStringIncludes(unsent.stderr, "no-such-memory-server: there is no such program");
  const sent = await upload(here.command());
  assertEquals([sent.code, here.stored().length, existsSync(pending)], [0, 3, false], sent.stderr);
});

test("an interrupt while the server hangs ends it, and keeps what waits", async () => {
  await using here = await place();
  const running = startDyno(here.arguments_(here.command("hang")), { cwd: here.path });
  const calls = join(here.path, "store of memories.json.calls");
  while (!existsSync(calls)) await new Promise((resolve) => setTimeout(resolve, 20));
  running.kill("SIGINT");
  const { stderr } = await running.finished;
  assertStringIncludes(stderr, "3 of 3 items wait");
  assertEquals(here.serverLives(), false);
  const [run] = readdirSync(join(here.path, "runs")).filter((name) => name.startsWith("bench_"));
  assert(existsSync(join(here.path, "runs", run, "memory_pending.jsonl")));
});

test("a second interrupt quits at once, and takes the server along", async () => {
  await using here = await place();
  const running = startDyno(here.arguments_(here.command("hang")), { cwd: here.path });
  const calls = join(here.path, "store of memories.json.calls");
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  while (!existsSync(calls)) await pause(20);
  running.kill("SIGINT");
  await pause(100);
  running.kill("SIGINT");
  assertEquals((await running.finished).code, 130);
  for (let tries = 0; here.serverLives() && tries < 100; tries++) await pause(20);
  assertEquals(here.serverLives(), false);
});

test("wrong commands are told before anything runs", async () => {
  await using here = await place();
  const open = await here.run("node 'server.js");
  assertEquals(open.code, 2);
  assertStringIncludes(open.stderr, "--memory: a ' is not closed");
  assertEquals(existsSync(join(here.path, "runs")), false);
  const none = await dyno(["runs", "upload"], { cwd: here.path });
  assertEquals(none.code, 2);
});
