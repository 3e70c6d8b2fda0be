/** Loads that several processes send together, on this host: real processes, one server that sees them all. */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { InputError } from "../../../lib/errors.ts";
import { MockEndpoint } from "../../../lib/mock/server.ts";
import { measureLoad, runLoad } from "../../../lib/load/run_loads.ts";
import { localShards } from "../../../lib/load/shards/local.ts";
import { runsIn } from "../../chaos/victims.ts";
import { DYNO, dyno, startDyno } from "../../e2e/dyno.ts";
import { jsonIn, temporaryFolder } from "../../suite/fixture.ts";
import { until } from "../../until.ts";
import { pageLines } from "../../../lib/load/telemetry/page_log.ts";
import { assertMerged, assertOnOneClock, runIn, sentTo, shardJournals } from "./fixture.ts";
import type { ShardExecutor } from "../../../lib/load/shards/executor.ts";

/** Numbers of the processes of a run's shards. */
function shardProcesses(run: string): number[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(`--folder=${run}/shards`);
    } catch {
      return false;
    }
  });
}

Deno.test("three processes send one load: the run is of all their records", async () => {
  await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.02 } });
  using folder = temporaryFolder();
  const { code, stdout, stderr } = await dyno([
    ...["load", "--endpoint", mock.url, "--model", "mock", "--shards", "3", "--concurrency", "7"],
    ...["--requests", "100", "--warmup", "4", "--input-tokens", "30:5", "--slo", "ttft:5000"],
    ...["--sample-rate", "0", "--out", folder.path, "--json"],
  ]);
  assertEquals(code, 0, stderr);
  const sent = sentTo(mock)
    .map(({ body }) => (body as { messages: { content: string }[] }).messages[0].content);
  assertEquals(sent.length, 104);
  assertEquals(new Set(sent).size, 104); // nothing is sent twice
  const run = runIn(folder.path);
  const journals = shardJournals(run, 3);
  assertEquals(journals.map(({ records }) => records.length), [45, 30, 29]);
  const results = assertMerged(run, journals);
  assertEquals(results.complete, true);
  assertEquals(results.total.requests.sent, 100);
  assertEquals(results.warmup!.requests.sent, 4);
  assertEquals(results.shards!.map(({ clock }) => [clock!.offset_ms, clock!.error_ms]), [
    [0, 0],
    [0, 0],
    [0, 0],
  ]); // one host, one clock
  // they begin together: before the first could have begun, none did
  const { start_ns } = jsonIn(join(run, "shards", "start.json"));
  for (const { stages } of journals) assert(stages[1].start_ns >= start_ns);
  const told = JSON.parse(stdout).runs[0];
  assertEquals(told.run_id, results.run_id);
  assertStringIncludes(stderr, "by shard");
  // an ordinary run for whatever reads runs
  const show = await dyno(["runs", "show", results.run_id, "--runs", folder.path]);
  assertEquals(show.code, 0, show.stderr);
  const rows = await dyno([
    ...["runs", "export", results.run_id, "--runs", folder.path, "--format", "csv"],
    ...["--rows", "requests"],
  ]);
  assertEquals(rows.stdout.trim().split("\n").length, 1 + 104);
});

Deno.test("an open loop of two processes has the whole load's arrivals, and one seed says which", async () => {
  await using mock = await MockEndpoint.start();
  using folder = temporaryFolder();
  const intended: number[][] = [];
  for (const shards of [1, 2]) {
    const out = join(folder.path, String(shards));
    const { code, stderr } = await dyno([
      ...["load", "--endpoint", mock.url, "--model", "mock", "--rate", "50", "--duration", "2s"],
      ...["--shards", String(shards), "--seed", "9", "--prompt-seed", "7", "--sample-rate", "0"],
      ...["--input-tokens", "20", "--out", out],
    ]);
    assertEquals(code, 0, stderr);
    const run = runIn(out);
    assertMerged(run, shardJournals(run, shards));
    // by each one's own start, so that a process that was late is none of its business
    const times = shardJournals(run, shards).flatMap(({ records, stages }) =>
      records.map(({ t_intended_ns }) => Math.round((t_intended_ns - stages[0].start_ns) / 1e4))
    );
    intended.push(times.sort((a, b) => a - b));
  }
  const [whole, divided] = intended;
  assert(whole.length > 50);
  assertEquals(divided, whole);
});

const otherClock = process.getuid?.() === 0 && await hasClocks()
  ? null
  : "no time namespaces here (unshare --time as root)";

/** Whether this host gives a process a clock of its own. */
function hasClocks(): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn("unshare", ["--time", "--monotonic", "5", "--fork", "true"], {
      stdio: "ignore",
    });
    child.on("error", () => resolve(false));
    child.on("close", (code) => resolve(code === 0));
  });
}

