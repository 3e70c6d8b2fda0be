/** The command line, standard output and files that sweeps rely on. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import { existsSync } from "node:fs";
import { join } from "@std/path";
import { Simulator } from "./simulator.ts";

const FILES = ["summary.csv", "workflows.csv", "tiers.csv", "trace.json"];
const SMALL = ["--workflows", "7", "--pdfs", "2", "--subqueries", "2"];
/** As the sweep runner puts a command together. */
const SWEEP = [
  ..."--workflows 8 --pdfs 3 --iters 2 --subqueries 2 --policy full --seed 3".split(" "),
  ..."--time_scale 50 --heavy_tail_prob 0.02 --heavy_tail_mult 50".split(" "),
  ..."--enable_model_routing --disable_hedging".split(" "),
];

Deno.test("simulator's contract", async (t) => {
  using simulator = await Simulator.open();

  await t.step("a sweep's command line gives the four files with their columns", async () => {
    const report = await simulator.report(...SWEEP);
    const header = (name: string) => report.bytes(name).split("\n")[0];
    assertEquals(
      header("summary.csv"),
      "makespan_mean_ms,makespan_p50_ms,makespan_p95_ms,makespan_p99_ms,cost_mean,cost_p50",
    );
    assertEquals(
      header("workflows.csv"),
      "workflow_id,makespan_ms,cost,retries,cancellations,hedges_launched,wasted_ms",
    );
    assertEquals(
      header("tiers.csv"),
      "provider,tier_id,utilization,queue_wait_p95_ms,in_flight_avg",
    );
    assertEquals(report.rows("summary.csv").length, 1);
    const ids = report.rows("workflows.csv").map((row) => Number(row.workflow_id));
    assertEquals(ids.sort((a, b) => a - b), [1, 2, 3, 4, 5, 6, 7, 8]);
    assertEquals(
      report.rows("tiers.csv").map((row) => `${row.provider} ${row.tier_id}`),
      ["embed_provider 0", "embed_provider 1", "llm_provider 0", "llm_provider 1"],
    );
  });

  await t.step("quantiles of the summary are sorted[floor(q * n)] of the workflows", async () => {
    for (const workflows of ["1", "2", "7", "40"]) {
      const report = await simulator.report("--workflows", workflows, "--policy", "sjf");
      const sorted = (column: string) =>
        report.rows("workflows.csv").map((row) => row[column]).sort((a, b) => +a - +b);
      const [makespans, costs] = [sorted("makespan_ms"), sorted("cost")];
      const at = (values: string[], q: number) => values[Math.floor(q * values.length)];
      const [summary] = report.rows("summary.csv");
      assertEquals(
        [summary.makespan_p50_ms, summary.makespan_p95_ms, summary.makespan_p99_ms],
        [0.5, 0.95, 0.99].map((q) => at(makespans, q)),
      );
      assertEquals(summary.cost_p50, at(costs, 0.5));
    }
  });

  await t.step("standard output: the config block, then the summary block", async () => {
    const report = await simulator.report(...SWEEP);
    const lines = report.stdout.trimEnd().split("\n");
    assertEquals(lines[0], "agent_sched_sim config:");
    const summary = lines.indexOf("summary:");
    assert(summary > 0);
    const block = (from: number, to: number) => lines.slice(from, to).map((l) => l.split("=")[0]);
    const config = block(1, summary);
    for (const flag of SWEEP.filter((text) => text.startsWith("--"))) {
      assert(config.includes(`  ${flag.slice(2)}`), flag);
    }
    const said = block(summary + 1, lines.length);
    for (const key of ["makespan_mean_ms", "makespan_p95_ms", "cost_mean"]) {
      assert(said.includes(`  ${key}`));
      assertEquals(Number(report.said(key)), report.summary[key]);
    }
    for (const name of FILES) {
      assertStringIncludes(report.stdout, `=${join(report.folder, name)}\n`);
    }
  });

  await t.step("without arguments the defaults run and fill out/", async () => {
    const { code, stdout } = await simulator.run();
    assertEquals(code, 0);
    for (
      const text of [
        "workflows=100",
        "pdfs=10",
        "iters=3",
        "subqueries=4",
        "policy=full",
        "seed=1",
        "time_scale=50",
        "out_dir=out",
        "heavy_tail_prob=0.02",
        "heavy_tail_mult=50",
        "enable_model_routing=false",
      ]
    ) assertStringIncludes(stdout, `  ${text}\n`);
    for (const name of FILES) assert(existsSync(join(simulator.folder, "out", name)));
  });

  await t.step("-h and --help print the usage and end with 0", async () => {
    for (const flag of ["-h", "--help"]) {
      const { code, stdout, stderr } = await simulator.run(flag);
      assertEquals([code, stderr], [0, ""]);
      assertStringIncludes(stdout, "--heavy_tail_mult");
    }
  });

  for (
    const bad of [
      "--workflows 0",
      "--workflows -3",
      "--workflows 1.5",
      "--workflows ten",
      "--workflows",
      "--pdfs 0",
      "--iters 0",
      "--time_scale 0",
      "--time_scale nan",
      "--subqueries -1",
      "--policy best",
      "--seed -1",
      "--seed 18446744073709551616",
      "--seed 0x10",
      "--heavy_tail_prob 1.5",
      "--heavy_tail_mult inf",
      "--arrival_rate 0",
      "--trace yes",
      "--disable_hedging=yes",
      "--config nowhere.json",
      "--no_such_flag",
      "stray",
      "-x",
    ]
  ) {
    await t.step(`bad argument: ${bad}`, async () => {
      const { code, stdout, stderr } = await simulator.run(...bad.split(" "));
      assertEquals([code, stdout], [2, ""]);
      assertMatch(stderr, /^Error: .+\nUsage: /);
    });
  }

  await t.step("a folder that cannot be made is a failure, not a bad argument", async () => {
    const file = simulator.write("file", "");
    const { code, stderr } = await simulator.run(...SMALL, "--out_dir", join(file, "below"));
    assertEquals(code, 1);
    assertMatch(stderr, /^Error: .*cannot be made/);
  });

  await t.step("folders are made with all that is above them", async () => {
    const { code } = await simulator.run(...SMALL, "--out_dir", "a/b//c/");
    assertEquals(code, 0);
    assert(existsSync(join(simulator.folder, "a/b/c/summary.csv")));
  });

  await t.step("dashes are as good as underscores, '=' as good as a blank", async () => {
    const one = await simulator.report(...SMALL, "--heavy_tail_prob", "0.3", "--disable_hedging");
    const two = await simulator.report(...SMALL, "--heavy-tail-prob=0.3", "--disable-hedging");
    for (const name of FILES) assertEquals(one.bytes(name), two.bytes(name));
  });

  await t.step("the same arguments give the same bytes, another seed others", async () => {
    for (
      const policy of ["fifo_cheapest", "dag_cheapest", "dag_escalation", "full", "edf", "sjf"]
    ) {
      const asked = [...SMALL, "--policy", policy, "--enable_model_routing", "--arrival_rate=0.5"];
      const outcomes = [];
      for (let i = 0; i < 2; i++) {
        const { stdout } = await simulator.run(...asked, "--out_dir", "same");
        const texts = FILES.map((name) =>
          Deno.readTextFileSync(join(simulator.folder, "same", name))
        );
        outcomes.push([stdout, ...texts]);
      }
      assertEquals(outcomes[0], outcomes[1], policy);
      const other = await simulator.report(...asked, "--seed", "2");
      assertNotEquals(other.bytes("workflows.csv"), outcomes[0][2]);
    }
  });

  await t.step("time_scale is recorded and changes nothing else", async () => {
    const one = await simulator.report(...SMALL, "--time_scale", "1");
    const two = await simulator.report(...SMALL, "--time_scale", "1000");
    assertEquals(one.said("time_scale"), "1");
    for (const name of FILES) assertEquals(one.bytes(name), two.bytes(name));
  });

  await t.step("--trace none leaves the trace out and the rest as it is", async () => {
    const one = await simulator.report(...SMALL);
    const two = await simulator.report(...SMALL, "--trace", "none");
    assert(!existsSync(join(two.folder, "trace.json")));
    for (const name of FILES.slice(0, 3)) assertEquals(one.bytes(name), two.bytes(name));
  });

  await t.step("an interrupted run leaves no summary that a sweep would resume on", async () => {
    const report = await simulator.report(...SMALL);
    const trace = join(report.folder, "trace.json");
    Deno.removeSync(trace);
    Deno.mkdirSync(trace); // cannot be written
    const { code } = await simulator.run(...SMALL, "--out_dir", report.folder);
    assertEquals(code, 1);
    assert(!existsSync(join(report.folder, "summary.csv")));
  });

  await t.step("without subqueries Aggregate follows Plan, and workflows end", async () => {
    const report = await simulator.report("--workflows", "5", "--subqueries", "0");
    assertEquals(report.rows("workflows.csv").length, 5);
    assertEquals(report.trace.filter(({ name }) => name === "WorkflowDone").length, 5);
  });
});
