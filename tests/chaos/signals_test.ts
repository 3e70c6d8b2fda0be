/** Signals and readers that go away: what is finished is saved, and what was measured is told right. */
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { DYNO, startDyno } from "../e2e/dyno.ts";
import { Bucket } from "../upload/fixture.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { noSlurm, SlurmCluster } from "../sweep/slurm_cluster.ts";
import { Orphans, transientIn } from "./orphans.ts";
import { sweepOnSlurm, uploading } from "./remote_victims.ts";
import { mockForVictims, writers } from "./victims.ts";
import { until } from "../until.ts";
import type { Victim } from "./victims.ts";

const long = process.env.DYNO_TEST_LONG !== undefined;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const interruptible = writers.filter(({ name }) => name !== "serve");
const named = (name: string) => writers.find((victim) => victim.name === name)!;

/**
 * Sends a signal once something is finished; the command saves, and goes on from there.
 *
 * @param release called between the two.
 */
async function interrupted(
  victim: Victim,
  signal: typeof SIGNALS[number],
  release = () => {},
): Promise<void> {
  using orphans = new Orphans();
  await using mock = await mockForVictims();
  mock.configure({ delay_s: 0.15 });
  using place = temporaryFolder();
  mkdirSync(join(place.path, "tmp"));
  const scene = victim.stage(place.path, mock);
  const at = { cwd: place.path, env: { ...scene.env, TMPDIR: join(place.path, "tmp") } };
  const running = startDyno(scene.args(), at);
  orphans.expect(running.pid);
  await until(() => scene.finished().length > 0);
  process.kill(running.pid, signal);
  const { code, stderr } = await running.finished;
  assertEquals(code, 130, stderr);
  assertEquals(stderr.match(/stopping: saving what is finished/g)?.length, 1);
  await orphans.gone();
  const saved = scene.finished();
  assert(saved.length > 0);
  assertEquals(transientIn(place.path), []);
  const anew = victim.name === "load"; // measured anew, beside what was saved
  if (anew && !long) return;
  mock.configure({});
  release();
  const again = startDyno(scene.args(), at);
  orphans.expect(again.pid);
  const { code: end, stderr: said } = await again.finished;
  assertEquals(end, 0, said);
  await orphans.gone();
  const finished = scene.finished();
  assertEquals(new Set(finished).size, finished.length);
  assertEquals(saved.filter((item) => !finished.includes(item)), []);
  if (!anew) await scene.check();
  assertEquals([...transientIn(place.path), ...readdirSync(join(place.path, "tmp"))], []);
}

for (const [i, victim] of interruptible.entries()) {
  for (const signal of long ? SIGNALS : [SIGNALS[i % SIGNALS.length]]) {
    Deno.test(`${victim.name}: ${signal} saves, ends with 130, and the rest is done later`, () =>
      interrupted(victim, signal));
  }
}

for (const signal of long ? SIGNALS : ["SIGHUP"] as const) {
  Deno.test(`runs upload: ${signal} in the midst of a large file, and the rest is sent later`, async () => {
    using storage = temporaryFolder();
    await using bucket = await Bucket.start(storage.path);
    bucket.fault = ({ url }) => /partNumber=2/.test(url) ? "hold" : null;
    await interrupted(uploading(bucket), signal, () => bucket.fault = () => null);
  });
}

for (const signal of ["SIGTERM", "SIGHUP"] as const) {
  Deno.test({
    name: `sweep --executor slurm: ${signal} cancels the job, and the rest is done later`,
    ignore: !long || noSlurm() !== null,
    fn: async () => {
      await using cluster = await SlurmCluster.start({ largest_array: 3 });
      await interrupted(sweepOnSlurm(cluster), signal);
    },
  });
}

