/** The same requests by other tools' definitions, so that figures can be compared. */
import { mean } from "../stats/quantile.ts";
import { latencies } from "./summarise.ts";
import type { RequestRecord } from "./results.ts";
import type { GapsOf } from "./summarise.ts";

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
          all.flatMap(({ record, gaps }) => [...falseGap(record), ...gaps]),
          ours.gap,
          "also the time from a role-only chunk to the first token",
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
          all.flatMap(({ record, tpot_ms }) => {
            const n = record.completion_tokens;
            return tpot_ms === null || n === null ? [] : new Array(n - 1).fill(tpot_ms);
          }),
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
          all.flatMap(({ record, gaps }) => {
            const hidden = Math.max(0, (record.completion_tokens ?? 0) - record.token_events);
            return [...gaps, ...new Array(hidden).fill(0)];
          }),
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

/** From a chunk without a token to the first token. */
function falseGap({ t_first_choice_ns, t_first_token_ns }: RequestRecord): number[] {
  if (t_first_choice_ns === null || t_first_token_ns === null) return [];
  const gap = (t_first_token_ns - t_first_choice_ns) / NS_PER_MS;
  return gap > 0 ? [gap] : [];
}

function row(
  name: string,
  theirs: readonly (number | null)[],
  ours: Brief | null,
  differs: string,
): ReportRow {
  return { name, theirs: brief(theirs), ours, differs };
}

/** Percentiles as these tools compute them: interpolated between neighbours (numpy's "linear"). */
function brief(given: readonly (number | null)[]): Brief | null {
  const values = Float64Array.from(given.filter((value): value is number => value !== null)).sort();
  if (values.length === 0) return null;
  const at = (q: number) => {
    const place = q * (values.length - 1);
    const below = Math.floor(place);
    const above = Math.min(below + 1, values.length - 1);
    return values[below] + (values[above] - values[below]) * (place - below);
  };
  return { mean: mean(values), p50: at(0.5), p99: at(0.99) };
}
