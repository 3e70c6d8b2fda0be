/** Budgets and costs of single requests. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { CancelledError } from "../../lib/execute/scope.ts";
import { Budget, BudgetSpentError } from "../../lib/run/budget.ts";
import { builtinPrices, PriceTable } from "../../lib/run/prices.ts";
import { countsOfUsage } from "../../lib/run/ledger_entry.ts";
import { RequestCost } from "../../lib/run/request_cost.ts";
import type { UsageDetails } from "../../lib/endpoint/usage.ts";
import type { Spent } from "../../lib/run/budget.ts";

const never = new AbortController().signal;
const tokens = (count: number): Spent => ({ usd: null, tokens: count });

Deno.test("a budget counts what is under way as all that it may take", () => {
  const warnings: string[] = [];
  const budget = new Budget({ usd: null, tokens: 100 }, (line) => warnings.push(line));
  const first = budget.take(() => tokens(60))!;
  assertEquals(budget.take(() => tokens(60)), null);
  assertEquals(budget.ended, false);
  first.settle(tokens(30));
  const second = budget.take(() => tokens(60))!;
  assertEquals(warnings, []);
  second.settle({ usd: null, tokens: null });
  assertEquals(budget.spent.tokens, 90, "what is unknown counts as what was set aside");
  assertEquals(warnings, ["budget: 90 % is spent"]);
  assertEquals([budget.take(() => tokens(60)), budget.ended], [null, true]);
  assertEquals(budget.take(() => tokens(1)), null, "an end is an end");
});

Deno.test("a budget lets the first request of an unknown length go alone", async () => {
  const budget = new Budget({ usd: 1, tokens: null }, () => {});
  const first = await budget.reserve(() => null, never);
  const waiting = budget.reserve(() => ({ usd: 0.5, tokens: null }), never);
  assertEquals(budget.take(() => null), null);
  first.settle({ usd: 0.7, tokens: null });
  await assertRejects(() => waiting, BudgetSpentError);
});

Deno.test("a wait for room ends with the signal", async () => {
  const budget = new Budget({ usd: 1, tokens: null }, () => {});
  await budget.reserve(() => ({ usd: 1, tokens: null }), never);
  const stop = new AbortController();
  const waiting = budget.reserve(() => ({ usd: 1, tokens: null }), stop.signal);
  stop.abort(new CancelledError());
  await assertRejects(() => waiting, CancelledError);
});

Deno.test("without limits nothing is counted or estimated", () => {
  const budget = new Budget({ usd: null, tokens: null }, () => assert(false));
  for (let i = 0; i < 10; i++) assert(budget.take(() => assert(false) as never) !== null);
});

Deno.test("a request's cost: by its usage, or unknown and said once", () => {
  const said: string[] = [];
  const row = { input: 1, output: 10, date: "2026-01-01", source: "https://example.org" };
  const prices = new PriceTable("test", [{ model: "m", ...row }]);
  const known = new RequestCost("m", prices, (line) => said.push(line));
  const costOf = (cost: RequestCost, prompt: number | null, completion: number) => {
    const told = countsOfUsage({ prompt_tokens: prompt, completion_tokens: completion }, null);
    return cost.entry("test", null, told, null).cost_usd;
  };
  assertEquals(costOf(known, 1000, 100), 0.002);
  assertEquals(costOf(known, null, 100), null);
  assertEquals(said, []);
  const unknown = new RequestCost("other", prices, (line) => said.push(line));
  assertEquals(costOf(unknown, 1, 1), null);
  assertEquals(costOf(unknown, 1, 1), null);
  assertEquals(said, ['cost: no price for "other" in test: unknown, not 0']);
});

Deno.test("what a request may take: its limit, else the longest answer so far", () => {
  const row = { input: 1, output: 10, date: "2026-01-01", source: "https://example.org" };
  const cost = new RequestCost("m", new PriceTable("test", [{ model: "m", ...row }]), () => {});
  const open = { prompt: "x".repeat(86), stream: true };
  assertEquals(JSON.stringify(open).length, 113);
  assertEquals(cost.most(open), null);
  const limited = { ...open, max_tokens: 100, n: 2 };
  assertEquals(cost.most(limited)!.tokens, Math.ceil(JSON.stringify(limited).length / 2) + 200);
  cost.learn(open, { prompt_tokens: 113, completion_tokens: 40 });
  assertEquals(cost.most(open), { usd: (113 * 1 + 40 * 10) / 1e6, tokens: 153 });
  assertEquals(cost.most({ input: "x" })!.tokens, JSON.stringify({ input: "x" }).length);
});

Deno.test("a price with tiers: the prompt's size sets the price of the whole request", () => {
  // Claude Sonnet 4 above 200k prompt tokens: https://www.anthropic.com/news/1m-context, 2025-08-12.
  // The first two costs are worked examples published for that price (eonsr.com, 2025: $1.545 and
  // $0.629997); cache reads count towards the size and cost a tenth of input, writes 1.25 times.
  const claude = new RequestCost("claude-sonnet-4-20250514", builtinPrices(), () => {});
  // Gemini 2.5 Pro: models.dev, 2026-04-20 ($1.25, $10, cached $0.125; above 200k $2.50, $15, $0.25).
  const gemini = new RequestCost("gemini-2.5-pro", builtinPrices(), () => {});
  const costOf = (cost: RequestCost, prompt: number, answer: number, cached = 0, written = 0) => {
    const told = countsOfUsage(
      { prompt_tokens: prompt, completion_tokens: answer },
      { cached_tokens: cached, cache_written_tokens: written } as UsageDetails,
    );
    return cost.entry("test", null, told, null).cost_usd;
  };
  assertEquals(costOf(claude, 250_000, 2000), 1.545);
  assertEquals(costOf(claude, 199_999, 2000), 0.629997);
  assertEquals(costOf(claude, 200_000, 2000), 0.63);
  assertEquals(costOf(claude, 300_000, 1000, 100_000, 100_000), 1.4325);
  assertEquals(costOf(gemini, 200_000, 1000), 0.26);
  assertEquals(costOf(gemini, 400_000, 1000, 200_000), 0.565);
  // the highest tier that is exceeded counts, in whatever order they are written
  const row = { input: 1, output: 1, date: "2026-01-01", source: "https://example.org" };
  const tiers = [[100, 3], [10, 2]].map(([above_prompt_tokens, input]) => ({
    above_prompt_tokens,
    input,
    output: input,
  }));
  const three = new RequestCost(
    "m",
    new PriceTable("t", [{ model: "m", ...row, tiers }]),
    () => {},
  );
  const each = [10, 11, 100, 101].map((size) => costOf(three, size, 0)! / size * 1e6);
  assertEquals(each.map(Math.round), [1, 2, 2, 3]);
  // what a request may cost at most: at the dearest tier that its prompt may reach
  const body = { prompt: "x".repeat(30), max_tokens: 5 };
  const prompt = Math.ceil(JSON.stringify(body).length / 2);
  assertEquals(three.most(body), { usd: (prompt + 5) * 2 / 1e6, tokens: prompt + 5 });
});
