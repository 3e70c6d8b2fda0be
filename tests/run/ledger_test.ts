/** The ledger: what a request costs, sums with unknown parts, and journals that had no ledger. */
import { assertEquals } from "@std/assert";
import { Ledger } from "../../lib/run/ledger.ts";
import { totalOfEntries } from "../../lib/run/ledger_totals.ts";
import { countsOfUsage, entryOf, tokensTaken } from "../../lib/run/ledger_entry.ts";
import type { PriceRow } from "../../lib/run/ledger_entry.ts";
import type { RunEvent } from "../../lib/run/events.ts";

/** As OpenAI and Anthropic list them: a read from the cache at a tenth, a write at five quarters. */
const PRICE: PriceRow = {
  model: "m",
  input: 3,
  output: 15,
  cache_read: 0.3,
  cache_write: 3.75,
  date: "2026-01-01",
};
const usage = (prompt: number | null, completion: number | null, details = {}) =>
  countsOfUsage({ prompt_tokens: prompt, completion_tokens: completion }, details);

Deno.test("cached and written tokens cost what the table says of them", () => {
  const cost = (details: object, price: PriceRow | null = PRICE) =>
    entryOf("test", null, usage(1000, 100, details), price).cost_usd;
  assertEquals(cost({}), 0.0045); // 1000 · 3 + 100 · 15
  assertEquals(cost({ cached_tokens: 800 }), 0.00234); // 200 · 3 + 800 · 0.3 + 1500
  assertEquals(cost({ cache_written_tokens: 800 }), 0.0051); // 200 · 3 + 800 · 3.75 + 1500
  assertEquals(cost({ cached_tokens: 400, cache_written_tokens: 400 }), 0.00372);
  const plain = { ...PRICE, cache_read: null, cache_write: undefined };
  assertEquals(cost({ cached_tokens: 800 }, plain), 0.0045);
  assertEquals(cost({}, null), null);
});

Deno.test("a refused request took nothing, a cut one what its server told, else it is unknown", () => {
  const none = usage(null, null);
  const failed = (failure: string, status: number | null = null) => ({ failure, status });
  for (const failure of ["auth", "http_4xx", "http_429", "http_5xx"]) {
    assertEquals(tokensTaken(none, failed(failure)).prompt_tokens, 0, failure);
  }
  for (
    const failure of ["connect", "timeout", "truncated", "malformed", "unfinished", "empty_reply"]
  ) {
    assertEquals(tokensTaken(none, failed(failure)).prompt_tokens, null, failure);
    assertEquals(tokensTaken(usage(7, 3), failed(failure)).prompt_tokens, 7, failure);
  }
  assertEquals(tokensTaken(none, failed("malformed", 302)).prompt_tokens, 0);
  assertEquals(tokensTaken(none, failed("http_5xx", 503)).prompt_tokens, 0);
  assertEquals(tokensTaken(none, failed("http_5xx", 200)).prompt_tokens, null); // told in a stream
  assertEquals(tokensTaken(none, failed("timeout", 504)).prompt_tokens, null);
  assertEquals(tokensTaken(none, failed("unfinished", 504)).prompt_tokens, null); // cut in its body
  assertEquals(tokensTaken(none, failed("unfinished", 503)).prompt_tokens, 0);
});

Deno.test("a total is the known sum, and how many requests are not in it", () => {
  const entries = [
    entryOf("test", "a", usage(10, 1), PRICE),
    entryOf("test", "b", usage(null, null), PRICE),
    entryOf("test", "c", usage(20, 2), PRICE),
    entryOf("test", "d", usage(5, 5), null),
  ];
  const { requests, prompt_tokens, total_cost_usd, ...rest } = totalOfEntries(entries);
  assertEquals([requests, prompt_tokens, total_cost_usd], [4, 35, 0.000135]);
  assertEquals([rest.requests_of_unknown_tokens, rest.requests_of_unknown_cost], [1, 2]);
  assertEquals(totalOfEntries([]).total_cost_usd, null);
  assertEquals(totalOfEntries(entries.slice(3)).total_cost_usd, null, "unknown, not 0");
});