Deno.test({
  name: "a shard whose clock is another is measured, and its records lie on the run's clock" +
    (otherClock === null ? "" : ` (${otherClock})`),
  ignore: otherClock !== null,
  fn: async () => {
    await using mock = await MockEndpoint.start({
      ...{ behaviour: { delay_s: 0.01 }, prefix_cache_blocks: 64 },
    });
    using folder = temporaryFolder();
    const ahead_s = [100_000, 0];
    const { signal } = new AbortController();
    const run = await measureLoad("two clocks", {
      ...{ endpoint: mock.url, model: "mock", concurrency: 2, duration_s: 3, sample_rate_hz: 0 },
      server_metrics: [`${mock.url}/metrics`],
      probe_rate: 4,
    }, {
      ...{ out: folder.path, signal },
      spread: { shards: 2, executor: inNamespaces(ahead_s) },
    });
    const journals = shardJournals(run.directory.path, 2);
    const results = assertMerged(run.directory.path, journals);
    assertOnOneClock(run.directory.path, journals, results.shards!);
    const [other, same] = results.shards!;
    assertEquals([same.clock!.offset_ms, same.clock!.error_ms], [0, 0]);
    // the truth is what the kernel was told
    const { offset_ms, error_ms, drift_ms, drift_error_ms } = other.clock!;
    assert(Math.abs(offset_ms + ahead_s[0] * 1000) <= error_ms + 1e-3, JSON.stringify(other.clock));
    assert(Math.abs(drift_ms!) <= drift_error_ms!, JSON.stringify(other.clock));
    assert(results.total.window.duration_s < 60, "its records are days away");
    // so do the pages and the server's metrics, which the first shard reads for all
    const { start_ns, end_ns } = results.total.window;
    const isNear = (t_ns: number) => t_ns > start_ns - 30e9 && t_ns < end_ns + 30e9;
    assert(results.server!.readings.length >= 2);
    assert(results.server!.readings.every(({ t_ns }) => isNear(t_ns)));
    const pages = [...pageLines(run.directory)].filter((line) => "t_ns" in line);
    assertEquals(pages.length, results.telemetry!.pages[0].readings);
    assert(pages.every(({ t_ns }) => isNear(t_ns)));
    assert(results.probes!.requests > 0);
    assertMatch(results.notes.join("\n"), /2 shards on one host; their clocks are known to/);
  },
});

/** Shards of which each has a clock that is so many seconds ahead. */
function inNamespaces(ahead_s: readonly number[]): ShardExecutor {
  return ({ folder }) => {
    const over = new Map<number, string>();
    ahead_s.forEach((s, shard) => {
      const leading = ["--time", "--monotonic", String(s), "--fork"];
      const own = ["load", "exec", "--folder", folder, "--index", String(shard)];
      const child = spawn("unshare", [...leading, ...DYNO, ...own], { stdio: "ignore" });
      child.on("close", (code) => over.set(shard, `it ended with ${code}`));
    });
    return Promise.resolve({
      name: null,
      over: () => Promise.resolve(over),
      cancel: () => Promise.resolve(),
    });
  };
}

/** A server that takes its time for an answer. */
const slowMock = () => MockEndpoint.start({ behaviour: { delay_s: 0.05 } });

/** A load of two processes, under way. */
const startTwo = ({ url }: MockEndpoint, out: string, duration: string) =>
  startDyno([
    ...["load", "--endpoint", url, "--model", "mock", "--shards", "2", "--concurrency", "4"],
    ...["--duration", duration, "--sample-rate", "0", "--out", out],
  ]);

Deno.test("a shard that is killed is told by its name, and the rest is the run", async () => {
  await using mock = await slowMock();
  using folder = temporaryFolder();
  const running = startTwo(mock, folder.path, "8s");
  const journal = () => join(runIn(folder.path), "shards", "shard-1", "events.jsonl");
  await until(() => {
    try {
      return readFileSync(journal(), "utf8").includes("request_finished");
    } catch {
      return false;
    }
  }, "a first answer");
  const run = runIn(folder.path);
  const pids = shardProcesses(run).filter((pid) =>
    readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("--index=1")
  );
  assertEquals(pids.length, 1);
  process.kill(pids[0], "SIGKILL");
  const { code, stderr } = await running.finished;
  assertEquals(code, 1, stderr);
  const results = assertMerged(run, shardJournals(run, 2));
  assertEquals(results.complete, false);
  assertMatch(results.shards![1].lost!, /SIGKILL/);
  assertEquals(results.shards![0].lost, null);
  assertEquals(results.verdict.verdict, "client_limited");
  assertMatch(stderr, /shard 1 on .* was lost: it ended by SIGKILL: the total lacks/);
});

