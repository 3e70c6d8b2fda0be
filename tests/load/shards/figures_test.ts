/** What is said of shards of which something is unknown: never as if it were nothing. */
import { assertEquals, assertMatch } from "@std/assert";
import { shardNotes, withShards } from "../../../lib/load/shards/figures.ts";
import { BUDGET } from "../../../lib/load/drive_options.ts";
import { budgetShare, type ShardPlan } from "../../../lib/load/shards/plan.ts";
import type { Verdict } from "../../../lib/load/verdict.ts";
import type { ShardFacts } from "../../../lib/run/request_record.ts";

/** A shard of a host with another clock, with all that can be known. */
const shard = (index: number, facts: Partial<ShardFacts> = {}): ShardFacts => ({
  shard: index,
  host: `n${index}`,
  offset_ns: 7e9,
  error_ns: 2e5,
  drift_ns: -3e4,
  drift_error_ns: 4e5,
  late_ns: 0,
  lost: null,
  verdict: { verdict: "trusted", reasons: ["it kept up"] },
  ...facts,
});

Deno.test("the note on clocks says what was not measured", () => {
  const cut = { drift_ns: null, drift_error_ns: null };
  const cases: [ShardFacts[], RegExp][] = [
    [
      [shard(0), shard(1)],
      /2 hosts; their clocks are known to 0\.2 ms at worst, and moved by 30 µs at most$/,
    ],
    // Ctrl-C leaves no time to measure them again
    [[shard(0, cut), shard(1, cut)], /at worst, and how far they moved is unknown$/],
    [[shard(0), shard(1, cut)], /moved by 30 µs at most \(unknown of 1\)$/],
    [
      [shard(0), shard(1, { offset_ns: null, error_ns: null, ...cut })],
      /; the clocks of 1 were never measured$/,
    ],
    [[0, 1].map((i) => shard(i, { offset_ns: 0, error_ns: 0, ...cut })), /; they have one clock$/],
  ];
  for (const [shards, expected] of cases) assertMatch(shardNotes(shards)[0], expected);
});

Deno.test("a part of the budget that is spent while others are not is told by its shard", () => {
  const spent = { stopped: BUDGET, budget_left: { usd: 0, tokens: 3 } };
  const going = { stopped: null, budget_left: { usd: null, tokens: 1200 } };
  const note = (...shards: ShardFacts[]) => shardNotes(shards)[1];
  assertEquals(
    note(shard(0, going), shard(1, spent), shard(2, going)),
    "shard 1 stopped with its part of the budget spent: the load continued with fewer, and 2,400 tokens of " +
      "the others' parts were left",
  );
  assertMatch(
    note(
      shard(0, spent),
      shard(1, spent),
      shard(2, { ...going, budget_left: { usd: 0.5, tokens: null } }),
    ),
    /^shards 0, 1 stopped with their parts of .* and \$0\.5000 of the others' parts were left$/,
  );
  // together they spent it all
  assertEquals(note(shard(0, spent), shard(1, spent)), undefined);
});

Deno.test("a budget is divided as the load is", () => {
  const of = (settings: Partial<ShardPlan["settings"]>) =>
    [0, 1].map((index) =>
      budgetShare({ budget: { usd: 3, tokens: 3001 }, settings, count: 2 } as ShardPlan, index)
    );
  // three places: two and one
  assertEquals(of({ concurrency: 3 }), [{ usd: 2, tokens: 2000 }, { usd: 1, tokens: 1000 }]);
  // so many requests each, whatever the places
  const halves = [{ usd: 1.5, tokens: 1500 }, { usd: 1.5, tokens: 1500 }];
  assertEquals(of({ concurrency: 3, requests: 40 }), halves);
  assertEquals(of({ rate: 7 }), halves);
});

Deno.test("the whole is trusted only where every shard came to a verdict", () => {
  const whole = { verdict: "unknown", reasons: ["no calibration"] } as unknown as Verdict;
  const of = (...shards: ShardFacts[]) => {
    const { verdict, reasons } = withShards(whole, shards);
    return [verdict, ...reasons];
  };
  assertEquals(of(shard(0), shard(1))[0], "trusted");
  assertEquals(of(shard(0), shard(1, { verdict: null })), [
    "unknown",
    "shard 1 has no verdict",
  ]);
  const slow = { verdict: { verdict: "client_limited", reasons: ["it was late"] } };
  assertEquals(of(shard(0, slow), shard(1)), ["client_limited", "shard 0: it was late"]);
  assertEquals(
    of(shard(0), shard(1, { verdict: null, lost: "its node died" }))[0],
    "client_limited",
  );
});
