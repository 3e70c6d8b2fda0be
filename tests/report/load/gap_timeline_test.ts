/** The gap timeline: what is drawn where, against a sum done by hand. */
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { gapTimeline } from "../../../lib/report/load/gap_timeline.ts";
import { loadFixture } from "./load_fixture.ts";
import type { RequestRecord } from "../../../lib/run/request_record.ts";

const [like] = loadFixture().records;
const S = 1e9;

/** A request sent at a second, its first token at another, and then gaps, ms. */
function request(sent_s: number, first_s: number, gaps: number[]) {
  const end_s = first_s + gaps.reduce((sum, gap) => sum + gap, 0) / 1000;
  const record: RequestRecord = {
    ...like,
    t_sent_ns: sent_s * S,
    t_first_token_ns: first_s * S,
    t_end_ns: end_s * S,
  };
  return { record, gaps: Float32Array.from(gaps) };
}

function drawn(requests: ReturnType<typeof request>[], median_ms: number) {
  const { total } = loadFixture().results;
  const gap_ms = { ...total.metrics.gap_ms!, p50: median_ms };
  const gapsOf = (record: unknown) => requests.find((each) => each.record === record)!.gaps;
  return gapTimeline(
    { total: { ...total, metrics: { ...total.metrics, gap_ms } } },
    requests.map(({ record }) => record),
    gapsOf as never,
  )!;
}

/** The length that is drawn in a colour on the wide picture, as a share of its width. */
function shareIn(html: string, colour: string): number {
  const [wide] = html.split('<svg class="narrow"');
  const path = new RegExp(`<path d="([^"]*)" stroke="var\\(--${colour}\\)" stroke-width="6"`)
    .exec(wide)?.[1] ?? "";
  return [...path.matchAll(/h([\d.]+)/g)].reduce((sum, [, length]) => sum + Number(length), 0) /
    880;
}

Deno.test("waiting, usual, slow and stalled times are as long as they were", () => {
  // 10 s: 2 s of waiting, 5 s of gaps of 20 ms, 1 s of gaps of 40 ms, one stall of 2 s
  const gaps = [...Array(250).fill(20), ...Array(25).fill(40), 2000];
  const html = drawn([request(0, 2, gaps)], 20);
  const within = 1 / 400 + 1e-6; // a cell at each end
  assertAlmostEquals(shareIn(html, "rule"), 0.2, within);
  assertAlmostEquals(shareIn(html, "c1"), 0.5, within);
  assertAlmostEquals(shareIn(html, "amber"), 0.1, within);
  assertAlmostEquals(shareIn(html, "bad"), 0.2, within);
  assertStringIncludes(html, "gap up to 30 ms (1.5 × the median)");
  assertStringIncludes(html, "gap up to 60 ms (3 × the median)");
});

Deno.test("a short stall among usual gaps is seen, and each place has its row", () => {
  const usual = Array(5000).fill(20); // 100 s: a cell is 250 ms
  const html = drawn([
    request(0, 0.001, usual),
    request(0, 0.001, [...usual.slice(0, 2500), 100, ...usual.slice(0, 2495)]),
  ], 20);
  assert(shareIn(html, "bad") > 0 && shareIn(html, "bad") <= 2 / 400);
  const rows = new Set(
    [...html.split("narrow")[0].matchAll(/M[\d.]+ ([\d.]+)h/g)].map((m) => m[1]),
  );
  assert(rows.has("3.5") && rows.has("10.5"), [...rows].join());
});

Deno.test("requests that find no row are left out, which is said; without gaps there is no picture", () => {
  const many = Array.from({ length: 50 }, () => request(0, 0.5, [20, 20]));
  assertStringIncludes(drawn(many, 20), "Drawn are 32 of 50 requests");
  const after = [...many.slice(0, 2), request(10, 10.5, [20, 20])];
  assert(!drawn(after, 20).includes("Drawn are"), "a free row is taken again");
  const { results } = loadFixture();
  const metrics = { ...results.total.metrics, gap_ms: null };
  const none = { total: { ...results.total, metrics } };
  assertEquals(gapTimeline(none, [many[0].record], () => many[0].gaps), null);
});
