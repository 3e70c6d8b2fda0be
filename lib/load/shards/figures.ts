/** Results of each shard of a load: figures, clocks, and what is missing. */
import { counted } from "../../text/grouped.ts";
import { dollars } from "../../text/dollars.ts";
import { BUDGET } from "../drive_options.ts";
import type { ShardFacts } from "../../run/request_record.ts";
import type { ShardResults, StageResults } from "../results.ts";
import type { Verdict } from "../verdict.ts";

const NS_PER_MS = 1e6;
/** A later start than this is noted. */
const MOST_LATE_NS = 5e6;

/** Returns the name of a shard. */
export function shardName({ shard }: Pick<ShardFacts, "shard">): string {
  return `shard ${shard}`;
}

/** Returns the name of several shards: `shards 0, 2`. */
export function shardsText(shards: readonly Pick<ShardFacts, "shard">[]): string {
  if (shards.length === 1) return shardName(shards[0]);
  return `shards ${shards.map(({ shard }) => shard).join(", ")}`;
}

/** Returns the results of shards, in the same order. */
export function shardResults(
  shards: readonly ShardFacts[],
  figures: readonly StageResults[],
): ShardResults[] {
  const ms = (ns: number | null) => ns === null ? null : ns / NS_PER_MS;
  return shards.map((facts, i) => ({
    ...figures[i],
    host: facts.host,
    clock: facts.offset_ns === null || facts.error_ns === null ? null : {
      offset_ms: facts.offset_ns / NS_PER_MS,
      error_ms: facts.error_ns / NS_PER_MS,
      drift_ms: ms(facts.drift_ns),
      drift_error_ms: ms(facts.drift_error_ns),
    },
    late_ms: ms(facts.late_ns),
    lost: facts.lost,
    trust: facts.verdict,
  }));
}

/** Notes on shards for the reader of the results, one sentence each. */
export function shardNotes(shards: readonly ShardFacts[]): string[] {
  if (shards.length === 0) return [];
  const hosts = new Set(shards.flatMap(({ host }) => host ?? []));
  return [
    ...shards.flatMap((facts) => facts.lost === null ? [] : [lostText(facts)]),
    `sent by ${shards.length} shards on ${hosts.size === 1 ? "one host" : `${hosts.size} hosts`}; ${
      clocksText(shards)
    }`,
    ...shards.flatMap((facts) =>
      (facts.late_ns ?? 0) > MOST_LATE_NS
        ? [`${shardName(facts)} began ${msText(facts.late_ns!)} after the common start`]
        : []
    ),
    ...budgetNote(shards),
  ];
}

/** Notes that some shards spent their part of the budget while others have some left. */
function budgetNote(shards: readonly ShardFacts[]): string[] {
  const spent = shards.filter(({ stopped }) => stopped === BUDGET);
  const others = shards.filter(({ stopped }) => stopped !== BUDGET);
  const sum = (of: "usd" | "tokens") =>
    others.reduce((sum, { budget_left }) => sum + (budget_left?.[of] ?? 0), 0);
  const left = [
    sum("usd") > 0 ? dollars(sum("usd")) : "",
    sum("tokens") > 0 ? counted(sum("tokens"), "token") : "",
  ].filter(Boolean);
  if (spent.length === 0 || left.length === 0) return [];
  return [
    `${shardsText(spent)} stopped with ${
      spent.length > 1 ? "their parts" : "its part"
    } of the budget ` +
    `spent: the load continued with fewer, and ${
      left.join(" and ")
    } of the others' parts were left`,
  ];
}

/** Says how precisely the clocks are known, and which were not measured. */
function clocksText(shards: readonly ShardFacts[]): string {
  const bounds = shards.flatMap(({ error_ns }) => error_ns ?? []);
  if (bounds.length < shards.length) {
    return `the clocks of ${shards.length - bounds.length} were never measured`;
  }
  const bound = Math.max(...bounds);
  if (bound === 0) return "they have one clock";
  const drifts = shards.flatMap(({ drift_ns }) => drift_ns ?? []).map(Math.abs);
  const unknown = shards.length - drifts.length;
  const moved = drifts.length > 0
    ? `moved by ${msText(Math.max(...drifts))} at most`
    : "how far they moved is unknown";
  return `their clocks are known to ${msText(bound)} at worst, and ${moved}` +
    (drifts.length > 0 && unknown > 0 ? ` (unknown of ${unknown})` : "");
}

/**
 * Returns the verdict on the whole load: no better than that on any shard, and not trusted if a
 * shard is missing.
 */
export function withShards(whole: Verdict, shards: readonly ShardFacts[]): Verdict {
  const of = (word: string) =>
    shards.flatMap((facts) =>
      facts.verdict?.verdict === word
        ? facts.verdict.reasons.map((reason) => `${shardName(facts)}: ${reason}`)
        : []
    );
  const lost = shards.filter(({ lost }) => lost !== null).map(lostText);
  const limits = [
    ...lost,
    ...(whole.verdict === "client_limited" ? whole.reasons : []),
    ...of("client_limited"),
  ];
  if (limits.length > 0) return { ...whole, verdict: "client_limited", reasons: limits };
  if (whole.verdict === "cached") return whole;
  const unknown = shards.flatMap((facts) =>
    facts.verdict === null ? [`${shardName(facts)} has no verdict`] : []
  ).concat(of("unknown"));
  if (unknown.length > 0) return { ...whole, verdict: "unknown", reasons: unknown };
  if (whole.verdict === "trusted") return whole;
  return { ...whole, verdict: "trusted", reasons: of("trusted") }; // each relies on its host's calibration
}

function lostText(facts: ShardFacts): string {
  const where = facts.host === null ? "" : ` on ${facts.host}`;
  return `${
    shardName(facts)
  }${where} was lost: ${facts.lost}: the total lacks what it did not report`;
}

function msText(ns: number): string {
  const ms = ns / NS_PER_MS;
  return ms < 0.0995
    ? `${(ms * 1000).toFixed(ms < 0.00995 ? 1 : 0)} µs`
    : `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
}
