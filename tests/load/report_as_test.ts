/**
 * --report-as beside what the tools themselves reported. They ran on 2026-11-30 on a server with these
 * times (ms): a role-only chunk at 200, the first word at 300, then one in 20, a chunk that finishes the
 * answer 60 after the last, usage 60 later, the end 60 later; usage counts the token that ends the answer,
 * and 80 answers had 12, 16 … 48 tokens. Their means, and GuideLLM's medians, are written down here.
 */
import { assert } from "@std/assert";
import { reportAs, type ReportTool } from "../../lib/load/report_as.ts";
import { record } from "./fixture.ts";
import type { RequestRecord } from "../../lib/run/request_record.ts";

/** What the tools' own clients added, which shared two busy cores. */
const WITHIN = 0.025;

/** @param blank the chunk that finishes has an empty text, as vLLM writes it; else none at all. */
function served(blank: boolean): RequestRecord[] {
  return Array.from({ length: 80 }, (_, i) => {
    const words = 11 + 4 * (i % 10);
    const last_ms = 300 + 20 * (words - 1);
    return {
      ...record({ at_ms: 0, ttft_ms: 300, e2e_ms: last_ms + 180 }),
      t_first_choice_ns: 200e6,
      t_last_token_ns: last_ms * 1e6,
      t_last_choice_ns: (last_ms + 60) * 1e6,
      choice_events: words + 2,
      ...(blank
        ? {
          t_first_blank_ns: (last_ms + 60) * 1e6,
          t_last_blank_ns: (last_ms + 60) * 1e6,
          blank_events: 1,
        }
        : {}),
      completion_tokens: words + 1,
      token_events: words,
      finish_reason: "stop",
      gaps: words - 1,
    };
  });
}

const evenly = ({ gaps }: RequestRecord) => new Float32Array(gaps).fill(20);

function check(tool: ReportTool, blank: boolean, told: Record<string, number>, p50?: true): void {
  const rows = reportAs(tool, served(blank), evenly);
  for (const [name, ms] of Object.entries(told)) {
    const ours = rows.find((row) => row.name === name)!.theirs![p50 ? "p50" : "mean"];
    assert(Math.abs(ours / ms - 1) < WITHIN, `${tool}, ${name}: ${ours}, the tool said ${ms}`);
  }
}

Deno.test("as vLLM's bench 0.33.0 reported", () => {
  const told = { TTFT: 303.59, TPOT: 19.16, ITL: 19.97, E2EL: 862.78 };
  const blank = { TTFT: 306.51, TPOT: 21.59, ITL: 21.32, E2EL: 928.99 };
  const since33 = (figures: Record<string, number>) =>
    Object.fromEntries(
      Object.entries(figures).map(([name, ms]) => [`${name}, from 0.33`, ms]),
    );
  check("vllm", false, since33(told));
  check("vllm", true, since33(blank));
});

Deno.test("as GuideLLM 0.8.1 reported: weighted by tokens, medians by nearest rank", () => {
  check("guidellm", false, {
    "time to first token": 304.9,
    "time per output token": 28.82,
    "inter-token latency": 19.3,
    "request latency": 1045.22,
  });
  check("guidellm", false, {
    "time to first token": 301.62,
    "time per output token": 27.28,
    "inter-token latency": 19.4,
    "request latency": 1007.24,
  }, true);
});

Deno.test("as AIPerf 0.13.0 reported: a request ends with its last text", () => {
  check("aiperf", true, {
    "inter token latency": 19.09,
    "inter chunk latency": 19.93,
    "request latency": 865.83,
  });
});

Deno.test("as inference-perf 0.7.0 reported: the token that ends the answer is no text", () => {
  check("inference-perf", false, {
    "time to first token": 302.71,
    "time per output token": 20.02,
    "inter token latency": 20.02,
    "request latency": 1043.73,
  });
});
