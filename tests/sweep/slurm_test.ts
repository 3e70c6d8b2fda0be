/** Sweeps as array jobs of a real Slurm with two nodes, on this machine. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { parseCsv } from "../../lib/formats/csv.ts";
import { FaultyDisk } from "../chaos/faulty_disk.ts";
import { DYNO, dyno } from "../e2e/dyno.ts";
import { processesWith, shellSweep, Workplace } from "./fixture.ts";
import { until } from "../until.ts";
import { noSlurm, SlurmCluster } from "./slurm_cluster.ts";
import type { ClusterOptions } from "./slurm_cluster.ts";

const SMOKE = fromFileUrl(new URL("../../experiments/smoke.json", import.meta.url));
const TREE = "bench_runs/shell";
const ON_SLURM = ["sweep", "--config", "s.json", "--executor", "slurm"];

const reason = noSlurm();
if (reason !== null) process.stderr.write(`the tests of Slurm are skipped: ${reason}\n`);

/** A test with a cluster of its own, of which no process may be left. */
function slurmTest(
  name: string,
  body: (cluster: SlurmCluster) => Promise<void>,
  options?: ClusterOptions,
): void {
  Deno.test({
    name: `Slurm: ${name}`,
    ignore: reason !== null,
    fn: async () => {
      let ended: SlurmCluster;
      {
        await using cluster = await SlurmCluster.start(options);
        ended = cluster;
        await body(cluster);
      }
      assertEquals(ended.processes(), []);
    },
  });
}

/** Runs that write down when they begin and end; the script may go on between. */
function loggedSweep({ place }: SlurmCluster, between: string, runs: number): void {
  const log = join(place.path, "log");
  place.write("log", "");
  const script = `echo begin {seed} >> ${log}; ${between}; echo end {seed} >> ${log}`;
  place.write("s.json", shellSweep(script, runs, { jobs: 2 }));
}

/** Seeds in the order of the log. */
function logged({ place }: SlurmCluster, word: "begin" | "end"): number[] {
  return place.read("log").split("\n").filter((line) => line.startsWith(word))
    .map((line) => Number(line.split(" ")[1]));
}

const upTo = (runs: number) => Array.from({ length: runs }, (_, i) => i + 1);
const sorted = (seeds: number[]) => [...seeds].sort((a, b) => a - b);

/** Starts the sweep on a terminal, stops it with Ctrl-C while a run goes on, and answers the question. */
async function atTerminal(
  { place, env }: SlurmCluster,
  answer: "y" | "n",
  ...flags: string[]
): Promise<string> {
  const command = [...DYNO, ...ON_SLURM, ...flags].join(" ");
  const child = spawn("script", ["-qfec", command, "/dev/null"], {
    cwd: place.path,
    env: { ...process.env, ...env, NO_COLOR: "1" },
  });
  let said = "";
  child.stdout.on("data", (bytes) => said += bytes);
  const closed = new Promise<number | null>((resolve) => child.on("close", resolve));
  const begun = () => place.read("log").includes("end 1") && /begin [234]/.test(place.read("log"));
  await until(begun, "a run that ended, and one that goes on");
  child.stdin.write("\x03");
  await until(() => /cancel Slurm job \d+, too\? \[y\/N\]/.test(said), "the question");
  child.stdin.write(`${answer}\n`);
  assertEquals(await closed, 130, said);
  child.stdin.destroy();
  return said;
}

/** Files of a folder with their contents, times and measured use put aside. */
function contents(place: Workplace, folder: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const name of place.list(folder)) {
    if (name === "out") {
      contents(place, `${folder}/out`).forEach((text, inner) => files.set(`out/${inner}`, text));
    } else {
      const text = place.read(`${folder}/${name}`).replaceAll(place.path, "{here}");
      const measured = /"(\w+_time\w*_s|cpu_time_s|peak_memory_bytes)": [\d.e-]+/g;
      files.set(name, name === "meta.json" ? text.replace(measured, '"$1": 0') : text);
    }
  }
  return files;
}

