/** Answers kept between runs: asked once, said in the results, in no latency and no cost. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { writeFileSync } from "node:fs";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { itemsOfResults } from "../../lib/run/suite_items.ts";
import { dyno } from "../e2e/dyno.ts";
import { promptTests, runOnMock, suiteFrom, temporaryFolder } from "./fixture.ts";

const posts = (mock: MockEndpoint) =>
  mock.requests.filter(({ method }) => method === "POST").length;

Deno.test("what was asked is not asked again, unless anything of the request is another", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const cache = `${folder.path}/cache`;
  const judge = (expected: string) => ({ evaluator: { name: "contains", expected } });
  const run = (more: object, options: object = {}) =>
    runOnMock(mock, {
      out: folder.path,
      cache,
      suite: suiteFrom(promptTests(3), more),
      ...options,
    });
  const first = await run(judge("Mock"));
  assertEquals([posts(mock), first.results.aggregate.passed], [3, 3]);
  assertEquals(first.results.items.some(({ cached }) => cached), false);
  const second = await run(judge("nothing"));
  assertEquals([posts(mock), second.results.aggregate.passed], [0, 0]);
  assertEquals(
    second.results.items.every(({ cached, ttft_ms, e2e_ms }) =>
      cached === true && ttft_ms === null && e2e_ms === null
    ),
    true,
  );
  assertEquals(second.results.statistics.e2e_ms, null);
  const items = itemsOfResults(JSON.parse(JSON.stringify(second.results)));
  assertEquals(items.map(({ latency_ms }) => latency_ms), [null, null, null]); // a gate has none to pass
  assertEquals(second.results.ledger.total.requests, 0);
  assertEquals(second.tests[0].response_text, first.tests[0].response_text);
  await run(judge("Mock"), { api: { model: "another" } });
  assertEquals(posts(mock), 3);
  await run(judge("Mock"), { epochs: 2 });
  assertEquals(posts(mock), 3); // the second epoch of each
  await run(judge("Mock"), { cache: undefined });
  assertEquals(posts(mock), 3);
});

Deno.test("a failure is not kept, a damaged file is asked again, and a person is told of the cache", async () => {
  using folder = temporaryFolder();
  const cwd = folder.path;
  writeFileSync(`${cwd}/s.json`, JSON.stringify({ test_suite_id: "s", tests: promptTests(2) }));
  await using mock = await MockEndpoint.start({
    behaviour: { error_mode: "server_error", fault_count: 1 },
  });
  const args = ["--endpoint", `${mock.url}/v1`, "--model", "mock", "--sample-rate", "0"];
  const more = ["--workers", "1", "--retry-attempts", "0", "--cache", "kept"];
  const run = () => dyno(["run", "s.json", ...args, ...more], { cwd });
  assertEquals((await run()).code, 1);
  const [only] = [...Deno.readDirSync(`${cwd}/kept`)];
  writeFileSync(`${cwd}/kept/${only.name}`, "{");
  mock.clearRequests();
  const second = await run();
  assertEquals([second.code, posts(mock)], [0, 2], second.stderr);
  const third = await run();
  assertEquals(posts(mock), 2);
  assertStringIncludes(third.stderr, "2 of the answers are from the cache");
});
