/** A suite's rate of output tokens, against one counted from the items' own times. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { readRunDirectory } from "../../lib/run/read_run.ts";
import { statistics } from "../../lib/suite/aggregate.ts";
import { promptTests, runOnMock, suiteFrom, temporaryFolder } from "./fixture.ts";

Deno.test("tokens per second are of the time in which a request was in flight", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.03 } });
  const suite = suiteFrom(promptTests(9));
  const { results, directory } = await runOnMock(mock, { suite, out: folder.path, workers: 3 });
  const { items, statistics: { output_tokens_per_s } } = results;

  // every microsecond from the first to the last is asked whether a request was in flight
  const from_us = Math.min(...items.map((item) => item.t_sent_ns!)) / 1e3;
  const spans_us = items.map((item) => {
    const start = item.t_sent_ns! / 1e3 - from_us;
    return [start, start + item.e2e_ms! * 1e3];
  });
  let busy_us = 0;
  for (let t = 0; t < Math.max(...spans_us.map(([, end]) => end)); t++) {
    if (spans_us.some(([start, end]) => start <= t && t < end)) busy_us++;
  }
  const tokens = items.reduce((sum, item) => sum + item.completion_tokens!, 0);
  assert(tokens > 0);
  assertAlmostEquals(output_tokens_per_s! / (tokens / busy_us * 1e6), 1, 1e-3);

  const { summary } = await readRunDirectory(directory.path);
  assertEquals(summary.output_tokens_per_s, output_tokens_per_s);
  assertEquals(summary.ttft_p50_ms, results.statistics.ttft_ms?.p50 ?? null);
});

Deno.test("an answer whose tokens are unknown makes the rate unknown, no answer too", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const suite = suiteFrom(promptTests(2));
  const { results: { items } } = await runOnMock(mock, { suite, out: folder.path });
  const unknown = items.map((item, i) => i === 0 ? { ...item, completion_tokens: null } : item);
  assertEquals(statistics(unknown).output_tokens_per_s, null);
  assertEquals(statistics([]).output_tokens_per_s, null);
});