slurmTest("the smoke sweep leaves what this host leaves, file by file", async (cluster) => {
  using here = new Workplace();
  assertEquals((await here.dyno("sweep", "--config", SMOKE)).code, 0);
  const { code, stderr, stdout } = await cluster.dyno(
    ...["sweep", "--config", SMOKE, "--executor", "slurm", "--json"],
    ...["--partition", "main", "--time", "5", "--memory", "100M"],
  );
  assertEquals(code, 0, stderr);
  assertMatch(stderr, /Slurm job \d+: 3 tasks\n8 runs succeeded, in/); // an array has 3 at most
  const { ended, failed, stopped, slurm_job_id } = JSON.parse(stdout);
  assertEquals([ended, failed, stopped], [8, 0, "no"]);
  assertMatch(slurm_job_id, /^\d+$/);
  const runs = "bench_runs/smoke/runs";
  assertEquals(cluster.place.list(runs), here.list(runs));
  for (const run of here.list(runs)) {
    const [there, mine] = [cluster.place, here].map((place) => contents(place, `${runs}/${run}`));
    assertEquals(there, mine);
    assert(mine.size >= 6, [...mine.keys()].join(" "));
  }
  const again = await cluster.dyno("sweep", "--config", SMOKE, "--executor", "slurm", "--resume");
  assertStringIncludes(again.stderr, "8 finished already; nothing to do");
  assertEquals(again.stderr.includes("Slurm job"), false);
}, { largest_array: 3 });

slurmTest(
  "a node dies in mid-sweep: its run is done again, the others are not",
  async (cluster) => {
    const runs = 4;
    const mark = `62.${Math.floor(Math.random() * 1e9)}`;
    loggedSweep(cluster, `[ $SLURMD_NODENAME != n1 ] || sleep ${mark}`, runs);
    const running = cluster.begin(...ON_SLURM);
    await until(
      () => processesWith(mark).length > 0 && logged(cluster, "end").length >= 2,
      "a run on the node, and some that have ended",
    );
    cluster.killNode("n1");
    await until(() => processesWith(mark).length === 0, "the death of the node's run");
    await cluster.hurryRequeued();
    const { code, stderr } = await running.finished;
    assertEquals(code, 0, stderr);
    assertStringIncludes(stderr, `${runs} runs succeeded`);
    assertEquals(sorted(logged(cluster, "end")), upTo(runs)); // each ended once
    const begun = logged(cluster, "begin");
    assertEquals(begun.length, runs + 1);
    assertEquals(begun.filter((seed, i) => begun.indexOf(seed) !== i), begun.slice(-1));
    assertEquals(cluster.place.list(`${TREE}/runs`).length, runs);
    assertEquals((await cluster.dyno("collect", "--exp_dir", TREE)).code, 0);
  },
  { node_timeout_s: 3 },
);

slurmTest("Ctrl-C without a terminal cancels the job, and says so", async (cluster) => {
  const mark = `64.${Math.floor(Math.random() * 1e9)}`;
  loggedSweep(cluster, `[ {seed} = 1 ] || sleep ${mark}`, 4);
  const running = cluster.begin(...ON_SLURM);
  await until(
    () => processesWith(mark).length > 0 && logged(cluster, "end").length === 1,
    "a run that ended, and one that goes on",
  );
  running.kill("SIGINT");
  const { code, stderr } = await running.finished;
  assertEquals(code, 130, stderr);
  assertMatch(stderr, /\nno terminal to ask at: cancelling Slurm job \d+\n/);
  assertMatch(
    stderr,
    /1 run succeeded, 3 not run, in .*\n(.*\n)?continue with: dyno sweep .* --resume/,
  );
  assertEquals([await cluster.jobs(), processesWith(mark)], [[], []]);
});

