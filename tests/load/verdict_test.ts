/** When a client may be trusted, and when a load is stopped. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { citeCalibration } from "../../lib/load/calibration_file.ts";
import { StopRule } from "../../lib/load/stop_rule.ts";
import { judge } from "../../lib/load/verdict.ts";
import type { Calibration } from "../../lib/load/calibrate.ts";
import type { ClientCost, Measured } from "../../lib/load/verdict.ts";

const client: ClientCost = {
  transport: "wire",
  read_lag_p99_ms: 0.1,
  read_lag_max_ms: 2,
  lateness_p99_ms: 0.2,
  lateness_max_ms: 1,
  sends: { count: 100, late: 0 },
  cpu_cores: 0.5,
  thread_cpu_cores: 0.2,
  cores: 2,
  ring_use: 0.1,
  blocked_ms: 0,
  stalled_ms: 0,
  events_per_s: 1000,
  scheduling: "fifo",
};
const measured: Measured = {
  ttft_p50_ms: 200,
  gap_p50_ms: 40,
  concurrency: { wanted: 8, mean: 7.9 },
  answered: 100,
  sent: null,
  refused: 0,
  cache: null,
  insecure: false,
};
const calibration: Calibration = {
  schema_version: 1,
  hostname: "h",
  cores: 2,
  measured_at: "2026-01-01T00:00:00Z",
  transport: "wire",
  scheduling: "fifo",
  ceiling_events_per_s: 50_000,
  cells: [1, 64, 512].map((streams) => ({
    streams,
    tokens_per_s: 50,
    events_per_s: streams * 50,
    events: 1000,
    lag_ms: { p50: 0.01, p99: 0.1, max: 1 },
    ttft_error_ms: { p50: 0.01, p99: 0.2, max: 1 },
    gap_error_ms: { p50: 0.01, p99: 0.3, max: 1 },
    cpu_us_per_event: 10,
    trusted: true,
  })),
};

Deno.test("a load without any answer shows nothing of its client", () => {
  const { verdict, reasons } = judge(client, { ...measured, answered: 0 }, null);
  assertEquals([verdict, reasons], ["unknown", ["no request was answered"]]);
});

Deno.test("advice speaks of an endpoint that answers at once only where its tokens do not wait", () => {
  const stopped = { ...client, stalled_ms: 5000 };
  const advice = (ttft_p50_ms: number, gap_p50_ms: number | null) =>
    judge(stopped, { ...measured, ttft_p50_ms, gap_p50_ms }, null).advice!;
  for (const gap_ms of [null, 0.01]) {
    assertStringIncludes(advice(0.1, gap_ms), "a mock with --delay");
  }
  for (const at of [[0.1, 500], [200, 0.01]]) assertStringIncludes(advice(at[0], at[1]), "taskset");
});

Deno.test("requests for which this client had no descriptor are its own limit", () => {
  const { verdict, reasons, advice } = judge(client, { ...measured, refused: 3 }, null);
  assertEquals(verdict, "client_limited");
  assertEquals(reasons, ["3 requests not sent: too many open files (ulimit -n)"]);
  assertStringIncludes(advice!, "ulimit -n");
});

Deno.test("a client that kept up is trusted", () => {
  const { verdict, reasons } = judge(client, measured, null);
  assertEquals(verdict, "trusted");
  assertStringIncludes(reasons[0], "within 0.10 ms of their arrival");
});

Deno.test("a trusted client tells what is known of it, and no more", () => {
  const { reasons } = judge({ ...client, read_lag_p99_ms: null, events_per_s: 0 }, measured, null);
  assertEquals(reasons, ["requests were sent within 0.20 ms of their time (p99)"]);
});

Deno.test("an accident of few requests limits no client; the verdict says how many they were", () => {
  // shares by Wilson's interval, as statsmodels' proportion_confint(k, n, method="wilson") tells it:
  // 1 of 30 from 0.6 %, 2 of 30 from 1.8 %, 3 of 100 from 1.03 %, 3 of 400 from 0.26 %; 9 of 10 to 98 %
  const cases: [Partial<ClientCost>, Partial<Measured>, string][] = [
    [{ lateness_p99_ms: 10, sends: { count: 30, late: 1 } }, { answered: 30 }, "trusted"],
    [{ lateness_p99_ms: 10, sends: { count: 30, late: 2 } }, { answered: 30 }, "trusted"],
    [{ lateness_p99_ms: 10, sends: { count: 2, late: 2 } }, { answered: 2 }, "trusted"],
    [{ lateness_p99_ms: 10, sends: { count: 100, late: 3 } }, {}, "client_limited"],
    [{ lateness_p99_ms: 4, sends: { count: 400, late: 3 } }, {}, "trusted"],
    [{ lateness_p99_ms: 60, sends: { count: 40, late: 40 } }, { answered: 40 }, "client_limited"],
    [{}, { concurrency: { wanted: 3, mean: 1.2 }, answered: 1 }, "trusted"],
    [{}, { concurrency: { wanted: 3, mean: 1.2 }, answered: 8 }, "client_limited"],
    [{}, { concurrency: null, sent: { wanted: 10, count: 9 } }, "trusted"],
    [{}, { concurrency: null, sent: { wanted: 0, count: 0 } }, "trusted"],
  ];
  for (const [cost, found, expected] of cases) {
    const whole = { ...measured, ...found };
    const { verdict, requests } = judge({ ...client, ...cost }, whole, null);
    assertEquals([verdict, requests], [expected, whole.answered], JSON.stringify([cost, found]));
  }
});

Deno.test("each thing that can limit a client is named with its figure", () => {
  const cases: [Partial<ClientCost>, Partial<Measured>, string][] = [
    [{ read_lag_p99_ms: 2.1 }, {}, "reads lag: 2.10 ms"],
    [{ lateness_p99_ms: 6, sends: { count: 100, late: 5 } }, {}, "late sends: 5 of 100"],
    [{ blocked_ms: 12 }, {}, "the buffer was full for 12 ms"],
    [{ stalled_ms: 900 }, {}, "stood still for 900 ms"],
    [{ cpu_cores: 1.9 }, {}, "1.90 of 2 cores"],
    [{ thread_cpu_cores: 0.95 }, {}, "the reading thread used 0.95"],
    [{}, { concurrency: { wanted: 8, mean: 7 } }, "7.0 requests in flight"],
    [{}, { concurrency: null, sent: { wanted: 100, count: 90 } }, "only 90.0 %"],
    [{ events_per_s: 60_000 }, {}, "above this host's ceiling of 50000"],
  ];
  for (const [cost, found, said] of cases) {
    const cited = citeCalibration(calibration, 8, "wire");
    const { verdict, reasons } = judge({ ...client, ...cost }, { ...measured, ...found }, cited);
    assertEquals([verdict, reasons.length], ["client_limited", 1], said);
    assertStringIncludes(reasons[0], said);
  }
});

Deno.test("what cannot be told is unknown, unless a calibration speaks for it", () => {
  const blind = { ...client, transport: "portable", read_lag_p99_ms: null };
  assertEquals(judge(blind, measured, null).verdict, "unknown");
  const cited = citeCalibration({ ...calibration, transport: "portable" }, 8, "portable");
  assertEquals(judge(blind, measured, cited).verdict, "trusted");
});

Deno.test("the cell of a calibration that speaks for a load is the next larger one", () => {
  const streams = (n: number) => citeCalibration(calibration, n, "wire")?.streams ?? null;
  assertEquals([1, 2, 64, 65, 9999].map(streams), [1, 64, 64, 512, 512]);
  assertEquals(citeCalibration(calibration, 1, "portable"), null);
  assertEquals(citeCalibration(null, 1, "wire"), null);
});

Deno.test("a load is stopped by the share of its last 100 requests that failed", () => {
  const rule = new StopRule({ error_rate: 0.5, saturation: false });
  for (let i = 0; i < 200; i++) rule.ended(i % 2 === 1);
  assertEquals(rule.reason, null, "half is not more than half");
  rule.ended(true);
  rule.ended(true);
  assertStringIncludes(rule.reason!, "error rate: 51 % of the last 100");
  const early = new StopRule({ error_rate: 0.1, saturation: false });
  for (let i = 0; i < 19; i++) early.ended(true);
  assertEquals(early.reason, null, "too few to say");
});

Deno.test("a load is stopped when fewer are answered than asked for, and more and more wait", () => {
  const run = (answered: number) => {
    const rule = new StopRule({ error_rate: null, saturation: true });
    for (let s = 0, open = 0; s < 12; s += 0.1) {
      rule.submitted();
      open++;
      if (Math.floor(s * 10 * answered) > Math.floor((s * 10 - 1) * answered)) {
        rule.ended(false);
        open--;
      }
      rule.checkSaturation(s * 1e9, open);
    }
    return rule.reason;
  };
  assertEquals(run(1), null);
  assertStringIncludes(run(0.5)!, "saturated");
});
