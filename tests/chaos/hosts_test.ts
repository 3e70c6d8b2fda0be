/** Hosts that lack something, or count otherwise: told plainly, and what can be done is done. */
import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { parse } from "@std/csv/parse";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { followed } from "../e2e/dyno.ts";
import { jsonIn, promptTests, temporaryFolder } from "../suite/fixture.ts";
import type { Finished } from "../e2e/dyno.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const LONG = Boolean(Deno.env.get("DYNO_TEST_LONG"));
const isRoot = process.getuid?.() === 0;
const works = (...words: string[]) =>
  spawnSync(words[0], words.slice(1), { stdio: "ignore" }).status === 0;
const mayUnshare = isRoot && works("unshare", "-m", "true");
/** An endpoint that nobody serves: no program is given so low a port unless it asks for it. */
const NOBODY = "http://127.0.0.1:1";
const CGROUP_CPU = "/sys/fs/cgroup/cpu/cpu.cfs_quota_us";

/** deno's own caches: they are found by HOME, which these tests take away. */
const denoFolder: string = JSON.parse(
  new TextDecoder().decode(
    new Deno.Command(process.execPath, { args: ["info", "--json"] }).outputSync().stdout,
  ),
).denoDir;

interface Start {
  cwd: string;
  /** What dyno is started by, such as `unshare -m`. */
  by?: string[];
  env?: Record<string, string>;
  /** Only these variables, and no others. */
  bare?: boolean;
  root?: string;
  program?: string;
}

/** Programs that start dyno are found before its PATH is changed. */
const placeOf = (program: string) =>
  spawnSync("sh", ["-c", `command -v ${program}`], { encoding: "utf8" }).stdout.trim();