Deno.test("journals of before are read: answers, the reviewer's spent, shared first answers once", () => {
  const result = (item_id: string, more = {}) => ({
    item_id,
    attempts: 1,
    error_class: null,
    token_source: "usage",
    prompt_tokens: 100,
    completion_tokens: 10,
    usage_details: null,
    cost_usd: 0.00045,
    ...more,
  });
  const attempt = (item_id: string, reused_from: string | null, more = {}) => ({
    event: "attempt_finished",
    attempt: { reused_from, result: result(item_id, more) },
  });
  const events = [
    attempt("zero", null),
    attempt("iterative", "zero"),
    attempt("iterative", null),
    attempt("failed", null, {
      error_class: "http_5xx",
      token_source: null,
      prompt_tokens: null,
      completion_tokens: null,
      cost_usd: null,
    }),
    { event: "review_finished", spent: { usd: 0.001, tokens: 50 } },
    { event: "package_finished", result: result("iterative", { coding: {} }) },
    { event: "package_finished", result: result("plain") },
  ] as unknown as RunEvent[];
  const ledger = new Ledger();
  events.forEach((event) => ledger.take(event));
  const { total, by_asker } = ledger.books();
  assertEquals([total.requests, total.prompt_tokens, total.total_cost_usd], [5, 300, 0.00235]);
  assertEquals(by_asker.reviewer?.total_cost_usd, 0.001);
  assertEquals(ledger.item("iterative").total_cost_usd, 0.00045);
});

Deno.test("a run goes on with a newer dyno: what was booked is no second time an answer", () => {
  const entry = entryOf("test", "a", usage(100, 10), PRICE);
  const retry = entryOf("retry", "a", usage(100, 10), PRICE);
  const result = { item_id: "a", attempts: 2, error_class: null, cost_usd: 0.00045 };
  const ledger = new Ledger();
  for (
    const event of [
      { event: "request_booked", entry },
      { event: "request_booked", entry: retry },
      { event: "package_finished", result },
    ] as unknown as RunEvent[]
  ) ledger.take(event);
  assertEquals(ledger.books().total.requests, 2);
  assertEquals(ledger.item("a").total_cost_usd, 0.0009);
});

/** What a journal's kills cut off, by a count of its lines by hand. */
function cutOffIn(events: object[], isOver = true) {
  const ledger = new Ledger();
  for (const event of events as RunEvent[]) ledger.take(event);
  if (isOver) ledger.cutOff();
  const { total, cut_off } = ledger.books();
  assertEquals(total.requests_of_unknown_cost, total.requests_cut_off);
  assertEquals(total.requests_of_unknown_tokens, total.requests_cut_off);
  assertEquals([total.requests, total.total_cost_usd], [0, null]);
  return cut_off ?? [];
}

Deno.test("a suite's tests that were under way at each kill are unknown requests, at most", () => {
  const started = (item_id: string, more = {}) => ({ event: "package_started", item_id, ...more });
  const finished = (item_id: string) => ({ event: "package_finished", item_id, result: null });
  const resumed = { event: "run_resumed" }, over = { event: "run_finished" };
  const killed = [started("a"), started("b"), finished("a")];
  assertEquals(cutOffIn(killed), [1]);
  assertEquals(cutOffIn(killed, false), [], "it may still run");
  assertEquals(cutOffIn([...killed, resumed, started("b"), started("c")]), [1, 2]);
  assertEquals(cutOffIn([...killed, resumed, started("b"), finished("b"), over]), [1]);
  assertEquals(cutOffIn([...killed, { event: "run_interrupted" }, resumed]), []);
  assertEquals(cutOffIn([started("a", { requests_at_once: 3 }), started("b")]), [4]); // three judges
  const asks = { event: "package_asks", item_id: "a", requests_at_once: 5 };
  assertEquals(cutOffIn([started("a"), asks, started("b")]), [6]);
  const ledger = new Ledger();
  for (const event of [...killed, resumed] as unknown as RunEvent[]) ledger.take(event);
  assertEquals(ledger.item("b").requests_of_unknown_cost, 1);
  assertEquals(ledger.item("a").requests_of_unknown_cost, 0);
});

Deno.test("a load's requests that may have been begun and have no record are unknown, at most", () => {
  const begun = (most: number, more = {}) => ({ event: "requests_begun", most, ...more });
  const record = { warmup: false, failure: "unsent", status: 0, t_sent_ns: null };
  const ended = { event: "request_finished", result: record };
  const probed = { event: "probe_finished", result: record };
  const told = { event: "load_progress", in_flight: 2 };
  assertEquals(cutOffIn([begun(1), begun(3), ended]), [2]);
  assertEquals(cutOffIn([begun(3), told, ended, ended, ended]), []);
  assertEquals(cutOffIn([begun(3), begun(2, { probes: true }), ended, probed]), [3]);
  assertEquals(cutOffIn([begun(3), ended, { event: "load_measured" }]), []);
  assertEquals(cutOffIn([begun(3), ended, { event: "load_finished" }], false), [2]);
  assertEquals(cutOffIn([ended, told]), [2], "an older journal tells how many were in flight");
  const shard = { event: "shard_gathered", shard: { requests_cut_off: 4 } };
  assertEquals(cutOffIn([shard, { event: "load_measured" }], false), [4]);
});