slurmTest("Ctrl-C on a terminal asks: no leaves the job, yes cancels it", async (cluster) => {
  const go = join(cluster.place.path, "go");
  const mark = `63.${Math.floor(Math.random() * 1e9)}`;
  const hold = `while [ ! -e ${go} ]; do sleep 0.05; done`;
  loggedSweep(cluster, `sleep ${mark} & [ {seed} = 1 ] || ${hold}`, 4);
  const left = await atTerminal(cluster, "n");
  assertMatch(left, /Slurm job \d+ continues; see dyno sweep status --exp_dir/);
  assertMatch(left, /left to Slurm, in/);
  for (const args of [["sweep", "--config", "s.json", "--resume"], [...ON_SLURM, "--resume"]]) {
    const second = await cluster.dyno(...args);
    assertEquals(second.code, 2, second.stderr);
    assertMatch(second.stderr, /error: bench_runs\/shell: in use by Slurm job \d+; wait for it/);
  }
  cluster.place.write("go", "");
  const waited = await cluster.dyno("sweep", "status", "--exp_dir", TREE, "--wait", "--json");
  assertEquals(waited.code, 0, waited.stderr);
  assertStringIncludes(waited.stderr, "4 of 4 runs succeeded; it has ended\nnext: dyno collect");
  const { live, ended, failed } = JSON.parse(waited.stdout);
  assertEquals([live, ended, failed], [false, 4, 0]);
  assertEquals(sorted(logged(cluster, "end")), upTo(4));

  rmSync(go);
  cluster.place.write("log", "");
  assertMatch(
    await atTerminal(cluster, "y", "--redo"), // all its runs have ended
    /continue with: dyno sweep .*--executor slurm --resume/,
  );
  assertEquals([await cluster.jobs(), processesWith(mark)], [[], []]);
  assertEquals(logged(cluster, "end"), [1]);
  cluster.place.write("go", "");
  cluster.place.write("log", "");
  const rest = await cluster.dyno(...ON_SLURM, "--resume");
  assertEquals(rest.code, 0, rest.stderr);
  assertStringIncludes(rest.stderr, `4 runs in ${TREE}, 1 finished already`);
  assertEquals(
    [sorted(logged(cluster, "begin")), sorted(logged(cluster, "end"))],
    [[2, 3, 4], [2, 3, 4]],
  );
});

slurmTest(
  "a job whose sweep was killed before it had a plan is cancelled by the next",
  async (cluster) => {
    using disk = new FaultyDisk();
    loggedSweep(cluster, "true", 3);
    const { env } = disk.under(cluster.place.path, { kill_at: 1, only: "plan.json" });
    const options = { cwd: cluster.place.path, env: { ...cluster.env, ...env } };
    assertEquals((await dyno(ON_SLURM, options)).signal, "SIGKILL");
    const [left] = await cluster.jobs();
    assertMatch(left, /^\d+$/);
    const { code, stderr } = await cluster.dyno(...ON_SLURM, "--resume");
    assertEquals(code, 0, stderr);
    assertStringIncludes(stderr, `cancelled Slurm job ${left}: `);
    assertEquals(sorted(logged(cluster, "begin")), upTo(3));
    await until(async () => (await cluster.jobs()).length === 0, "an empty queue");
  },
);

slurmTest(
  "--detach returns at once; a preempted run is done again; status tells",
  async (cluster) => {
    const go = join(cluster.place.path, "go");
    loggedSweep(cluster, `while [ ! -e ${go} ]; do sleep 0.05; done; [ {seed} != 2 ] || exit 7`, 4);
    const { code, stderr, stdout } = await cluster.dyno(...ON_SLURM, "--detach", "--json");
    assertEquals([code, JSON.parse(stdout).stopped], [0, "detached"], stderr);
    const [, job] = /scancel (\d+)/.exec(stderr)!;
    await until(() => logged(cluster, "begin").includes(1), "the first run");
    await cluster.output("scontrol", "requeue", `${job}_0`); // what preemption does
    await cluster.hurryRequeued();
    const during = await cluster.dyno("sweep", "status", "--exp_dir", TREE);
    assertEquals(during.code, 0, during.stderr);
    assertMatch(
      during.stderr,
      /^Slurm job \d+: 0 of 4 runs succeeded; tasks: \d (running|pending)/,
    );
    cluster.place.write("go", "");
    const over = await cluster.dyno("sweep", "status", TREE, "--wait");
    assertEquals(over.code, 1, over.stderr);
    assertMatch(over.stderr, /failed: seed2__baseline__\w+: exit code 7/);
    assertStringIncludes(over.stderr, "3 of 4 runs succeeded, 1 failed");
    assertEquals(sorted(logged(cluster, "begin")), [1, 1, 2, 3, 4]);
    assertEquals(sorted(logged(cluster, "end")), [1, 3, 4]);
    cluster.place.write("log", "");
    const again = await cluster.dyno(...ON_SLURM, "--resume", "--fail_fast", "--json");
    assertEquals(again.code, 1, again.stderr);
    assertEquals(JSON.parse(again.stdout).stopped, "failed run");
    assertEquals(logged(cluster, "begin"), [2]);
  },
);