function start(args: string[], given: Start): Promise<Finished> {
  const { cwd, by = [], env, bare, root = ROOT, program = process.execPath } = given;
  const words = [
    ...by,
    ...[program, "run", "-A", "--no-check", "--cached-only", join(root, "main.ts")],
    ...args,
  ];
  const child = spawn(placeOf(words[0]), words.slice(1), {
    cwd,
    env: { ...(bare ? {} : process.env), DENO_DIR: denoFolder, NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return followed(child).finished;
}

/** A shell that does `first` and becomes dyno. */
const shell = (first: string, ...by: string[]) => [...by, "sh", "-c", `${first}\nexec "$@"`, "sh"];

const suite = { test_suite_id: "hosts", tests: promptTests(4) };

/** Runs a suite of four tests there; gives what was said and the results. */
async function runThere(options: Partial<Start> & { args?: string[] } = {}) {
  const folder = temporaryFolder();
  chmodSync(folder.path, 0o777);
  await using mock = await MockEndpoint.start();
  const path = join(folder.path, "suite.json");
  writeFileSync(path, JSON.stringify(suite));
  const args = [
    ...["run", path, "--endpoint", `${mock.url}/v1/chat/completions`, "--model", "m"],
    ...options.args ?? [],
  ];
  const done = await start(args, { cwd: folder.path, ...options });
  const runs = join(folder.path, "runs");
  const [run] = existsSync(runs) ? readdirSync(runs).filter((n) => n.startsWith("bench_")) : [];
  return { ...done, folder, run: run && join(runs, run), mock };
}

function assertWhole({ code, stderr, run }: Awaited<ReturnType<typeof runThere>>): void {
  assertEquals(code, 0, stderr);
  const { complete, aggregate } = jsonIn(join(run, "results.json"));
  assertEquals([complete, aggregate.successful], [true, 4]);
  assert(!/bug in dyno|panicked/.test(stderr), stderr);
}

Deno.test({
  name: "a host without counters in /proc and without /sys: the run is whole, what lacks is named",
  ignore: !mayUnshare,
  fn: async () => {
    const hide = ["stat", "meminfo", "diskstats", "cpuinfo", "pressure/cpu", "pressure/memory"]
      .map((name) => `mount --bind /dev/null /proc/${name} 2>/dev/null`);
    const by = shell([...hide, "mount -t tmpfs none /sys"].join("\n"), "unshare", "-m");
    const there = await runThere({ by });
    using _ = there.folder;
    assertWhole(there);
    assertMatch(there.stderr, /not available: .*rapl/);
    const doctor = await start(["doctor"], { cwd: there.folder.path, by });
    assert(!/bug in dyno/.test(doctor.stderr + doctor.stdout), doctor.stderr);
  },
});

Deno.test("no compiler, no programs at all: portable parts do, and it is said", async () => {
  using folder = temporaryFolder();
  const env = { PATH: folder.path, XDG_CACHE_HOME: folder.path };
  const there = await runThere({ bare: true, env });
  using _ = there.folder;
  assertWhole(there);
  const doctor = await start(["doctor"], { cwd: folder.path, bare: true, env });
  assertMatch(doctor.stdout + doctor.stderr, /apt-get install gcc|no C compiler|cc/);
  // not the mock's port: it is free again, and another test's mock may have it by now
  const coding = await start(
    ["run", join(ROOT, "experiments/suites/python_basics.jsonl"), "--endpoint", NOBODY],
    { cwd: folder.path, bare: true, env },
  );
  assertEquals(coding.code, 2, coding.stderr);
  assertMatch(coding.stderr, /cannot connect/);
  assert(!/bug in dyno/.test(coding.stderr), coding.stderr);
});

for (const [name, env] of [["unset", {}], ["not writable", { HOME: "/proc/nowhere" }]] as const) {
  Deno.test(`a home folder that is ${name}`, async () => {
    const there = await runThere({ bare: true, env: { PATH: process.env.PATH ?? "", ...env } });
    using _ = there.folder;
    assertWhole(there);
  });
}

Deno.test({
  name: "a user without rights, with a copy to read (in the long suite: it copies all packages)",
  ignore: !LONG || !isRoot || !works("setpriv", "--version"),
  fn: async () => {
    using place = temporaryFolder();
    chmodSync(place.path, 0o755);
    const [root, cache] = [join(place.path, "dyno"), join(place.path, "deno")];
    for (const part of ["main.ts", "deno.json", "deno.lock", "lib", "native", "experiments"]) {
      cpSync(join(ROOT, part), join(root, part), { recursive: true });
    }
    cpSync(process.execPath, join(place.path, "deno-program"));
    mkdirSync(cache);
    spawnSync("cp", ["-r", join(denoFolder, "npm"), cache]);
    const env = { DENO_DIR: cache, HOME: "/nonexistent", PATH: "/usr/bin:/bin", TMPDIR: "/tmp" };
    const by = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];
    const program = join(place.path, "deno-program");
    const there = await runThere({ root, bare: true, env, by, program });
    using _ = there.folder;
    assertWhole(there);
    assertEquals(statSync(there.run).uid, 65534);
  },
});

const places = [
  { LC_ALL: "tr_TR.UTF-8", LANG: "tr_TR.UTF-8", TZ: "Asia/Kathmandu" },
  { LC_ALL: "de_DE.UTF-8", LANG: "de_DE.UTF-8", TZ: "America/St_Johns" },
  { LC_ALL: "ar_EG.UTF-8", LANG: "ar_EG.UTF-8", TZ: "Pacific/Apia" },
];

for (const env of LONG ? places : places.slice(0, 1)) {
  Deno.test(`numbers are for machines in ${env.LC_ALL} at ${env.TZ}`, async () => {
    const there = await runThere({ env });
    using _ = there.folder;
    assertWhole(there);
    assertMatch(there.run, /bench_[0-9a-f]{8}_\d{8}_\d{6}$/);
    const { started_at_unix_seconds } = jsonIn(join(there.run, "run_metadata.json"));
    assert(Math.abs(started_at_unix_seconds - Date.now() / 1000) < 600);
    const cwd = there.folder.path;
    const list = await start(["runs", "list", "--json"], { cwd, env });
    const [run] = JSON.parse(list.stdout);
    assertEquals([run.items_total, typeof run.duration_s], [4, "number"]);
    const csv = await start(["runs", "export", "--format", "csv"], { cwd, env });
    const [names, row] = parse(csv.stdout) as string[][];
    for (const name of ["prompt_tokens", "latency_ms", "ttft_ms"]) {
      assertMatch(row[names.indexOf(name)], /^\d+(\.\d+)?(e-?\d+)?$/, `${name} of ${csv.stdout}`);
    }
    const report = readFileSync(join(there.run, "report/index.html"), "utf8");
    assert(!/[\u0660-\u0669]/.test(report), "digits of another script");
  });
}

/** CLOCK_REALTIME an hour back as soon as a file is there; the monotonic clock goes on. */
const CLOCK_BACK = `#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t id, struct timespec *t) {
  long got = syscall(SYS_clock_gettime, id, t);
  if (id == CLOCK_REALTIME && access(getenv("CLOCK_BACK"), F_OK) == 0) t->tv_sec -= 3600;
  return (int)got;
}
int gettimeofday(struct timeval *t, void *zone) {
  (void)zone;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  t->tv_sec = now.tv_sec;
  t->tv_usec = now.tv_nsec / 1000;
  return 0;
}
`;

Deno.test({
  name: "a clock that is set back in mid-run changes no duration",
  ignore: Deno.build.os !== "linux" || !works("cc", "--version"),
  fn: async () => {
    using folder = temporaryFolder();
    const at = (name: string) => join(folder.path, name);
    writeFileSync(at("back.c"), CLOCK_BACK);
    const built = spawnSync("cc", ["-shared", "-fPIC", "-o", at("back.so"), at("back.c")]);
    assertEquals(built.status, 0, String(built.stderr));
    await using mock = await MockEndpoint.start();
    mock.configure({ delay_s: 0.3 });
    writeFileSync(at("suite.json"), JSON.stringify(suite));
    const running = start(
      [
        ...["run", at("suite.json"), "--endpoint", `${mock.url}/v1/chat/completions`],
        ...["--model", "m", "--workers", "1"],
      ],
      { cwd: folder.path, env: { LD_PRELOAD: at("back.so"), CLOCK_BACK: at("now") } },
    );
    while (mock.requests.filter(({ method }) => method === "POST").length < 2) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    writeFileSync(at("now"), "");
    const { code, stderr } = await running;
    assertEquals(code, 0, stderr);
    const [name] = readdirSync(at("runs")).filter((entry) => entry.startsWith("bench_"));
    const journal = readFileSync(join(at("runs"), name, "events.jsonl"), "utf8").trim().split("\n")
      .map((line) => JSON.parse(line));
    assert(journal.at(-1).t < journal[0].t - 3000, "the clock was not set back");
    const elapsed_s = (journal.at(-1).mono_ns - journal[0].mono_ns) / 1e9;
    assert(elapsed_s > 1 && elapsed_s < 600, `${elapsed_s}`);
    for (const item of jsonIn(join(at("runs"), name, "results.json")).items) {
      assert(item.latency_ms === undefined || (item.latency_ms > 0 && item.latency_ms < 600e3));
    }
    const { stdout } = await start(["runs", "list", "--json"], { cwd: folder.path });
    const [run] = JSON.parse(stdout);
    assert(run.duration_s > 1 && run.duration_s < 600, `duration_s is ${run.duration_s}`);
  },
});

for (const files of [24, 64]) {
  Deno.test({
    name: `${files} open files are allowed: enough, or said plainly`,
    ignore: Deno.build.os === "windows",
    fn: async () => {
      const there = await runThere({ by: shell(`ulimit -n ${files}`) });
      using _ = there.folder;
      if (there.code === 0) return assertWhole(there);
      assertEquals(there.code, 2, there.stderr);
      assertMatch(there.stderr, /ulimit -n/);
      assert(!/bug in dyno|panicked/.test(there.stderr), there.stderr);
      const args = ["--resume", there.run];
      if (!there.stderr.includes("--resume")) return;
      await using mock = await MockEndpoint.start();
      const again = await start(
        ["run", "suite.json", "--endpoint", mock.url, "--model", "m", ...args],
        { cwd: there.folder.path },
      );
      assert(again.code === 0 || again.stderr.includes("endpoint"), again.stderr);
    },
  });
}

Deno.test({
  name: "descriptors that run out during a load are the client's limit, not the server's failure",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    using folder = temporaryFolder();
    await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.5 } });
    const load = (...more: string[]) =>
      start(["load", "--endpoint", mock.url, "--model", "m", "--warmup", "0", "--json", ...more], {
        cwd: folder.path,
        by: shell("ulimit -n 110"),
      });
    // 100 connections and 96 other files: refused before the load begins
    const refused = await load("--concurrency", "100", "--requests", "100");
    assertEquals(refused.code, 2, refused.stderr);
    assertMatch(refused.stderr, /196 open files are needed, and .* may open 110; .* ulimit -n 512/);
    assert(!existsSync(join(folder.path, "runs")));
    const { stdout, stderr } = await load("--rate=300", "--duration=1");
    const { total, verdict } = JSON.parse(stdout).runs[0];
    const { failed, unsent } = total.requests;
    assert(unsent > 0, stderr);
    assertEquals([failed, total.errors, verdict.verdict], [0, {}, "client_limited"], stderr);
    assertMatch(stderr, /not sent: this client could not open a connection: too many open files/);
  },
});

Deno.test({
  name: "a container with one CPU: as many workers as cores are counted from its limit",
  ignore: !isRoot || !existsSync(CGROUP_CPU),
  fn: async () => {
    const group = `/sys/fs/cgroup/cpu/dyno-test-${process.pid}`;
    mkdirSync(group);
    try {
      writeFileSync(join(group, "cpu.cfs_period_us"), "100000");
      writeFileSync(join(group, "cpu.cfs_quota_us"), "100000");
      const by = shell(`echo $$ > ${group}/tasks`);
      const there = await runThere({ by, args: ["--workers", "auto"] });
      using _ = there.folder;
      assertWhole(there);
      const events = readFileSync(join(there.run, "events.jsonl"), "utf8");
      const first = /"workers":(\d+|"auto")/.exec(events)?.[1];
      assert(first === undefined || first === '"auto"' || Number(first) <= 2, first);
      const probe = spawnSync(by[0], [
        ...by.slice(1),
        ...[
          process.execPath,
          "eval",
          'import os from "node:os"; console.log(os.availableParallelism())',
        ],
      ], { encoding: "utf8" });
      assertEquals(probe.stdout.trim(), "1");
    } finally {
      rmdirSync(group);
    }
  },
});
