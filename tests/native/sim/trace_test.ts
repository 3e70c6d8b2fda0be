/** No schedule breaks a rule: every policy, every ablation, two worlds, some seeds. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Report, Simulator } from "./simulator.ts";
import { checkTrace, type Rules, type TierRules } from "./trace_checker.ts";

/** Twenty in the long suite and where CI=true, two else; a budget that is too small is met with the tenth. */
const SEEDS = Deno.env.get("DYNO_TEST_LONG") || Deno.env.get("CI") === "true"
  ? Array.from({ length: 20 }, (_, i) => i + 1)
  : [1, 10];
const POLICIES = ["fifo_cheapest", "dag_cheapest", "dag_escalation", "full", "edf", "sjf"];
const ABLATIONS = [
  [],
  ["--disable_hedging"],
  ["--disable_escalation"],
  ["--disable_dag_priority"],
  ["--disable_hedging", "--disable_escalation", "--disable_dag_priority"],
];
const SIZE = { workflows: 6, pdfs: 3, iters: 2, subqueries: 2 };

const LOCAL = { io: [{ concurrency: 2, price: 0, maxRetries: 0 }], cpu: [] as TierRules[] };
LOCAL.cpu = [{ concurrency: 4, price: 0, maxRetries: 0 }];

function tier(
  [tokensPerS, burst, concurrency, price, timeoutMs, maxRetries = 3]: number[],
): TierRules {
  return { concurrency, tokensPerS, burst, price, timeoutMs, maxRetries };
}

const BUILT_IN = {
  budget: 10,
  inFlightMax: 200,
  tiers: {
    ...LOCAL,
    embed_provider: [tier([20, 50, 4, 0.0001, 10_000]), tier([100, 200, 8, 0.0005, 5_000])],
    llm_provider: [tier([5, 20, 2, 0.01, 30_000]), tier([20, 50, 4, 0.05, 15_000])],
  },
};

/** Little of everything: tokens, slots, budget, room in flight and luck all run out. */
const TIGHT = {
  budget: 0.75,
  inFlightMax: 5,
  tiers: {
    ...LOCAL,
    embed_provider: [tier([4, 2, 2, 0.001, 150, 8]), tier([8, 3, 1, 0.005, 200, 8])],
    llm_provider: [tier([1, 2, 2, 0.01, 3_000, 1]), tier([2, 1, 3, 0.05, 6_000, 4])],
  },
};

function configOf({ budget, inFlightMax, tiers }: typeof TIGHT): string {
  const provider = (name: "embed_provider" | "llm_provider", failure: number) => ({
    tiers: tiers[name].map((t) => ({
      tokens_per_s: t.tokensPerS,
      burst: t.burst,
      concurrency: t.concurrency,
      price: t.price,
      failure_probability: failure,
      timeout_ms: t.timeoutMs,
      max_retries: t.maxRetries,
    })),
  });
  return JSON.stringify({
    budget,
    in_flight_max: inFlightMax,
    providers: {
      embed_provider: provider("embed_provider", 0.05),
      llm_provider: provider("llm_provider", 0.1),
    },
  });
}

function rulesOf(world: typeof TIGHT, policy: string, flags: string[], routing: boolean): Rules {
  const dag = policy.startsWith("dag") || policy === "full";
  const off = (name: string) => flags.includes(`--disable_${name}`);
  return {
    ...SIZE,
    ...world,
    oldestFirst: policy === "fifo_cheapest" || (dag && off("dag_priority")),
    escalation: routing && ["dag_escalation", "full"].includes(policy) && !off("escalation"),
    hedging: routing && policy === "full" && !off("hedging"),
  };
}

const sizes = Object.entries(SIZE).flatMap(([key, value]) => [`--${key}`, `${value}`]);

