/** Reports the same requests by other tools' definitions, for comparison with their figures. */
import { latencies } from "../endpoint/latency.ts";
import type { RequestRecord } from "../run/request_record.ts";
import type { GapsOf } from "./rates.ts";

/** Tools whose definitions dyno knows. */
export const REPORT_TOOLS = ["vllm", "guidellm", "aiperf", "inference-perf"] as const;
export type ReportTool = typeof REPORT_TOOLS[number];

/** A metric by a tool's definition and by ours, milliseconds. */
export interface ReportRow {
  /** The tool's name for it. */
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
 * Returns the latencies of answered requests as a tool would have reported them.
 *
 * @param records requests of the measured window; failed ones are ignored.
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
  switch (tool) {
    case "vllm":
      return [
        ...vllmRows(all, ours, sinceVllm33, ", from 0.33", [
          "to the first chunk with text, even empty text without a role",
          "(E2EL − TTFT)/(n − 1)",
          "between all chunks with text, even empty text without a role",
          "to the last chunk with text",
        ]),
        ...vllmRows(all, ours, untilVllm32, ", up to 0.32", [
          "to the first chunk with choices, a role-only one too",
          "(E2EL − TTFT)/(n − 1): includes what comes after the last token",
          "between all chunks with choices: also from a role-only one, and to the one " +
          "that finishes",
          "to the last chunk with choices",
        ]),
      ];
    case "guidellm":
      return [
        row("time to first token", nearest(all.map(({ ttft_ms }) => ttft_ms)), ours.ttft, ""),
        row(
          "time per output token",
          weighted(all.map(({ record }) => {
            const { t_last_token_ns, completion_tokens: n } = record;
            const ms = sinceSent(record, t_last_token_ns);
            return ms === null || !n ? null : [ms / n, n];
          })),
          ours.tpot,
          "(last token − start)/n, weighted by n: includes the time to the first token",
        ),
        row(
          "inter-token latency",
          weighted(
            all.map(({ record, tpot_ms }) =>
              tpot_ms === null ? null : [tpot_ms, record.completion_tokens! - 1]
            ),
          ),
          ours.gap,
          "a request's mean, weighted by n − 1: stalls do not show",
        ),
        row("request latency", nearest(all.map(({ e2e_ms }) => e2e_ms)), ours.e2e, ""),
      ];
    case "aiperf": {
      const latency = all.map(({ record }) => sinceSent(record, record.t_last_token_ns));
      return [
        row("time to first token", all.map(({ ttft_ms }) => ttft_ms), ours.ttft, ""),
        row("inter token latency", all.map(({ tpot_ms }) => tpot_ms), ours.tpot, ""),
        row("inter chunk latency", all.flatMap(({ gaps }) => [...gaps]), ours.gap, ""),
        row("request latency", latency, ours.e2e, "to the last token, not to the end"),
      ];
    }
    case "inference-perf":
      return [
        row("time to first token", all.map(({ ttft_ms }) => ttft_ms), ours.ttft, ""),
        row(
          "time per output token",
          all.map(({ record, tpot_ms }) => {
            const n = wordTokens(record), told = record.completion_tokens;
            return tpot_ms === null || n === null || n < 2 ? null : tpot_ms * (told! - 1) / (n - 1);
          }),
          ours.tpot,
          "by the tokens of the text, without the token that ends the answer",
        ),
        row(
          "inter token latency",
          listed(
            all.flatMap(({ gaps }) => [...gaps]),
            all.reduce(
              (sum, { record }) =>
                sum + Math.max(0, (wordTokens(record) ?? 0) - record.token_events),
              0,
            ),
          ),
          ours.gap,
          "tokens that come in one event have gaps of 0",
        ),
        row("request latency", all.map(({ e2e_ms }) => e2e_ms), ours.e2e, ""),
      ];
  }
}

/** Milliseconds since the request was sent; null where unknown. */
function sinceSent({ t_sent_ns }: RequestRecord, t_ns: number | null): number | null {
  return t_sent_ns === null || t_ns === null ? null : (t_ns - t_sent_ns) / NS_PER_MS;
}

/** The chunks of an answer that a tool counts: times of the first and the last, and their number. */
interface Chunks {
  first_ns: number | null;
  last_ns: number | null;
  count: number;
}

/** vLLM's bench up to 0.32 (endpoint_request_func.py) counts all chunks with choices. */
function untilVllm32(record: RequestRecord): Chunks {
  return {
    first_ns: record.t_first_choice_ns ?? record.t_first_token_ns,
    last_ns: record.t_last_choice_ns ?? null,
    count: record.choice_events ?? 0,
  };
}

/** vLLM's bench since 0.33 counts chunks with text, and those with empty text and no role. */
function sinceVllm33(record: RequestRecord): Chunks {
  const { t_first_token_ns, t_last_token_ns, t_first_blank_ns, t_last_blank_ns } = record;
  if (t_first_token_ns === null || t_last_token_ns === null) {
    return { first_ns: null, last_ns: null, count: 0 };
  }
  return {
    first_ns: Math.min(t_first_token_ns, t_first_blank_ns ?? Infinity),
    last_ns: Math.max(t_last_token_ns, t_last_blank_ns ?? 0),
    count: record.token_events + (record.blank_events ?? 0),
  };
}