Deno.test("Ctrl-C ends all shards and keeps what arrived", async () => {
  await using mock = await slowMock();
  using folder = temporaryFolder();
  const running = startTwo(mock, folder.path, "10m");
  await until(() => sentTo(mock).length > 20, "some answers");
  running.kill("SIGINT");
  const { code, stderr } = await running.finished;
  assertEquals(code, 130, stderr);
  const run = runIn(folder.path);
  const results = assertMerged(run, shardJournals(run, 2));
  assertEquals(results.complete, false);
  assertEquals(results.shards!.map(({ lost }) => lost), [null, null]);
  assert(results.total.requests.successful > 10);
  assertEquals(shardProcesses(run), []);
});

Deno.test("shards that cannot be ended stop a library's load with the reason", async () => {
  await using mock = await slowMock();
  using folder = temporaryFolder();
  const stop = new AbortController();
  let refusals = 1;
  const executor: ShardExecutor = async (work) => {
    const job = await localShards(work);
    const cancel = () =>
      refusals-- > 0 ? Promise.reject(new InputError("the cluster is away")) : job.cancel();
    return { name: job.name, over: () => job.over(), cancel };
  };
  const load = runLoad({
    ...{ endpoint: mock.url, model: "mock", concurrency: 2, duration: "10m", sample_rate_hz: 0 },
    ...{ out: folder.path, signal: stop.signal, spread: { shards: 2, executor } },
  });
  const ended = assertRejects(() => load, InputError, "the cluster is away");
  await until(() => sentTo(mock).length > 5, "some answers");
  stop.abort();
  await ended;
  assertEquals(shardProcesses(runIn(folder.path)), []); // asked again, the cluster ended them
});

Deno.test("a dyno that was killed: its shards go on, --resume gathers what they have", async () => {
  await using mock = await slowMock();
  using folder = temporaryFolder();
  const running = startTwo(mock, folder.path, "10m");
  await until(() => sentTo(mock).length > 20, "some answers");
  running.kill("SIGKILL");
  await running.finished;
  const run = runIn(folder.path);
  const early = await dyno(["load", "--resume", "latest", "--out", folder.path]);
  assertEquals(early.code, 2, early.stderr);
  assertStringIncludes(early.stderr, "in use by process");
  for (const pid of shardProcesses(run)) process.kill(pid, "SIGTERM"); // they end, and save
  await until(() => shardProcesses(run).length === 0, "the end of the shards");
  const { code, stderr } = await dyno(["load", "--resume", "latest", "--out", folder.path]);
  assertEquals(code, 0, stderr);
  const results = assertMerged(run, shardJournals(run, 2));
  assertEquals(results.complete, false);
  assertEquals(results.shards!.map(({ lost }) => lost), [null, null]);
  // summed up again it is the same, and nothing is there twice
  const before = readFileSync(join(run, "results.json"), "utf8");
  rmSync(join(run, "results.json"));
  assertEquals((await dyno(["load", "--resume", "latest", "--out", folder.path])).code, 0);
  assertEquals(readFileSync(join(run, "results.json"), "utf8"), before);
  assertMerged(run, shardJournals(run, 2));
});

Deno.test("a shard that fails before the start stops the load, with its words", async () => {
  using folder = temporaryFolder();
  const { code, stderr } = await dyno([
    ...["load", "--endpoint", "http://127.0.0.1:9", "--model", "mock", "--shards", "2"],
    ...["--concurrency", "2", "--duration", "1s", "--sample-rate", "0", "--out", folder.path],
  ]);
  assertEquals(code, 2, stderr);
  assertMatch(stderr, /shard \d failed before the common start: .*127\.0\.0\.1:9/);
  assertEquals(runsIn(folder.path), []); // nothing was sent
});

Deno.test("what cannot be divided, or holds a secret, is refused before anything is written", async () => {
  using folder = temporaryFolder();
  const asked = [
    "load",
    "--endpoint",
    "http://127.0.0.1:9",
    "--model",
    "mock",
    "--out",
    folder.path,
  ];
  const cases: [string[], RegExp][] = [
    [
      ["--concurrency", "2", "--requests", "9", "--shards", "3"],
      /--shards 3: more than --concurrency 2/,
    ],
    [ // the second of its loads
      ["--concurrency", "4,2", "--requests", "9", "--shards", "3"],
      /--shards 3: more than --concurrency 2/,
    ],
    [
      ["--concurrency", "2", "--requests", "9", "--executor", "slurm"],
      /--executor slurm: needs --shards/,
    ],
    [
      ["--concurrency", "2", "--requests", "9", "--shards", "2", "--partition", "x"],
      /--partition: needs --executor slurm/,
    ],
    [
      [
        ...["--concurrency", "2", "--requests", "9", "--shards", "2"],
        ...["--header", "authorization: Bearer abcdefghijkl"],
      ],
      /--shards: a secret is among the settings/,
    ],
  ];
  for (const [flags, expected] of cases) {
    const { code, stderr } = await dyno([...asked, ...flags]);
    assertEquals(code, 2, stderr);
    assertMatch(stderr, expected);
    assertEquals(runsIn(folder.path), []);
  }
});