slurmTest("tasks that are killed or cancelled leave no result", async (cluster) => {
  const killTask = "kill -9 $(cat /proc/$PPID/stat | cut -d' ' -f4)";
  loggedSweep(cluster, `[ {seed} != 1 ] || ${killTask}; sleep 30`, 6);
  const running = cluster.begin(...ON_SLURM);
  await until(() => logged(cluster, "begin").length >= 3, "a run in each task");
  await cluster.output("scancel", ...await cluster.jobs());
  const { code, stderr } = await running.finished;
  assertEquals(code, 1, stderr);
  assertMatch(stderr, /Slurm job \d+: 2 runs left no result: its task ended as FAILED/);
  assertMatch(stderr, /Slurm job \d+: 4 runs left no result: its task ended as CANCELLED/);
  assertMatch(
    stderr,
    /0 runs succeeded, 6 not run, in .*\nwhat tasks said is in .*\ncontinue with: /,
  );
}, { largest_array: 3 });

slurmTest("a sweep of dyno's own loads, with hardware samples beside each", async (cluster) => {
  const { place } = cluster;
  const mock = cluster.begin("mock", "--port", "0", "--model", "a");
  const url = () => /http:\S+/.exec(mock.said())?.[0];
  await until(() => url() !== undefined, "the mock endpoint");
  try {
    place.write("s.json", {
      name: "loads",
      kind: "load",
      common_args: { endpoint: url(), model: "a", requests: 12, output_tokens: 4 },
      matrix: { concurrency: [1, 4] },
      jobs: 2,
    });
    const { code, stderr } = await cluster.dyno(...ON_SLURM, "--sample-rate", "20");
    assertEquals(code, 0, stderr);
    assertEquals((await cluster.dyno("collect", "--exp_dir", "bench_runs/loads")).code, 0);
    const [head, ...rows] = parseCsv("table", place.read("bench_runs/loads/aggregate/runs.csv"));
    const figure = (row: string[], name: string) => Number(row[head.indexOf(name)]);
    assertEquals(rows.map((row) => figure(row, "concurrency")), [1, 4]);
    for (const row of rows) assert(figure(row, "requests_per_s") > 0, row.join());
    for (const run of place.list("bench_runs/loads/runs")) {
      assert(place.list(`bench_runs/loads/runs/${run}`).includes("samples.bin"));
    }
  } finally {
    mock.kill("SIGTERM");
    await mock.finished;
  }
});

slurmTest("a refused job is one line, and leaves nothing in the queue", async (cluster) => {
  cluster.place.write("s.json", shellSweep("true", 2));
  for (
    const [flag, value, what] of [
      ["--partition", "nowhere", /nvalid partition name specified; sinfo lists the partitions/],
      ["--gres", "gpu:9", /--gres asks for it/],
      ["--memory", "900G", /--memory (and --gres )?asks? for/],
    ] as const
  ) {
    const { code, stderr } = await cluster.dyno(...ON_SLURM, flag, value);
    assertEquals(code, 2, stderr);
    assertMatch(stderr.trimEnd().split("\n").at(-1)!, /^error: sbatch: /);
    assertMatch(stderr, what);
  }
  assertEquals(await cluster.jobs(), []);
  const env = { SLURM_CONF: join(cluster.place.path, cluster.place.write("empty.conf", "")) };
  const lost = await dyno(ON_SLURM, { cwd: cluster.place.path, env });
  assertEquals(lost.code, 2);
  assertMatch(lost.stderr, /^error: sbatch: .* file; go to a login node of a cluster, where .*\n$/);
  const none = await cluster.dyno("sweep", "status", "--exp_dir", TREE);
  assertEquals(none.code, 2);
  assertStringIncludes(none.stderr, "this sweep was not given to Slurm");
});

Deno.test("without Slurm, --executor slurm says so; its flags need it", async () => {
  using place = new Workplace();
  place.write("s.json", shellSweep("true", 2));
  mkdirSync(join(place.path, "bin"));
  const env = { PATH: join(place.path, "bin") };
  const { code, stderr } = await dyno(ON_SLURM, { cwd: place.path, env });
  assertEquals(code, 2);
  assertMatch(stderr, /^error: there is no Slurm here: no sbatch along PATH; go to a login node/);
  assert(!existsSync(join(place.path, "bench_runs")));
  const stray = await place.dyno("sweep", "--config", "s.json", "--time", "5");
  assertEquals([stray.code, stray.stderr], [2, "error: --time: needs --executor slurm\n"]);
  const both = await place.dyno(...ON_SLURM, "--detach", "--fail-fast");
  assertMatch(both.stderr, /^error: --fail-fast: needs a sweep that waits/);
  const task = await place.dyno("sweep", "exec", "--exp_dir", "x", "--index", "0");
  assertMatch(task.stderr, /^error: x\/slurm\/plan\.json: no such file; .* all nodes share/);
});
