/** What policies are for: how they compare, seed by seed, on the same luck. */
import { assert, assertEquals } from "@std/assert";
import { interval95, type Report, Simulator, type TraceEvent } from "./simulator.ts";

/** Twenty in the long suite, ten else. */
const SEEDS = Array.from(
  { length: Deno.env.get("DYNO_TEST_LONG") ? 20 : 10 },
  (_, i) => `${i + 1}`,
);
const ROUTING = "--enable_model_routing";

/** Says figures where somebody asked for them. */
function figure(text: string): void {
  if (Deno.env.get("SIM_FIGURES")) Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`));
}

Deno.test("policies", async (t) => {
  using simulator = await Simulator.open();

  const known = new Map<string, Record<string, number>[]>();

  /** Of each seed; what was run before is not run again. */
  async function summaries(...flags: string[]): Promise<Record<string, number>[]> {
    const before = known.get(flags.join());
    if (before) return before;
    const found = [];
    for (const seed of SEEDS) {
      const report = await simulator.report("--seed", seed, "--trace", "none", ...flags);
      found.push(report.summary);
      report.remove();
    }
    known.set(flags.join(), found);
    return found;
  }

  /** Pairs by seed: the mean of a minus b with its 95 % interval. */
  async function difference(key: string, a: string[], b: string[]) {
    const [ones, others] = [await summaries(...a), await summaries(...b)];
    const { mean, half } = interval95(ones.map((one, i) => one[key] - others[i][key]));
    figure(`${key} (${a.join(" ")}) - (${b.join(" ")}): ${mean.toFixed(1)} +- ${half.toFixed(1)}`);
    return { mean, half };
  }

  const heavy = ["--workflows", "40", "--heavy_tail_prob", "0.05"];
  const steady = [...heavy, "--workflows", "200", "--arrival_rate", "0.08"];

  for (const [load, flags] of Object.entries({ "at once": heavy, "over time": steady })) {
    await t.step(
      `full beats fifo on p95 makespan under heavy tails, arriving ${load}`,
      async () => {
        const full = ["--policy", "full", ROUTING, ...flags];
        const fifo = ["--policy", "fifo_cheapest", ...flags];
        const { mean, half } = await difference("makespan_p95_ms", full, fifo);
        assert(mean + half < 0, `${mean} +- ${half}`);
      },
    );
  }

  await t.step("hedging pays under heavy tails, all else as it is", async () => {
    const full = ["--policy", "full", ROUTING, ...steady];
    const { mean, half } = await difference("makespan_p95_ms", full, [
      ...full,
      "--disable_hedging",
    ]);
    assert(mean + half < 0, `${mean} +- ${half}`);
  });

  await t.step("escalation buys time with money where the dearer tier is faster", async () => {
    // between tiers of one speed, as the built-in ones are, there is nothing to buy
    const tier = (concurrency: number, price: number, latency_factor: number) => ({
      concurrency,
      price,
      latency_factor,
      max_retries: 3,
    });
    const config = simulator.write(
      "fast.json",
      JSON.stringify({
        providers: { llm_provider: { tiers: [tier(60, 0.01, 1), tier(60, 0.05, 0.1)] } },
      }),
    );
    const full = ["--policy", "full", ROUTING, "--workflows", "10", "--config", config];
    const without = [...full, "--disable_escalation"];
    const time = await difference("makespan_mean_ms", full, without);
    const money = await difference("cost_mean", full, without);
    assert(time.mean + time.half < 0 && money.mean - money.half > 0);
  });

  await t.step("sjf finishes what it has begun: a shorter mean than fifo's", async () => {
    const few = ["--workflows", "40"];
    const { mean, half } = await difference(
      "makespan_mean_ms",
      ["--policy", "sjf", ...few],
      ["--policy", "fifo_cheapest", ...few],
    );
    assert(mean + half < 0, `${mean} +- ${half}`);
  });

  await t.step("the dag priority costs mean makespan while workflows compete", async () => {
    // the longest path goes first: those that are behind are served before those that could end
    const dag = ["--policy", "dag_cheapest", ROUTING, "--workflows", "20"];
    const { mean, half } = await difference("makespan_mean_ms", dag, [
      ...dag,
      "--disable_dag_priority",
    ]);
    assert(mean - half > 0, `${mean} +- ${half}`);
  });

  await t.step("the cheapest tier with room is the first one, where prices rise", async () => {
    const asked = ["--workflows", "10", "--policy", "fifo_cheapest"];
    const [plain, routed] = [
      await simulator.report(...asked),
      await simulator.report(...asked, ROUTING),
    ];
    assertEquals(plain.bytes("trace.json"), routed.bytes("trace.json"));
  });

  await t.step("a mechanism that a policy lacks cannot be switched off", async () => {
    const asked = ["--workflows", "10", ROUTING, "--policy", "fifo_cheapest"];
    const plain: Report = await simulator.report(...asked);
    const off = await simulator.report(...asked, ...[
      "--disable_hedging",
      "--disable_escalation",
      "--disable_dag_priority",
    ]);
    assertEquals(plain.bytes("trace.json"), off.bytes("trace.json"));
  });

  await t.step("stripped of its mechanisms full is fifo", async () => {
    const size = ["--workflows", "10", ROUTING];
    const fifo = await simulator.report(...size, "--policy", "fifo_cheapest");
    const full = await simulator.report(...size, ...[
      "--disable_hedging",
      "--disable_escalation",
      "--disable_dag_priority",
    ]);
    assertEquals(fifo.bytes("trace.json"), full.bytes("trace.json"));
  });

  await t.step("policies meet the same luck: a first attempt takes as long in each", async () => {
    const times = async (policy: string) => {
      const flags = ["--workflows", "5", "--heavy_tail_prob", "0", "--policy", policy];
      const { trace } = await simulator.report(...flags);
      const firsts = trace.filter((event: TraceEvent) =>
        event.name === "AttemptFinish" && event.args.attempt === 0
      );
      return new Map(firsts.map(({ args }) => [
        `${args.workflow} ${args.type} ${args.iter} ${args.pdf} ${args.subquery}`,
        args.ran_ms,
      ]));
    };
    const [fifo, sjf] = [await times("fifo_cheapest"), await times("sjf")];
    let same = 0;
    for (const [place, ms] of fifo) {
      if (!sjf.has(place)) continue; // one failed where the tier fails more often
      assertEquals(sjf.get(place), ms, place);
      same++;
    }
    assert(same > 0.9 * fifo.size);
  });
});
