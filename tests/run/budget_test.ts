/** Budgets and costs of single requests. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { CancelledError } from "../../lib/execute/scope.ts";
import { Budget, BudgetSpentError } from "../../lib/run/budget.ts";
import { PriceTable } from "../../lib/run/prices.ts";
import { countsOfUsage } from "../../lib/run/ledger_entry.ts";
import { RequestCost } from "../../lib/run/request_cost.ts";
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
