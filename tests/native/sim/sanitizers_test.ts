/** The simulator under ASan and UBSan: ordinary runs, strange ones, and broken configurations. */
import { assertEquals, assertMatch } from "@std/assert";
import { Simulator } from "./simulator.ts";

const RUNS = [
  "--policy full --enable_model_routing --heavy_tail_prob 0.3",
  "--policy dag_escalation --enable_model_routing --arrival_rate 0.2",
  "--policy fifo_cheapest --subqueries 0",
  "--policy edf --heavy_tail_mult 1e9 --heavy_tail_prob 1",
  "--policy sjf --heavy_tail_mult 0 --heavy_tail_prob 1",
  "--policy full --pdfs 150 --subqueries 9 --enable_model_routing",
  "--policy full --seed 18446744073709551615 --arrival_rate 1e-9",
  "--workflows nonsense",
];

/** Every place of a configuration in the long suite, every tenth one else. */
const STEP = Deno.env.get("DYNO_TEST_LONG") ? 1 : 10;

Deno.test("the simulator is clean under ASan and UBSan", async (t) => {
  using simulator = await Simulator.sanitized();
  for (const flags of RUNS) {
    await t.step(flags, async () => {
      const { code, stderr } = await simulator.run("--workflows", "9", ...flags.split(" "));
      // Every outcome is in words: done, a time beyond reckoning, a bad argument.
      if (code === 0) assertEquals(stderr, "");
      else assertMatch(stderr, /^Error: (the simulated time runs beyond|--workflows)/);
    });
  }

  await t.step(
    `any cut and any changed byte of a configuration is said, not crashed on (one place in ${STEP})`,
    async () => {
      const good = JSON.stringify({
        budget: 1.5e0,
        in_flight_max: 3,
        local: { io: 1 },
        nodes: {
          Plan: { resource: "x\u0041", latency: { kind: "gamma", shape: 2, scale_ms: 3 } },
        },
        providers: { xA: { tiers: [{ concurrency: 2, tokens_per_s: 5, burst: 2 }] } },
      }).replace("xA", "x\\u0041");
      const changed = [];
      for (let i = 0; i < good.length; i += 3 * STEP) changed.push(good.slice(0, i));
      for (let i = 0; i < good.length; i += 2 * STEP) {
        for (const byte of ['"', "\\", "9"]) {
          changed.push(good.slice(0, i) + byte + good.slice(i + 1));
        }
      }
      for (const [i, text] of changed.entries()) {
        const path = simulator.write("broken.json", text);
        const flags = ["--workflows", "1", "--pdfs", "1", "--trace", "none", "--config", path];
        const { code, stderr } = await simulator.run(...flags);
        if (code === 0) continue; // another number or name is as good
        assertEquals(code, 2, `${i}: ${text}\n${stderr}`);
        assertMatch(stderr, /^Error: .*broken\.json:\d+: /);
      }
    },
  );
});