Deno.test(`traces of ${SEEDS.length} seeds keep the rules`, async (t) => {
  using simulator = await Simulator.open();
  const config = simulator.write("tight.json", configOf(TIGHT));
  const worlds = [
    { name: "built in", rules: BUILT_IN, flags: ["--heavy_tail_prob", "0.05"] },
    { name: "tight", rules: TIGHT, flags: ["--config", config, "--arrival_rate", "0.3"] },
  ];
  const seen = { hedges: 0, retries: 0, cancellations: 0, failed: 0, done: 0, dear: 0 };

  for (const policy of POLICIES) {
    await t.step(policy, async () => {
      for (const world of worlds) {
        for (const ablation of [...ABLATIONS, null]) {
          const routing = ablation ? ["--enable_model_routing"] : [];
          const flags = [...sizes, ...world.flags, ...routing, ...ablation ?? []];
          const rules = rulesOf(world.rules, policy, flags, ablation !== null);
          for (const seed of SEEDS) {
            const report = await simulator.report(
              ...["--policy", policy, "--seed", `${seed}`, ...flags],
            );
            try {
              const replay = checkTrace(report, rules);
              for (const workflow of replay.workflows.values()) {
                seen.hedges += workflow.hedges;
                seen.retries += workflow.retries;
                seen.cancellations += workflow.cancellations;
              }
              const failed = Number(report.said("failed_workflows"));
              seen.failed += failed;
              seen.done += SIZE.workflows - failed;
              if (rules.escalation) seen.dear += replay.tiers.get("llm_provider")![1].busyNs;
            } catch (error) {
              const where = `${world.name}: ${policy} ${flags.join(" ")} seed ${seed}`;
              throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
            }
            report.remove();
          }
        }
      }
    });
  }

  await t.step("everything that can happen did", () => {
    for (const [what, count] of Object.entries(seen)) assert(count > 0, what);
  });

  await t.step("the checker sees what is wrong", async () => {
    const flags = [...sizes, "--enable_model_routing", "--policy", "full"];
    const report = await simulator.report(...flags, "--heavy_tail_prob", "0.2");
    const rules = rulesOf(BUILT_IN, "full", flags, true);
    checkTrace(report, rules);
    const broken = (change: (tiers: Rules["tiers"]) => Partial<Rules>) => {
      const tiers = structuredClone(rules.tiers);
      assertThrows(() => checkTrace(report, { ...rules, ...change(tiers), tiers }));
    };
    broken((tiers) => (tiers.llm_provider[0].concurrency = 1, {}));
    broken((tiers) => (tiers.llm_provider[0].burst = 2, {}));
    broken((tiers) => (tiers.llm_provider[1].timeoutMs = 500, {}));
    broken((tiers) => (tiers.llm_provider[1].price = 0.04, {}));
    broken((tiers) => (tiers.io[0].concurrency = 3, {})); // one would be idle
    broken(() => ({ budget: 0.2 }));
    broken(() => ({ inFlightMax: 4 }));
    broken(() => ({ hedging: false }));
    broken((tiers) => (tiers.llm_provider[0].concurrency = 3, {})); // the cheaper would have room
    broken(() => ({ subqueries: 3 }));
    const sjf = await simulator.report(...sizes, "--policy", "sjf");
    const sjfRules = rulesOf(BUILT_IN, "sjf", sizes, false);
    checkTrace(sjf, sjfRules);
    assertThrows(() => checkTrace(sjf, { ...sjfRules, oldestFirst: true }));
  });

  await t.step("hedges win, lose and are cancelled with their cost", async () => {
    const flags = ["--policy", "full", "--enable_model_routing", "--heavy_tail_prob", "0.2"];
    const report: Report = await simulator.report(...sizes, ...flags);
    const cancelled = report.trace.filter((event) =>
      event.name === "AttemptCancel" && event.args.reason === "the other was first"
    );
    assert(cancelled.some((event) => event.args.hedge));
    assert(cancelled.some((event) => !event.args.hedge));
    const hedges = report.trace.filter(({ name }) => name === "HedgeLaunched").length;
    const second = report.trace.filter(({ name, args }) => name === "AttemptStart" && args.hedge);
    assertEquals(second.length, hedges);
  });
});
