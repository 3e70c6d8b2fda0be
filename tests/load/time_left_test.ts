/** What a load still takes, by hand. */
import { assertEquals } from "@std/assert";
import { withTimeLeft } from "../../lib/load/time_left.ts";
import type { LoadStage } from "../../lib/load/stages.ts";

const stage = (fields: Partial<LoadStage>): LoadStage => ({
  warmup: false,
  concurrency: 2,
  rate: null,
  times_s: null,
  duration_s: null,
  requests: null,
  ...fields,
});

function left(stages: LoadStage[], ended: number, after_s: number, at = 0) {
  const progress = { stage: at, sent: ended, in_flight: 2, ended, failed: 0, events: 0 };
  const began = { start_ns: 5e9, ended: 0 };
  const { requests_per_s, left_s } = withTimeLeft(progress, stages, began, 5e9 + after_s * 1e9);
  return [requests_per_s, left_s];
}

Deno.test("time left: the rest of a time, or of requests at the present rate", () => {
  assertEquals(left([stage({ duration_s: 60 })], 20, 10), [2, 50]);
  assertEquals(left([stage({ requests: 100 })], 20, 10), [2, 40]);
  assertEquals(left([stage({ requests: 100, duration_s: 30 })], 20, 10), [2, 20]);
  assertEquals(left([stage({ requests: 100 })], 0, 10), [null, null]);
  assertEquals(left([stage({ duration_s: 60 }), stage({ duration_s: 30 })], 20, 10), [2, 80]);
  const rate = { from_per_s: 2, to_per_s: 6 };
  assertEquals(left([stage({ requests: 100, rate })], 20, 10), [2, 20]);
  assertEquals(left([stage({ times_s: [0, 4, 25] })], 10, 5), [2, 20]);
  assertEquals(left([stage({ duration_s: 9 }), stage({ duration_s: 30 })], 20, 10, 1), [2, 20]);
});
