/** Objectives of a run as a whole; shares' intervals are those of statsmodels' proportion_confint. */
import { assertAlmostEquals, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { findCapacity } from "../../lib/load/capacity.ts";
import { planLoad } from "../../lib/load/plan_load.ts";
import {
  judgedText,
  judgeStatement,
  objectivesIn,
  parseStatement,
  statementText,
} from "../../lib/load/statement.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { load } from "./fixture.ts";

Deno.test("statements are read in both forms, with any quantile of any latency", () => {
  const cases: [text: string, measure: string, quantile: number, limit_ms: number][] = [
    ["p99(ttft)<300ms", "ttft_ms", 0.99, 300],
    ["p99.9(e2e) <= 2s", "e2e_ms", 0.999, 2000],
    ["p50( gap ) ≤ 20", "gap_ms", 0.5, 20],
    ["ttft_p99:300", "ttft_ms", 0.99, 300],
    ["e2e_intended_p99_9:1.5s", "e2e_intended_ms", 0.999, 1500],
    ["normalized_latency_p95:40", "normalized_latency_ms", 0.95, 40],
    ["ttft_p99<300ms", "ttft_ms", 0.99, 300],
    ["p99(ttft): 0.3s", "ttft_ms", 0.99, 300],
    ["ttft_p99_ms=300", "ttft_ms", 0.99, 300], // as in results
  ];
  for (const [text, measure, quantile, limit_ms] of cases) {
    assertEquals([text, parseStatement(text)], [text, { measure, quantile, limit_ms }]);
  }
  // of each request, as before
  for (const text of ["ttft:500", "gap_p99:50", "tpot:20"]) {
    assertEquals(parseStatement(text), null);
  }
  for (
    const text of [
      "p99(cost)<3",
      "p0(ttft)<3",
      "p99(ttft)<",
      "ttft_p99:soon",
      "ttft_p99:0",
      "probe_ttft_p99:3",
    ]
  ) {
    assertThrows(() => parseStatement(text), InputError, "--slo");
  }
  assertEquals(statementText(parseStatement("p99.9(ttft)<2s")!), "ttft_p99_9_ms ≤ 2000 ms");
});

Deno.test("a wrong objective: what is wrong with it, and one to write that is right", () => {
  const cases: [text: string, why: string][] = [
    ["p95(ttft)>200ms", "the most that a latency may be, not the least; write p95(ttft)<200ms"],
    ["ttft_p99>=300", "not the least; write p99(ttft)<300"],
    ["p950(ttft)<200ms", "p950 is not between p0 and p100; did you mean p95(ttft)<200ms?"],
    ["ttft_p999:300", "did you mean p99.9(ttft)<300?"],
    ["p100(ttft)<200", "did you mean p99.9(ttft)<200?"],
    ["p-5(e2e)<2s", "did you mean p99(e2e)<2s?"],
    ["ttft", "there is no limit; write ttft:300ms"],
    ["p99(tpot)", "there is no limit; write p99(tpot)<300ms"],
    ["p99(ttft)<300sec", '"300sec" is not a limit'],
    ["99(ttft)<300", "write p99(ttft)<300"],
    ["p99,9(ttft)<300", "write p99.9(ttft)<300"],
    ["p99 ttft < 300", "write p99(ttft)<300"],
    ["p99(ttft_ms)==300", "write p99(ttft)<300"],
    ["TTFT 500", "write ttft:500"],
    ["median(ttft)<300", "a quantile is written p50 or p99, not median; write p50(ttft)<300"],
    ["ttft<500ms,tpot<50ms", "more than one objective; give each by itself: --slo again"],
    ["200ms>p95(ttft)", "the latency comes first"],
    ["itl:50", "itl is called gap; write gap_p99:50ms"],
    ["gap:50", "write gap_p99:50ms or p99(gap)<50ms"],
    ["connect:50", "connect can only be asked of the whole run; write p99(connect)<50ms"],
    ["p99(ttf)<200", '"ttf" is none of ttft, ttft_intended, tpot, gap, e2e'],
    ["error_rate<1%", "write ttft:500ms, which is asked of each request"],
    ["", "there is no objective; write ttft:500ms"],
  ];
  for (const [text, why] of cases) {
    const { message } = assertThrows(() => objectivesIn([text]), InputError, why);
    const written = /(?:write|mean) ([^\s"]+[:<][^\s?,]+)/.exec(message)?.[1];
    if (written !== undefined) objectivesIn([written]);
  }
});

Deno.test("too few requests: what was measured, the limit, and how many decide", () => {
  // SciPy 1.17.1, binomtest(k, n).proportion_ci(method="wilson"): 381 of 381 begins at 0.99002, 380 of 380
  // at 0.98999; 485 of 500 begins at 0.9511, 388 of 400 at 0.9483; 40 of 100 ends at 0.498, 36 of 90 at 0.503
  const text = (limit: string, within: number, over: number, unknown = 0) =>
    judgedText(judgeStatement(parseStatement(limit)!, [
      ...new Array<number>(within).fill(50),
      ...new Array<number>(over).fill(150),
      ...new Array<null>(unknown).fill(null),
    ]));
  assertEquals(
    text("p99(ttft)<100ms", 230, 0),
    "ttft_p99_ms ≤ 100 ms undecided: 50.00 ms is within the limit, but over 230 requests: too few to be " +
      "sure; about 381 would do",
  );
  const needed = (...given: Parameters<typeof text>) =>
    Number(/about (\d+) would do/.exec(text(...given))?.[1]);
  assertEquals(
    needed("p95(ttft)<100ms", 97, 3) > 400 && needed("p95(ttft)<100ms", 97, 3) <= 500,
    true,
  );
  assertEquals(
    needed("p50(ttft)<100ms", 4, 6) > 90 && needed("p50(ttft)<100ms", 4, 6) <= 100,
    true,
  );
  assertStringIncludes(text("p50(ttft)<100ms", 4, 6), "150.0 [50.00, 150.0] ms is above the limit");
  assertStringIncludes(text("p50(ttft)<100ms", 30, 10, 40), "40 unknown: the unknown ones could");
  assertStringIncludes(text("p50(ttft)<100ms", 0, 0, 3), "undecided: all 3 are unknown");
});

Deno.test("met, missed, or not enough to tell", () => {
  const half = parseStatement("ttft_p50:100")!;
  const judged = (within: number, of: number, unknown = 0, statement = half) =>
    judgeStatement(statement, [
      ...new Array<number>(within).fill(100),
      ...new Array<number>(of - within - unknown).fill(101),
      ...new Array<null>(unknown).fill(null),
    ]).verdict;
  assertEquals(judged(65, 100), "met"); // 55.3 to 73.6 %
  assertEquals(judged(45, 100), "undecided"); // 35.6 to 54.8 %
  assertEquals(judged(30, 100), "missed"); // 21.9 to 39.6 %
  const tail = parseStatement("ttft_p99:100")!;
  assertEquals(judged(100, 100, 0, tail), "undecided"); // 96.3 to 100 %: a hundred cannot tell a p99
  assertEquals(judged(400, 400, 0, tail), "met"); // 99.05 to 100 %
  assertEquals(judged(380, 400, 0, tail), "missed");
  // what is not known meets nothing and misses nothing
  assertEquals(judged(400, 440, 40, tail), "undecided");
  assertEquals(judged(0, 50, 50), "undecided");
  assertEquals(judgeStatement(half, []).verdict, "undecided");
  const told = judgeStatement(half, [1, 2, null, 4]);
  assertEquals([told.value_ms, told.known, told.unknown, told.interval], [2, 3, 1, null]);
});

Deno.test("a load tells what became of its statements; answers that are not streamed have no ttft", async () => {
  await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.05 } });
  const slo = ["p50(ttft)<10s", "e2e_p50:1", "p99(e2e)<10s", "p50(tpot)<1s", "e2e:5000"];
  using run = await load({ endpoint: mock.url, concurrency: 4, requests: 40, slo });
  const { statements, slos } = run.results;
  assertEquals(statements!.map(({ verdict }) => verdict), [
    "met",
    "missed",
    "undecided",
    // all tokens came at one time: no one knows how fast they were made
    "undecided",
  ]);
  assertEquals(slos, [{ metric: "e2e", limit_ms: 5000 }]);
  assertEquals([statements![3].known, statements![3].unknown], [0, 40]);
  assertAlmostEquals(statements![1].value_ms!, run.results.total.metrics.e2e_ms!.p50, 1e-9);
  const settings = { endpoint: mock.url, concurrency: 1, requests: 1, stream: false };
  for (const text of ["ttft:5", "p99(ttft)<5", "ttft_intended_p50:5"]) {
    const error = await planLoad({ ...settings, slo: [text] }).then(() => null, (e: Error) => e);
    assertStringIncludes(error!.message, "not streamed");
  }
});

Deno.test("a search for capacity calls no level bad of which it is not known", async () => {
  const objective = { text: "ttft ≤ 500 ms", of: "requests", share: 0.95 };
  const search = (good: number, unknown: number) =>
    findCapacity({
      start: 4,
      most: 8,
      whole: true,
      precision: 0.05,
      probe: () => Promise.resolve([{ objective, good, unknown, total: 100 }]),
      onProbe: () => {},
    });
  const unknown = await search(0, 100);
  assertEquals([unknown.highest_good, unknown.lowest_bad], [null, null]);
  assertEquals((await search(0, 0)).lowest_bad, 1);
});