function vllmRows(
  all: readonly { record: RequestRecord; gaps: Float32Array }[],
  ours: Record<"ttft" | "tpot" | "gap" | "e2e", Brief | null>,
  chunksOf: (record: RequestRecord) => Chunks,
  version: string,
  differs: readonly string[],
): ReportRow[] {
  const seen = all.map(({ record, gaps }) => {
    const chunks = chunksOf(record);
    const n = record.completion_tokens;
    const ttft = sinceSent(record, chunks.first_ns),
      e2el = sinceSent(record, chunks.last_ns ?? record.t_end_ns);
    const tpot = n === null || n < 2 || ttft === null || e2el === null
      ? null
      : (e2el - ttft) / (n - 1);
    return { ttft, tpot, itl: chunkGaps(record, gaps, chunks), e2el };
  });
  return [
    row(`TTFT${version}`, seen.map(({ ttft }) => ttft), ours.ttft, differs[0]),
    row(`TPOT${version}`, seen.map(({ tpot }) => tpot), ours.tpot, differs[1]),
    row(`ITL${version}`, seen.flatMap(({ itl }) => itl), ours.gap, differs[2]),
    row(`E2EL${version}`, seen.map(({ e2el }) => e2el), ours.e2e, differs[3]),
  ];
}

/**
 * Gaps between chunks: the gaps between tokens, plus those from the first chunk to the first token
 * and from the last token to the last chunk. Chunks of one socket read have gaps of 0.
 */
function chunkGaps(record: RequestRecord, gaps: Float32Array, chunks: Chunks): number[] {
  const all = [...gaps];
  const add = (from_ns: number | null, to_ns: number | null) => {
    if (from_ns === null || to_ns === null || to_ns <= from_ns) return;
    all.push((to_ns - from_ns) / NS_PER_MS);
  };
  add(chunks.first_ns, record.t_first_token_ns);
  add(record.t_last_token_ns, chunks.last_ns);
  const zeros = chunks.count - 1 - all.length;
  for (let i = 0; i < zeros; i++) all.push(0);
  return all;
}

/**
 * The number of tokens that a tokenizer finds in an answer's text. A server's usage also counts the
 * token that ends the answer, which has no text and no event.
 */
function wordTokens(record: RequestRecord): number | null {
  const { completion_tokens, token_events, finish_reason } = record;
  const ended = finish_reason === "stop" && completion_tokens === token_events + 1;
  return ended ? token_events : completion_tokens;
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
 * Sorted values. Repeated values are stored once with a count: the count comes from the server's
 * number of tokens, which can be arbitrarily large.
 */
interface Ranked {
  n: number;
  sum: number;
  /** @param place from 0 to n − 1. */
  valueAt(place: number): number;
  /** Whether a percentile is always one of the values, rather than interpolated. */
  nearest?: true;
}

/** @param zeros how many zeros to put before the values, none of which is negative. */
function listed(given: readonly (number | null)[], zeros = 0): Ranked {
  const values = Float64Array.from(given.filter((value) => value !== null)).sort();
  return {
    n: zeros + values.length,
    sum: values.reduce((sum, value) => sum + value, 0),
    valueAt: (place) => place < zeros ? 0 : values[place - zeros],
  };
}

/** Values with weights; percentiles by nearest rank, as in GuideLLM. */
function weighted(given: readonly (readonly [value: number, weight: number] | null)[]): Ranked {
  const values = given.filter((pair) => pair !== null).sort(([a], [b]) => a - b);
  let n = 0;
  let sum = 0;
  const ends = values.map(([value, weight]) => {
    sum += value * weight;
    return n += weight;
  });
  const valueAt = (place: number) => values[ends.findIndex((end) => end > place)][0];
  return { n, sum, valueAt, nearest: true };
}

/** Values that count once each; percentiles by nearest rank. */
function nearest(given: readonly (number | null)[]): Ranked {
  return { ...listed(given), nearest: true };
}

function brief(given: readonly (number | null)[]): Brief | null {
  return briefOf(listed(given));
}

/**
 * Computes percentiles as the tool does: interpolated between neighbours (numpy's "linear") or by
 * nearest rank.
 */
function briefOf({ n, sum, valueAt, nearest }: Ranked): Brief | null {
  if (n === 0) return null;
  const at = (q: number) => {
    if (nearest) return valueAt(Math.max(0, Math.ceil(q * n) - 1));
    const place = q * (n - 1);
    const below = Math.floor(place);
    const low = valueAt(below);
    return low + (valueAt(Math.min(below + 1, n - 1)) - low) * (place - below);
  };
  return { mean: sum / n, p50: at(0.5), p99: at(0.99) };
}
