/** Loads of several processes, recomputed by brute force from what each of them journaled. */
import { join } from "node:path";
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { eventsOf, runsIn } from "../../chaos/victims.ts";
import { jsonIn } from "../../suite/fixture.ts";
import type { LoadResults, ShardResults } from "../../../lib/load/results.ts";
import type { MockEndpoint } from "../../../lib/mock/server.ts";
import type { RequestRecord } from "../../../lib/run/request_record.ts";

/** The only run in a folder. */
export const runIn = (folder: string) => join(folder, runsIn(folder)[0]);

/** Requests of loads that a server received; what is asked before them has no number. */
export const sentTo = ({ requests }: MockEndpoint) =>
  requests.filter(({ headers }) => headers["x-request-id"] !== undefined);

/** What a shard's own journal has, with the number of the shard. */
export interface ShardJournal {
  shard: number;
  records: RequestRecord[];
  stages: { start_ns: number; end_ns: number }[];
}

/** The journals of a run's shards, read line by line. */
export function shardJournals(run: string, count: number): ShardJournal[] {
  return Array.from({ length: count }, (_, shard) => {
    const events = eventsOf(join(run, "shards", `shard-${shard}`, "events.jsonl"));
    return {
      shard,
      records: events.filter(({ event }) => event === "request_finished").map(({ result }) =>
        result
      ),
      stages: events.filter(({ event }) => event === "stage_finished"),
    };
  });
}

/** By nearest rank: the smallest value with at least q of all at or below it. */
function nearestRank(values: number[], q: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(q * values.length) - 1];
}

/** That the run's journal and figures are those of all records of its shards, each counted once. */
export function assertMerged(run: string, journals: readonly ShardJournal[]): LoadResults {
  const results: LoadResults = jsonIn(join(run, "results.json"));
  const merged: RequestRecord[] = eventsOf(join(run, "events.jsonl"))
    .filter(({ event }) => event === "request_finished").map(({ result }) => result);
  const key = ({ request_id }: RequestRecord) => request_id!;
  const all = journals.flatMap(({ records }) => records);
  assertEquals(merged.map(key).sort(), all.map(key).sort());
  assertEquals(new Set(merged.map(({ request }) => request)).size, all.length);
  const answered = all.filter(({ failure, warmup }) => failure === null && !warmup);
  const ttfts = answered.map((record) => (record.t_first_token_ns! - record.t_sent_ns!) / 1e6);
  const found = results.total.metrics.ttft_ms!;
  assertEquals(found.n, answered.length);
  for (const [q, value] of [[0.5, found.p50], [0.9, found.p90], [0.99, found.p99]] as const) {
    assertAlmostEquals(value, nearestRank(ttfts, q), 1e-6); // offsets of clocks cost some digits
  }
  assertAlmostEquals(found.mean, ttfts.reduce((sum, each) => sum + each, 0) / ttfts.length, 1e-6);
  assertEquals(
    results.shards!.map(({ requests }) => requests.successful),
    journals.map((own) =>
      own.records.filter(({ failure, warmup }) => failure === null && !warmup).length
    ),
  );
  const rates = results.shards!.reduce((sum, { requests_per_s }) => sum + requests_per_s!, 0);
  // what was cut off counts through others, by its place in the whole or in its shard
  const exact = results.total.requests.unfinished === 0 ? 1e-6 : 1e-2;
  assertAlmostEquals(rates, results.total.requests_per_s!, exact * rates);
  return results;
}

/** That records lie where the shard's clock, moved by its offset, has them. */
export function assertOnOneClock(
  run: string,
  journals: readonly ShardJournal[],
  shards: readonly ShardResults[],
): void {
  const merged: RequestRecord[] = eventsOf(join(run, "events.jsonl"))
    .filter(({ event }) => event === "request_finished").map(({ result }) => result);
  const places = new Map(merged.map((record) => [record.request_id, record]));
  for (const { shard, records } of journals) {
    const offset_ns = shards[shard].clock!.offset_ms * 1e6;
    for (const record of records) {
      const moved = places.get(record.request_id)!;
      assertEquals(moved.shard, shard);
      assert(Math.abs(moved.t_end_ns - record.t_end_ns - offset_ns) < 100);
      assert(Math.abs(moved.t_intended_ns - record.t_intended_ns - offset_ns) < 100);
    }
  }
}
