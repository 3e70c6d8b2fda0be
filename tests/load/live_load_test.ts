/** Live figures against what the same records give by brute force. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { LiveLoad, MINUTE_S } from "../../lib/load/live_load.ts";
import { LoadWatch } from "../../lib/load/load_watch.ts";
import { nowNs } from "../../lib/native/clock.ts";
import { record as answered } from "./fixture.ts";
import { LogHistogram } from "../../lib/stats/histogram.ts";
import type { LiveFigures, LiveReadings } from "../../lib/load/live_load.ts";
import type { RequestRecord } from "../../lib/run/request_record.ts";

const NO_GAPS = new Float32Array(0);

/** A request with this ttft that ended so many seconds ago. */
function record(ttft_ms: number, ago_s: number, more: Partial<RequestRecord> = {}): RequestRecord {
  const e2e_ms = ttft_ms + 1;
  const at_ms = nowNs() / 1e6 - 1000 * ago_s - e2e_ms;
  return answered({
    ...{ at_ms, ttft_ms, e2e_ms },
    ...{ prompt_tokens: 1, completion_tokens: 2, token_events: 2, lag_max_ns: null, gaps: 1 },
    ...more,
  });
}

function readings(events: number, lag_ms: number | null = 0.05): LiveReadings {
  return {
    progress: {
      ...{ stage: 0, sent: 4, in_flight: 3, ended: 4, failed: 0, events },
      ...{ requests_per_s: 2, left_s: 5 },
    },
    client: {
      transport: "wire",
      read_lag_p99_ms: lag_ms,
      read_lag_max_ms: lag_ms,
      cpu_cores: 0.1,
      thread_cpu_cores: 0.1,
      cores: 2,
      ring_use: 0,
      blocked_ms: 0,
      stalled_ms: 0,
      events_per_s: 100,
      scheduling: null,
    },
    server: null,
    host: null,
  };
}

/** By nearest rank, on a sorted copy. */
function ranked(values: readonly number[], q: number): number {
  return values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(q * values.length) - 1)];
}

Deno.test("live quantiles are the nearest ranks of all values, to 0.1 % and 1 µs", () => {
  const live = new LiveLoad(1);
  const ttfts: number[] = [], gaps: number[] = [];
  let state = 12345; // a linear congruential generator: the same values each time
  const random = () => (state = (state * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
  for (let i = 0; i < 3000; i++) {
    const ttft_ms = 0.05 + 4000 * random() ** 4;
    const own = Float32Array.from({ length: 5 }, () => 20 * random() ** 2);
    ttfts.push(ttft_ms);
    gaps.push(...own);
    live.took(record(ttft_ms, 0), own);
  }
  const { ttft, gap } = live.figures(readings(0));
  for (const [found, values] of [[ttft!, ttfts], [gap!, gaps]] as const) {
    for (const [q, ms] of [[0.5, found.p50_ms], [0.9, found.p90_ms], [0.99, found.p99_ms]]) {
      const exact = ranked(values, q);
      assertAlmostEquals(ms, exact, exact * 0.001 + 0.001, `${q}`);
    }
  }
});

Deno.test("of a flood of gaps a sample is taken, whose quantiles are near", () => {
  const live = new LiveLoad(1);
  // 300 answers at one moment, 600,000 gaps: 0.001 to 2 s in even steps, in a scattered order
  const gaps = Float32Array.from({ length: 2000 }, (_, i) => i * 1409 % 2000 + 1);
  for (let i = 0; i < 300; i++) live.took(record(1, 0), gaps);
  const { gap } = live.figures(readings(0));
  assertAlmostEquals(gap!.p50_ms, 1000, 60);
  assertAlmostEquals(gap!.p90_ms, 1800, 60);
});

Deno.test("the last minute has the mean of each second, null for one without any, and no older", () => {
  const live = new LiveLoad(1);
  const at = (ago_s: number, ...ttfts: number[]) =>
    ttfts.forEach((ttft) => live.took(record(ttft, ago_s), NO_GAPS));
  at(70, 1000);
  at(30, 10, 20);
  at(5, 7);
  const { ttft, gap } = live.figures(readings(0));
  assertEquals(ttft!.by_second_ms.length, MINUTE_S);
  const known = ttft!.by_second_ms.filter((mean) => mean !== null);
  assertEquals(known.map((mean) => Math.round(mean)), [15, 7]);
  // 30 and 5 seconds ago, but for one second where the clock went on to the next
  const places = ttft!.by_second_ms.flatMap((mean, i) => mean === null ? [] : [MINUTE_S - 1 - i]);
  assertEquals(places[0] - places[1], 25);
  assert(places[1] === 5 || places[1] === 6, `${places}`);
  assertEquals(gap, null);
});

Deno.test("what was warm-up is in no figure once the warm-up is over", () => {
  const live = new LiveLoad(2);
  live.took(record(900, 1, { warmup: true, failure: "timeout" }), NO_GAPS);
  assertEquals(live.figures(readings(0)).errors, [["timeout", 1]]);
  live.took(record(10, 0), NO_GAPS);
  const { ttft, errors, verdict, stages } = live.figures(readings(0));
  assertEquals([Math.round(ttft!.p99_ms), errors, verdict.requests, stages], [10, [], 1, 2]);
});

Deno.test("failures are counted by class; what the end cut off is none", () => {
  const live = new LiveLoad(1);
  for (
    const failure of [
      "timeout",
      "http_5xx",
      "timeout",
      "unfinished",
      "unsent",
      "cancelled",
    ] as const
  ) {
    live.took(record(1, 0, { failure }), NO_GAPS);
  }
  assertEquals(live.figures(readings(0)).errors, [["timeout", 2], ["http_5xx", 1]]);
});

Deno.test("the verdict so far is that of the client as it is now", () => {
  const live = new LiveLoad(1);
  live.took(record(10, 0), Float32Array.of(20));
  assertEquals(live.figures(readings(100)).verdict.verdict, "trusted");
  const { verdict, reasons } = live.figures(readings(100, 3)).verdict; // more than 5 % of 10 ms
  assertEquals(verdict, "client_limited");
  assert(reasons[0].startsWith("reads lag: 3.00 ms"), reasons[0]);
});

Deno.test("the last look says nothing of a server that told of a time before the end", () => {
  let look: (() => LiveFigures) | null = null;
  const ring = { cpu_ns: 0, blocked_ns: 0, ring_use: 0, scheduling: null };
  const reading = { running: 8 };
  const watched = {
    drive: { progress: () => readings(0).progress, inFlight: () => 0, lags: new LogHistogram() },
    ...{ stages: [], transport: { name: "wire", status: () => ring }, sampler: null },
    journal: { append: () => {} },
    metrics: { take: () => [], latest: { name: "vllm", reading } },
    onProgress: () => {},
    onLive: (given: () => LiveFigures) => look = given,
  };
  using watch = new LoadWatch(
    watched as unknown as ConstructorParameters<typeof LoadWatch>[0],
  );
  watch.start();
  assertEquals(look!().server?.reading.running, 8);
  watch.stop();
  assertEquals([look!().server, look!().in_flight], [null, 0]);
});
