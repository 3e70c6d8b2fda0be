/** The figures of a load, from records whose truth is known. */
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { reportAs } from "../../lib/load/report_as.ts";
import { sloText } from "../../lib/load/slo.ts";
import { turnoverOf } from "../../lib/load/rates.ts";
import { summarise } from "../../lib/load/summarise.ts";
import { inFlight, windowOf } from "../../lib/load/window.ts";
import { record } from "./fixture.ts";
import type { LoadStage } from "../../lib/load/stages.ts";
import type { Slo } from "../../lib/load/slo.ts";
import type { RequestRecord } from "../../lib/run/request_record.ts";

const closed: LoadStage = {
  warmup: false,
  concurrency: 2,
  rate: null,
  times_s: null,
  duration_s: 10,
  requests: null,
};
const even = ({ gaps, t_first_token_ns, t_last_token_ns }: RequestRecord) =>
  new Float32Array(gaps).fill((t_last_token_ns! - t_first_token_ns!) / 1e6 / gaps);

function summary(
  records: RequestRecord[],
  window: { from_s: number; to_s: number },
  slos: Slo[] = [],
) {
  const [start_ns, end_ns] = [window.from_s * 1e9, window.to_s * 1e9];
  const measured = { start_ns, end_ns, counts: "turn" as const, kept: null, rule: "" };
  return summarise(records, {
    name: "test",
    window: measured,
    turnovers: [turnoverOf(records, measured, even)],
    requested_rate_per_s: null,
    slos,
    gapsOf: even,
    warmup: 0,
  });
}

Deno.test("latencies are as the dictionary has them", () => {
  const late = record({ at_ms: 1000, ttft_ms: 100, e2e_ms: 300 });
  late.t_intended_ns -= 50e6; // wanted 50 ms earlier; 40 of them it had no place, 8 it connected
  late.t_ready_ns -= 10e6;
  late.connect_ns = 8e6;
  late.t_last_token_ns = late.t_sent_ns! + 250e6;
  const { metrics } = summary([late], { from_s: 0, to_s: 10 });
  assertAlmostEquals(metrics.ttft_ms!.p50, 100);
  assertAlmostEquals(metrics.ttft_intended_ms!.p50, 150);
  assertAlmostEquals(metrics.e2e_ms!.p50, 300);
  assertAlmostEquals(metrics.e2e_intended_ms!.p50, 350);
  assertAlmostEquals(metrics.lateness_ms!.p50, 2);
  assertAlmostEquals(metrics.tpot_ms!.p50, 15); // 150 ms over 10 gaps
  assertAlmostEquals(metrics.normalized_latency_ms!.p50, 300 / 11);
  assertEquals(metrics.gap_ms!.n, 10);
});

Deno.test("an answer of one token has no tpot", () => {
  const one = record({ at_ms: 0, completion_tokens: 1, token_events: 1, gaps: 0 });
  const { metrics } = summary([one], { from_s: 0, to_s: 1 });
  assertEquals([metrics.tpot_ms, metrics.gap_ms], [null, null]);
});

Deno.test("failures by class, the unfinished and the unsent apart; warm-up is in nothing", () => {
  const records = [
    record({ at_ms: 0 }),
    record({ at_ms: 10, failure: "http_429", status: 429 }),
    record({ at_ms: 20, failure: "timeout" }),
    record({ at_ms: 30, failure: "unfinished" }),
    record({ at_ms: 40, failure: "unsent", t_sent_ns: null }),
  ];
  const result = summary(records, { from_s: 0, to_s: 1 });
  assertEquals(result.requests, {
    sent: 4,
    successful: 1,
    failed: 2,
    unfinished: 1,
    unsent: 1,
    outside: 0,
    warmup: 0,
  });
  assertEquals(result.errors, { http_429: 1, timeout: 1 });
  assertAlmostEquals(result.error_rate!, 2 / 3);
  assertEquals(result.metrics.e2e_ms!.n, 1);
});

Deno.test("goodput: requests that meet every objective, over all whose turn had come", () => {
  const slos: Slo[] = [{ metric: "ttft", limit_ms: 150 }, { metric: "e2e", limit_ms: 400 }];
  const records = Array.from(
    { length: 100 },
    (_, i) =>
      record({
        at_ms: i * 100,
        ttft_ms: i % 4 === 0 ? 200 : 100,
        e2e_ms: i % 10 === 0 ? 500 : 300,
      }),
  );
  const { goodput } = summary(records, { from_s: 0, to_s: 10 }, slos);
  assertEquals(goodput!.missed, { [sloText(slos[0])]: 25, [sloText(slos[1])]: 10 });
  assertAlmostEquals(goodput!.share!.value, 0.7);
  assertAlmostEquals(goodput!.requests_per_s!.value, 7, 0.01);
  assert(goodput!.requests_per_s!.low < 7 && goodput!.requests_per_s!.high > 7);
});

Deno.test("an objective on a time that is unknown is counted apart, and not met", () => {
  const slos: Slo[] = [
    { metric: "tpot", limit_ms: 50 },
    { metric: "gap_p99", limit_ms: 50 },
    { metric: "ttft", limit_ms: 150 },
  ];
  // twenty tokens in one event; an answer that was not streamed; one that is good
  const at_once = record({ at_ms: 0, completion_tokens: 20, token_events: 1, gaps: 0 });
  at_once.t_last_token_ns = at_once.t_first_token_ns;
  const whole = record({ at_ms: 1, token_events: 0, gaps: 0 });
  whole.t_first_token_ns = whole.t_last_token_ns = null;
  const { goodput } = summary([at_once, whole, record({ at_ms: 2 })], { from_s: 0, to_s: 1 }, slos);
  const [tpot, gap, ttft] = slos.map(sloText);
  assertEquals(goodput!.missed, { [tpot]: 0, [gap]: 0, [ttft]: 0 });
  assertEquals(goodput!.unknown, { [tpot]: 2, [gap]: 2, [ttft]: 1 });
  assertAlmostEquals(goodput!.share!.value, 1 / 3);
});

