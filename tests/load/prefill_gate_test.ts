/** Loads with few requests before their first token, by when the mock received and began to answer each. */
import { assert, assertEquals } from "@std/assert";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { load } from "./fixture.ts";
import type { LoadSettings } from "../../lib/settings/load.ts";

const DELAY_S = 0.06;
const words = Array.from({ length: 20 }, (_, i) => `word${i}`).join(" ");

/** The most requests at once that the mock had received and not begun to answer. */
function mostBefore(mock: MockEndpoint): number {
  const begins = mock.requests.filter(({ method }) => method === "POST")
    .map(({ t_received_ns }) => t_received_ns);
  // a timer of the mock may be a little early
  const prefill_ns = (DELAY_S - 0.002) * 1e9;
  return Math.max(
    ...begins.map((at) => begins.filter((other) => other <= at && at < other + prefill_ns).length),
  );
}

for (const transport of ["wire", "portable"] as const) {
  const loops: [string, LoadSettings][] = [
    ["closed loop", { concurrency: 6, requests: 18 }],
    ["open loop", { rate: 200, arrival: "constant", requests: 18 }],
  ];
  for (const [name, loop] of loops) {
    Deno.test(`two at a time before their first token: ${name} (${transport})`, async () => {
      await using mock = await MockEndpoint.start({
        behaviour: { delay_s: DELAY_S, tokens_per_second: 100, default_response: words },
      });
      const settings: LoadSettings = { ...loop, endpoint: mock.url, model: "mock", transport };
      using run = await load({ ...settings, prefill_concurrency: 2 });
      const { total } = run.results;
      assertEquals([total.requests.successful, total.requests.unsent], [18, 0]);
      assertEquals(mostBefore(mock), 2);
      // what decodes takes no place: its 20 tokens take three times as long as its prefill
      assert(total.concurrency.max > 2, `${total.concurrency.max}`);
      const { lateness_ms, e2e_intended_ms, e2e_ms } = total.metrics;
      const waited_ms = e2e_intended_ms!.p50 - e2e_ms!.p50;
      // of an open loop's requests most wait long, and are not late for that
      if (loop.rate) assert(lateness_ms!.p50 < waited_ms / 2, `${lateness_ms!.p50}, ${waited_ms}`);
      mock.clearRequests();
      using _free = await load(settings);
      assert(mostBefore(mock) > 3);
    });
  }
}

Deno.test("an answer that is not streamed leaves the prefill with its end", async () => {
  await using mock = await MockEndpoint.start({ behaviour: { delay_s: DELAY_S } });
  using run = await load({
    endpoint: mock.url,
    model: "mock",
    stream: false,
    concurrency: 4,
    requests: 8,
    prefill_concurrency: 1,
  });
  assertEquals(run.results.total.requests.successful, 8);
  assertEquals([mostBefore(mock), run.results.total.concurrency.max], [1, 1]);
});

Deno.test("a load that ends takes back what waits", async () => {
  await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.2 } });
  using run = await load({
    endpoint: mock.url,
    model: "mock",
    rate: 100,
    arrival: "constant",
    duration_s: 0.5,
    prefill_concurrency: 1,
  });
  const { requests } = run.results.total;
  const posts = mock.requests.filter(({ method }) => method === "POST").length;
  assertEquals([requests.sent, requests.failed], [posts, 0]);
  assert(posts <= 5 && requests.unsent > 30, `${posts} sent, ${requests.unsent} unsent`);
});
