/** Service times have the distributions, and decisions the thresholds, that the model names. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { Simulator, type TraceEvent } from "./simulator.ts";

const CHAIN = [
  ...["Plan", "LoadPDF", "Chunk", "Embed"],
  ...["SimilaritySearch", "ExtractEvidence", "Aggregate", "DecideNext"],
];
const constant = (ms: number) => ({ latency: { kind: "constant", ms } });
const ofName = (trace: TraceEvent[], name: string) => trace.filter((event) => event.name === name);

function moments(values: number[]): { mean: number; deviation: number; error: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const deviation = Math.sqrt(squares / (values.length - 1));
  return { mean, deviation, error: deviation / Math.sqrt(values.length) };
}

Deno.test("models", async (t) => {
  using simulator = await Simulator.open();

  /** Durations of successes by node type, the first iteration's only. */
  async function durations(...flags: string[]): Promise<Map<string, number[]>> {
    const report = await simulator.report(...flags);
    const found = new Map<string, number[]>(CHAIN.map((type) => [type, []]));
    for (const { args } of ofName(report.trace, "AttemptFinish")) {
      if (args.iter === 0) found.get(args.type)!.push(args.ran_ms);
    }
    report.remove();
    return found;
  }

  const near = (values: number[], expected: number) => {
    const { mean, error } = moments(values);
    assertAlmostEquals(mean, expected, 4 * error + 1e-9);
  };
  const size = ["--workflows", "600", "--pdfs", "4", "--subqueries", "2"];

  await t.step("the built-in service times", async () => {
    const found = await durations(...size, "--heavy_tail_prob", "0");
    const logs = (type: string) => found.get(type)!.map(Math.log);
    const tokens = 200 + 10 * 2 + 3 * 4;
    near(logs("Plan"), 6 + 0.001 * tokens);
    for (const type of ["ExtractEvidence", "DecideNext", "Aggregate"]) near(logs(type), 6);
    for (const type of ["Plan", "ExtractEvidence", "Aggregate"]) {
      assertAlmostEquals(moments(logs(type)).deviation, 0.8, 0.08);
    }
    near(logs("LoadPDF"), 5 + 0.1 * Math.log(3));
    near(found.get("Embed")!, 4 * 25 * 1.05);
    near(found.get("Chunk")!, 100);
    assert(found.get("Chunk")!.every((ms) => ms >= 95 && ms <= 105));
    assert(found.get("SimilaritySearch")!.every((ms) => ms === 120));
  });

  await t.step(
    "heavy tails: as often and as much as asked; never below a millisecond",
    async () => {
      const heavy = await durations(...size, "--heavy_tail_prob", "0.25", "--heavy_tail_mult", "9");
      const searches = heavy.get("SimilaritySearch")!;
      near(searches.map((ms) => ms === 120 * 9 ? 1 : 0), 0.25);
      assert(searches.every((ms) => ms === 120 || ms === 120 * 9));
      const light = await durations(...size, "--heavy_tail_prob", "1", "--heavy_tail_mult", "0");
      for (const values of light.values()) assert(values.every((ms) => ms === 1));
    },
  );

  await t.step("attempts fail as often as their tier says", async () => {
    const report = await simulator.report(...size, "--heavy_tail_prob", "0");
    for (const [provider, tier, share] of [["llm_provider", 0, 0.03], ["llm_provider", 1, 0.02]]) {
      const there = report.trace.filter(({ args }) =>
        args.provider === provider && args.tier === tier
      );
      const failures = there.filter(({ name, args }) =>
        name === "AttemptFail" && args.reason === "error"
      ).length;
      const ended = ofName(there, "AttemptFinish").length + failures;
      const error = Math.sqrt(Number(share) * (1 - Number(share)) / ended);
      assertAlmostEquals(failures / ended, Number(share), 4 * error);
    }
  });

  await t.step("Poisson arrivals: exponential gaps", async () => {
    const flags = ["--workflows", "3000", "--pdfs", "1", "--arrival_rate", "2"];
    const { trace } = await simulator.report(...flags);
    const arrived = ofName(trace, "NodeQueued").filter(({ args }) =>
      args.type === "Plan" && args.iter === 0 && args.failures === 0
    ).map(({ ts }) => ts / 1e6);
    assertEquals(arrived.length, 3000);
    const gaps = arrived.slice(1).map((at, i) => at - arrived[i]);
    near(gaps, 0.5);
    assertAlmostEquals(moments(gaps).deviation, 0.5, 0.05);
  });

  await t.step("workflows go on until the evidence suffices", async () => {
    const iterations = async (...flags: string[]) => {
      const { trace } = await simulator.report("--workflows", "200", "--iters", "6", ...flags);
      return ofName(trace, "AttemptFinish").filter(({ args }) => args.type === "Plan").length / 200;
    };
    // One search finds something in 3 of 4 cases, and one piece is half of what it could need.
    const one = await iterations("--pdfs", "1", "--subqueries", "1");
    assertAlmostEquals(one, 4 / 3, 0.15);
    const many = await iterations("--pdfs", "10", "--subqueries", "4");
    assertAlmostEquals(many, 1, 0.05);
    assertEquals(await iterations("--pdfs", "2", "--subqueries", "0"), 6); // never any evidence
  });

  await t.step("dag priority: the longest path ahead, and age at a tenth", async () => {
    const ms = [200, 30, 40, 50, 60, 300, 80, 100];
    const nodes = Object.fromEntries(CHAIN.map((type, i) => [type, constant(ms[i])]));
    const tier = { concurrency: 1 };
    const providers = { llm_provider: { tiers: [tier] }, embed_provider: { tiers: [tier] } };
    const config = simulator.write("paths.json", JSON.stringify({ nodes, providers }));
    const flags = ["--config", config, "--policy", "dag_cheapest", "--arrival_rate", "1.2"];
    const shape = ["--workflows", "300", "--pdfs", "2", "--subqueries", "1", "--iters", "1"];
    const { trace } = await simulator.report(...flags, ...shape, "--heavy_tail_prob", "0");
    const path = (type: string) =>
      ms.slice(CHAIN.indexOf(type)).reduce((sum, value) => sum + value, 0);
    const llm = new Set(["Plan", "ExtractEvidence", "DecideNext"]);
    const waiting = new Map<string, { type: string; since: number }>();
    let decisions = 0, learned = false;
    for (const { name, ts, args } of trace) {
      const node = `${args.workflow} ${args.node}`;
      learned ||= name === "WorkflowDone"; // then every type has been seen
      if (!llm.has(args.type)) continue;
      if (name === "NodeQueued") waiting.set(node, { type: args.type, since: ts / 1000 });
      if (name !== "AttemptStart") continue;
      const priority = ({ type, since }: { type: string; since: number }) =>
        path(type) + 0.1 * (ts / 1000 - since);
      const chosen = waiting.get(node)!;
      waiting.delete(node);
      if (!learned) continue;
      for (const other of waiting.values()) {
        // The learned medians are within a percent, and slack is worth half a point.
        assert(priority(chosen) >= priority(other) - 0.5 - 0.01 * path("Plan"));
        decisions += other.type === chosen.type ? 0 : 1;
      }
    }
    assert(decisions > 100, `${decisions} between types`);
  });

  await t.step("a straggler is hedged at one and a half times the p95", async () => {
    const nodes = Object.fromEntries(CHAIN.map((type) => [type, constant(200)]));
    const config = simulator.write("hedges.json", JSON.stringify({ nodes }));
    const flags = ["--config", config, "--enable_model_routing", "--arrival_rate", "0.2"];
    const shape = ["--workflows", "200", "--pdfs", "1", "--subqueries", "1"];
    const { trace } = await simulator.report(...flags, ...shape, "--heavy_tail_prob", "0.02");
    const ran = ofName(trace, "HedgeLaunched").map(({ args }) => args.ran_ms);
    assert(ran.length >= 5, `${ran.length} hedges`);
    for (const ms of ran) assertAlmostEquals(ms, 300, 151); // 450 until the first was seen
    assert(ran.filter((ms) => Math.abs(ms - 300) <= 3).length > 0.7 * ran.length, `${ran}`);
  });
});
