/** The same requests by other tools' definitions, so that figures can be compared. */
import { latencies } from "../endpoint/latency.ts";
import type { RequestRecord } from "../run/request_record.ts";
import type { GapsOf } from "./rates.ts";

/** The tools whose definitions are known. */
export const REPORT_TOOLS = ["vllm", "guidellm", "aiperf", "inference-perf"] as const;
export type ReportTool = typeof REPORT_TOOLS[number];

/** One metric by a tool's definition beside ours; milliseconds. */
export interface ReportRow {
  /** The tool's name of it. */
  name: string;
  theirs: Brief | null;
  ours: Brief | null;
  /** How the tool's definition differs; "" where it does not. */
  differs: string;
}

export interface Brief {
  mean: number;
  p50: number;
  p99: number;
}

const NS_PER_MS = 1e6;

/**
 * The latencies of answered requests as a tool would have reported them.
 *
 * @param records of the measured window; those that failed are left out.
 */
export function reportAs(
  tool: ReportTool,
  records: readonly RequestRecord[],
  gapsOf: GapsOf,
): ReportRow[] {
  const answered = records.filter(({ failure, warmup }) => failure === null && !warmup);
  const all = answered.map((record) => ({ record, ...latencies(record), gaps: gapsOf(record) }));
  const ours = {
    ttft: brief(all.map(({ ttft_ms }) => ttft_ms)),
    tpot: brief(all.map(({ tpot_ms }) => tpot_ms)),
    gap: brief(all.flatMap(({ gaps }) => [...gaps])),
    e2e: brief(all.map(({ e2e_ms }) => e2e_ms)),
  };
  const perToken = (of: (one: typeof all[number], n: number) => number | null) =>
    all.map((one) => {
      const n = one.record.completion_tokens;
      return n === null || n < 2 ? null : of(one, n);
    });
  switch (tool) {
    case "vllm": {
      const ttfts = all.map(({ record, ttft_ms }) => firstChunk(record) ?? ttft_ms);
      return [
        row("TTFT", ttfts, ours.ttft, "to the first chunk with choices, a role-only one too"),
        row(
          "TPOT",
          all.map(({ record, e2e_ms }, i) => {
            const n = record.completion_tokens;
            return n === null || n < 2 || ttfts[i] === null
              ? null
              : (e2e_ms! - ttfts[i]!) / (n - 1);
          }),
          ours.tpot,
          "(e2e − TTFT)/(n − 1): holds what comes after the last token",
        ),
        row(
          "ITL",
          all.flatMap(({ record, gaps }) => chunkGaps(record, gaps)),
          ours.gap,
          "between all chunks with choices: also from a role-only one, and to the one that finishes",
        ),
        row("E2EL", all.map(({ e2e_ms }) => e2e_ms), ours.e2e, ""),
      ];
    }
    case "guidellm":
      return [
        row("time to first token", all.map(({ ttft_ms }) => ttft_ms), ours.ttft, ""),
        row(
          "time per output token",
          all.map(({ record }) => {
            const { t_last_token_ns, t_sent_ns, completion_tokens: n } = record;
            return t_last_token_ns === null || !n
              ? null
              : (t_last_token_ns - t_sent_ns!) / NS_PER_MS / n;
          }),
          ours.tpot,
          "(last token − start)/n: holds the time to the first token",
        ),
        row(
          "inter-token latency",
          weighted(
            all.flatMap(({ record, tpot_ms }) =>
              tpot_ms === null ? [] : [[tpot_ms, record.completion_tokens! - 1]]
            ),
          ),
          ours.gap,
          "a request's mean, weighted by n − 1: stalls do not show",
        ),
        row("request latency", all.map(({ e2e_ms }) => e2e_ms), ours.e2e, ""),
      ];
    case "aiperf":
      return [
        row("time to first token", all.map(({ ttft_ms }) => ttft_ms), ours.ttft, ""),
        row(
          "inter token latency",
          perToken(({ e2e_ms, ttft_ms }, n) =>
            ttft_ms === null ? null : (e2e_ms! - ttft_ms) / (n - 1)
          ),
          ours.tpot,
          "a request's (e2e − TTFT)/(n − 1), beside our tpot",
        ),
        row("inter chunk latency", all.flatMap(({ gaps }) => [...gaps]), ours.gap, ""),
        row("request latency", all.map(({ e2e_ms }) => e2e_ms), ours.e2e, ""),
      ];
    case "inference-perf":
      return [
        row("time to first token", all.map(({ ttft_ms }) => ttft_ms), ours.ttft, ""),
        row("time per output token", all.map(({ tpot_ms }) => tpot_ms), ours.tpot, ""),
        row(
          "inter token latency",
          listed(
            all.flatMap(({ gaps }) => [...gaps]),
            all.reduce((sum, { record }) => sum + hiddenTokens(record), 0),
          ),
          ours.gap,
          "tokens that come in one event have gaps of 0",
        ),
        row("request latency", all.map(({ e2e_ms }) => e2e_ms), ours.e2e, ""),
      ];
  }
}