Deno.test("a failed request misses every objective", () => {
  const slos: Slo[] = [{ metric: "e2e", limit_ms: 1e6 }];
  const { goodput } = summary(
    [record({ at_ms: 0 }), record({ at_ms: 1, failure: "truncated" })],
    { from_s: 0, to_s: 1 },
    slos,
  );
  assertEquals(goodput!.share!.value, 0.5);
});

Deno.test("the window of a closed loop has neither ramp nor drain", () => {
  const records = [
    record({ at_ms: 0, e2e_ms: 1000 }),
    record({ at_ms: 500, e2e_ms: 1000 }),
    record({ at_ms: 1000, e2e_ms: 1000 }),
    record({ at_ms: 1500, e2e_ms: 2000 }),
  ];
  const window = windowOf(closed, { start_ns: 0, end_ns: 10e9 }, records);
  assertEquals([window.start_ns, window.end_ns], [500e6, 2000e6]);
  assertEquals(inFlight(records, window), { mean: 2, max: 2 });
  const never = windowOf({ ...closed, concurrency: 9 }, { start_ns: 0, end_ns: 10e9 }, records);
  assertEquals([never.start_ns, never.end_ns], [0, 3500e6]);
});

Deno.test("by other tools' definitions, from the same requests", () => {
  const one = record({ at_ms: 0, ttft_ms: 100, e2e_ms: 320 });
  one.t_first_choice_ns = 40e6; // a role-only chunk
  one.t_last_token_ns = 300e6;
  const of = (tool: Parameters<typeof reportAs>[0], name: string) =>
    reportAs(tool, [one], even).find((row) => row.name === name)!.theirs!.mean;
  assertAlmostEquals(of("vllm", "TTFT, up to 0.32"), 40);
  assertAlmostEquals(of("vllm", "TPOT, up to 0.32"), 28);
  assertAlmostEquals(of("vllm", "ITL, up to 0.32"), (60 + 200) / 11, 1e-4);
  // vLLM's bench, endpoint_request_func.py: 13 chunks with choices have 12 gaps, to the finishing one too
  Object.assign(one, { t_last_choice_ns: 310e6, choice_events: 13 });
  assertAlmostEquals(of("vllm", "ITL, up to 0.32"), (60 + 200 + 10) / 12, 1e-4);
  // in one read with the last token: a gap of 0
  one.t_last_choice_ns = 300e6;
  assertAlmostEquals(of("vllm", "ITL, up to 0.32"), (60 + 200) / 12, 1e-4);
  assertAlmostEquals(of("guidellm", "time per output token"), 300 / 11);
  assertAlmostEquals(of("guidellm", "inter-token latency"), 20);
  // request_latency_metric.py of AIPerf 0.13: to the last response with content
  assertAlmostEquals(of("aiperf", "request latency"), 300);
  assertAlmostEquals(of("aiperf", "inter token latency"), 20);
  assertAlmostEquals(of("inference-perf", "time per output token"), 20);
  const two = { ...one, token_events: 6, gaps: 5 };
  const gap = reportAs("inference-perf", [two], even).find(({ name }) =>
    name === "inter token latency"
  )!;
  assertAlmostEquals(gap.theirs!.mean, 200 / 10, 1e-4); // five gaps of 40 and five of 0
});

Deno.test("an open stage that ends by its count ends with its last request, sent or not", () => {
  const stage = {
    ...closed,
    concurrency: null,
    rate: { from_per_s: 1, to_per_s: 1 },
    duration_s: null,
  };
  const records = [record({ at_ms: 0 }), record({ at_ms: 5000, failure: "connect" })];
  records[1].t_sent_ns = null;
  records[1].t_ready_ns = 5500e6;
  const window = windowOf(stage, { start_ns: 0, end_ns: 6e9 }, records);
  assertEquals([window.start_ns, window.end_ns], [0, 5e9]);
});

Deno.test("a server may say any number of tokens", () => {
  const records = [record({ at_ms: 0, completion_tokens: 9e15 }), record({ at_ms: 300 })];
  for (const tool of ["guidellm", "inference-perf"] as const) {
    const itl = reportAs(tool, records, even).find(({ name }) => /inter.token/.test(name))!;
    assert(itl.theirs !== null && itl.theirs.p50 < 1e-6, tool);
  }
  const [first, second] = [11, 21].map((completion_tokens, i) =>
    record({ at_ms: i * 1000, completion_tokens })
  );
  const [, , itl] = reportAs("guidellm", [first, second], even);
  // ten times 10 ms, twenty times 5 ms
  assertAlmostEquals(itl.theirs!.mean, 20 / 3);
  assertEquals([itl.theirs!.p50, itl.theirs!.p99], [5, 10]);
});

Deno.test("a client that keeps the wanted number in flight for a while only leaves nothing out", () => {
  const records = Array.from({ length: 20 }, (_, i) => record({ at_ms: i * 300 }));
  records.push(record({ at_ms: 50 })); // beside the first one
  const window = windowOf(closed, { start_ns: 0, end_ns: 1e10 }, records);
  assertEquals([window.start_ns, window.end_ns], [0, 5900e6]);
  assertStringIncludes(window.rule, "seldom 2 in flight");
});
