/** --config: what it changes, and that mistakes are named with file, line and key. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Simulator } from "./simulator.ts";

const TIER = '{"concurrency": 2}';
const MISTAKES: [text: string, line: number, said: string][] = [
  ["", 1, "the text ends where a value should be"],
  ['{\n"budget": 01}', 2, "'1' where ',' or '}' should be"],
  ['{"budget": 1,\n\n}', 3, "'}' where a string should be"],
  ['{"budget": 1}\n{', 2, "'{' where the end should be"],
  ['{"budget":\n"much"}', 2, "budget: must be a number"],
  ['{"budget": 1,\n"budget": 2}', 2, 'key "budget" is there twice'],
  ['{"budget": -1}', 1, "budget: -1 is not within 0 and 1000000"],
  ['{"budget": 1e999}', 1, "the number is too large"],
  ['{\n"in_flight_max": 1.5}', 2, "in_flight_max: 1.5 is not a whole number"],
  ['{"speed": 1}', 1, "speed: there is no such key"],
  ["[1, 2]", 1, "must be an object"],
  ['{"local": {\n"gpu": 1}}', 2, 'local.gpu: is neither "io" nor "cpu"'],
  ['{"providers": {"cpu": {}}}', 1, "providers.cpu: is this host's own"],
  ['{"providers": {"a,b": {}}}', 1, "providers.a,b: a provider's name is"],
  ['{"providers": {"p": {}}}', 1, 'providers.p: has no "tiers"'],
  ['{"providers": {"p": {"tiers": []}}}', 1, "providers.p.tiers: must hold a tier"],
  [
    `{"providers": {"p": {"tiers": [${TIER},\n{}]}}}`,
    2,
    'providers.p.tiers[1]: has no "concurrency"',
  ],
  [
    `{"providers": {"p": {"tiers": [${TIER},\n{"concurrency": 0}]}}}`,
    2,
    "providers.p.tiers[1].concurrency: 0 is not within 1",
  ],
  [
    `{"providers": {"llm_provider": {"tiers": [{"concurrency": 1,\n"failure_probability": 2}]}}}`,
    2,
    "providers.llm_provider.tiers[0].failure_probability: 2 is not within 0 and 1",
  ],
  ['{"nodes": {"Dream": {}}}', 1, "nodes.Dream: there is no such node type"],
  ['{"nodes": {"Plan": {"resource": "moon"}}}', 1, 'there is no provider "moon"'],
  ['{"nodes": {"Plan": {"latency": {}}}}', 1, 'nodes.Plan.latency: has no "kind"'],
  [
    '{"nodes": {"Plan": {"latency":\n{"kind": "pareto"}}}}',
    2,
    'nodes.Plan.latency.kind: "pareto" is none of constant, uniform',
  ],
  [
    '{"nodes": {"Plan": {"latency": {"kind": "gamma", "shape": 1}}}}',
    1,
    'nodes.Plan.latency: has no "scale_ms"',
  ],
  [
    '{"nodes": {"Plan": {"latency": {"kind": "constant", "ms": 1, "sigma": 1}}}}',
    1,
    "nodes.Plan.latency.sigma: there is no such key",
  ],
  [
    '{"nodes": {"Plan": {"latency": {"kind": "uniform", "low_ms": 2, "high_ms": 1}}}}',
    1,
    'nodes.Plan.latency: "high_ms" is less than "low_ms"',
  ],
  ["[".repeat(100), 1, "more than 64 levels deep"],
  ['{"a": "\\ud800"}', 1, "half of a surrogate pair"],
  ['{"a": "\\x"}', 1, "'x' where an escape should be"],
  ['{"a": "b\n"}', 1, "byte 0x0a where a printable character should be"],
  ['{"a": "', 1, "the string is not closed"],
  ['{"a": tru}', 1, "'t' where a value should be"],
];

Deno.test("configuration", async (t) => {
  using simulator = await Simulator.open();

  for (const [i, [text, line, said]] of MISTAKES.entries()) {
    await t.step(said, async () => {
      const path = simulator.write(`mistake${i}.json`, text);
      const { code, stdout, stderr } = await simulator.run("--config", path);
      assertEquals([code, stdout], [2, ""]);
      assertStringIncludes(stderr.split("\n")[0], `Error: ${path}:${line}: `);
      assertStringIncludes(stderr.split("\n")[0], said);
    });
  }

  await t.step("an empty object is the built-in world", async () => {
    const path = simulator.write("empty.json", " {}\r\n");
    const size = ["--workflows", "5", "--enable_model_routing"];
    const one = await simulator.report(...size);
    const two = await simulator.report(...size, "--config", path);
    assertEquals(one.bytes("trace.json"), two.bytes("trace.json"));
  });

  await t.step(
    "tiers, prices, limits, latencies and resources are what was asked for",
    async () => {
      const constant = (ms: number) => ({ kind: "constant", ms });
      const path = simulator.write(
        "world.json",
        JSON.stringify({
          budget: 2,
          in_flight_max: 1,
          local: { io: 7, cpu: 9 },
          nodes: {
            Plan: { resource: "planner", latency: constant(100) },
            LoadPDF: { latency: constant(10) },
            Chunk: { latency: constant(20) },
            Embed: { latency: constant(30) },
            SimilaritySearch: { latency: constant(40) },
            ExtractEvidence: { latency: constant(50) },
            Aggregate: { latency: constant(60) },
            DecideNext: { latency: constant(70) },
          },
          providers: {
            planner: { tiers: [{ concurrency: 3, price: 0.25, latency_factor: 2 }] },
            embed_provider: { tiers: [{ concurrency: 1, price: 0.125, latency: constant(5) }] },
            llm_provider: { tiers: [{ concurrency: 1, price: 0.5 }] },
          },
        }),
      );
      const flags = ["--pdfs", "1", "--iters", "1", "--subqueries", "1", "--heavy_tail_prob", "0"];
      const report = await simulator.report(...flags, "--workflows", "2", "--config", path);
      // One node at a time: the second workflow waits for what is left of the first.
      const chain = 200 + 10 + 20 + 5 + 40 + 50 + 60 + 70;
      const makespans = report.rows("workflows.csv").map((row) => Number(row.makespan_ms));
      assertEquals(Math.max(...makespans), 2 * chain);
      assertEquals(report.summary.cost_mean, 0.25 + 0.125 + 2 * 0.5);
      assertEquals(
        report.rows("tiers.csv").map((row) => row.provider),
        ["embed_provider", "llm_provider", "planner"],
      );
    },
  );

  await t.step("a workflow ends when its budget or its retries do, and is counted", async () => {
    const world = (tier: Record<string, number>, budget: number) =>
      JSON.stringify({ budget, providers: { llm_provider: { tiers: [tier] } } });
    for (
      const [reason, text] of [
        ["budget exhausted", world({ concurrency: 4, price: 0.3 }, 1)],
        ["retries exhausted", world({ concurrency: 4, failure_probability: 1 }, 1)],
      ]
    ) {
      const path = simulator.write("failing.json", text);
      const report = await simulator.report("--workflows", "6", "--config", path);
      assertEquals(report.said("failed_workflows"), "6");
      assertEquals(report.rows("workflows.csv").length, 6);
      const done = report.trace.filter(({ name }) => name === "WorkflowDone");
      assert(done.length === 6 && done.every(({ args }) => args.failed && args.reason === reason));
    }
  });
});