/** Starts dyno behind pipes whose readers the test closes. */
function piped(args: string[], cwd: string, env: Record<string, string> = {}) {
  const child = spawn(DYNO[0], [...DYNO.slice(1), ...args], {
    cwd,
    env: { ...process.env, NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const code = new Promise<number | null>((resolve) => child.on("exit", resolve));
  return { child, code };
}

async function unread(victim: Victim): Promise<void> {
  await using mock = await mockForVictims();
  using place = temporaryFolder();
  const scene = victim.stage(place.path, mock);
  const { child, code } = piped([...scene.args(), "--json"], place.path, scene.env);
  child.stdout.destroy();
  child.stderr.once("data", () => child.stderr.destroy());
  assertEquals(await code, 0);
  await scene.check();
  assertEquals(transientIn(place.path), []);
}

for (
  const victim of long ? interruptible : [named("load")]
) {
  Deno.test(`${victim.name}: readers that go away in mid-run change nothing`, () => unread(victim));
}

Deno.test("runs upload: readers that go away change nothing", async () => {
  using storage = temporaryFolder();
  await using bucket = await Bucket.start(storage.path);
  await unread(uploading(bucket));
});

Deno.test("a long list behind head ends quietly; SIGPIPE does not end a run", async () => {
  await using mock = await mockForVictims();
  using place = temporaryFolder();
  const scene = named("run").stage(place.path, mock);
  const running = startDyno(scene.args(), { cwd: place.path });
  await until(() => scene.finished().length > 0);
  process.kill(running.pid, "SIGPIPE");
  const { code, stderr } = await running.finished;
  assertEquals(code, 0, stderr);
  scene.check();
  const list = [...DYNO, "runs", "list", "--json", "--runs", join(place.path, "runs")];
  const quoted = list.map((word) => `'${word}'`).join(" ");
  const shell = spawn("bash", ["-c", `set -o pipefail; ${quoted} | head -c 1`], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  shell.stderr.on("data", (bytes) => said += bytes);
  assertEquals(await new Promise((resolve) => shell.on("exit", resolve)), 0);
  assertEquals(said, "");
});

const closed = ["--concurrency", "3"];
const open = ["--rate", "20", "--arrival", "constant"];
const portable = ["--transport", "portable"];
const settings: [string, string[]][] = [
  ["a closed loop", closed],
  ["an open loop by the portable transport", [...open, ...portable]],
  ...long
    ? [
      ["an open loop", open],
      ["a closed loop by the portable transport", [...closed, ...portable]],
    ] as [string, string[]][]
    : [],
];

for (const [name, args] of settings) {
  Deno.test(`a client that was stopped (Ctrl-Z) in mid-load is not trusted: ${name}`, async () => {
    await using mock = await MockEndpoint.start({
      behaviour: { delay_s: 0.02, tokens_per_second: 200, default_response: "a b c d e f" },
    });
    using place = temporaryFolder();
    const running = startDyno([
      ...["load", "--endpoint", mock.url, "--model", "mock", "--duration", "3", ...args],
      ...["--sample-rate", "0", "--json", "--out", join(place.path, "runs")],
    ]);
    await until(() => mock.requests.filter(({ method }) => method === "POST").length > 10);
    // what Ctrl-Z does; SIGTSTP itself is dropped where no shell would ever continue the process
    process.kill(running.pid, "SIGSTOP");
    const state = () => readFileSync(`/proc/${running.pid}/stat`, "utf8").split(") ")[1][0];
    await until(() => state() === "T");
    await new Promise((resolve) => setTimeout(resolve, 1200));
    process.kill(running.pid, "SIGCONT");
    const { code, stdout, stderr } = await running.finished;
    assertEquals(code, 0, stderr);
    const { verdict } = JSON.parse(stdout).runs[0];
    assertEquals(verdict.verdict, "client_limited");
    assertMatch(verdict.reasons.join("\n"), /this process stood still for \d+ ms/);
    assert(verdict.client.stalled_ms > 500);
    assertStringIncludes(stderr, "stood still");
  });
}