function firstChunk({ t_first_choice_ns, t_sent_ns }: RequestRecord): number | null {
  if (t_first_choice_ns === null || t_sent_ns === null) return null;
  return (t_first_choice_ns - t_sent_ns) / NS_PER_MS;
}

/**
 * Gaps between all chunks with choices, as vLLM's bench takes them (endpoint_request_func.py): beside those
 * between tokens from a role-only chunk to the first token, and from the last token to the chunk that finishes
 * the answer. Chunks of one read of the socket have gaps of 0.
 */
function chunkGaps(record: RequestRecord, gaps: Float32Array): number[] {
  const { t_first_choice_ns, t_first_token_ns, t_last_token_ns, t_last_choice_ns } = record;
  const all = [...gaps];
  const add = (from_ns: number | null | undefined, to_ns: number | null | undefined) => {
    if (from_ns == null || to_ns == null || to_ns <= from_ns) return;
    all.push((to_ns - from_ns) / NS_PER_MS);
  };
  add(t_first_choice_ns, t_first_token_ns);
  add(t_last_token_ns, t_last_choice_ns);
  const zeros = (record.choice_events ?? 0) - 1 - all.length;
  for (let i = 0; i < zeros; i++) all.push(0);
  return all;
}

/** Tokens that came in an event with others, beyond the one that is counted for it. */
function hiddenTokens({ completion_tokens, token_events }: RequestRecord): number {
  return Math.max(0, (completion_tokens ?? 0) - token_events);
}

function row(
  name: string,
  theirs: readonly (number | null)[] | Ranked,
  ours: Brief | null,
  differs: string,
): ReportRow {
  return { name, theirs: briefOf("valueAt" in theirs ? theirs : listed(theirs)), ours, differs };
}

/**
 * Values in their order. A server says how many tokens there were, and may say any number: what counts
 * so often is not repeated so often.
 */
interface Ranked {
  n: number;
  sum: number;
  /** @param place from 0 to n − 1. */
  valueAt(place: number): number;
}

/** @param zeros so many zeros are put before the values, none of which is below 0. */
function listed(given: readonly (number | null)[], zeros = 0): Ranked {
  const values = Float64Array.from(given.filter((value) => value !== null)).sort();
  return {
    n: zeros + values.length,
    sum: values.reduce((sum, value) => sum + value, 0),
    valueAt: (place) => place < zeros ? 0 : values[place - zeros],
  };
}

/** Values with how often each of them counts. */
function weighted(given: readonly (readonly [value: number, weight: number])[]): Ranked {
  const values = [...given].sort(([a], [b]) => a - b);
  let n = 0;
  let sum = 0;
  const ends = values.map(([value, weight]) => {
    sum += value * weight;
    return n += weight;
  });
  return { n, sum, valueAt: (place) => values[ends.findIndex((end) => end > place)][0] };
}

function brief(given: readonly (number | null)[]): Brief | null {
  return briefOf(listed(given));
}

/** Percentiles as these tools compute them: interpolated between neighbours (numpy's "linear"). */
function briefOf({ n, sum, valueAt }: Ranked): Brief | null {
  if (n === 0) return null;
  const at = (q: number) => {
    const place = q * (n - 1);
    const below = Math.floor(place);
    const low = valueAt(below);
    return low + (valueAt(Math.min(below + 1, n - 1)) - low) * (place - below);
  };
  return { mean: sum / n, p50: at(0.5), p99: at(0.99) };
}
