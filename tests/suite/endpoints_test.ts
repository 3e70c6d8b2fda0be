/** A suite on several endpoints: spread, and going on where one goes away. */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { readFileSync } from "node:fs";
import { suiteTable } from "../../lib/cli/run/suite_table.ts";
import { configureApi } from "../../lib/endpoint/api.ts";
import { openTransport } from "../../lib/endpoint/open_transport.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { writeSuiteReport } from "../../lib/report/suite/suite_report.ts";
import { runSuite } from "../../lib/suite/run_suite.ts";
import { promptTests, suiteFrom, temporaryFolder } from "./fixture.ts";
import type { SuiteRunOptions } from "../../lib/suite/run_suite.ts";
import type { Palette } from "../../lib/cli/ui/terminal.ts";
import type { Balance } from "../../lib/settings/endpoint.ts";

const same = (text: string) => text;
const bare: Palette = { bold: same, dim: same, good: same, bad: same, warn: same, accent: same };
const asked = (mock: MockEndpoint) => mock.requests.filter(({ method }) => method === "POST");

async function run(
  mocks: readonly MockEndpoint[],
  balance: Balance,
  options: Partial<SuiteRunOptions> & Pick<SuiteRunOptions, "suite" | "out">,
) {
  await using transport = await openTransport();
  const endpoint = mocks.map(({ url }) => `${url}/v1`);
  const api = await configureApi(
    { endpoint, balance, model: "mock", retry_attempts: 1, retry_delay: 0.001 },
    transport,
    () => {},
  );
  return await runSuite({ sample_rate_hz: 0, ...options, api, transport });
}

for (const balance of ["round-robin", "least-in-flight", "sticky"] as const) {
  Deno.test(`one of three endpoints dies: every test is answered, and it is told (${balance})`, async () => {
    using folder = temporaryFolder();
    const mocks = await Promise.all(
      [1, 2, 3].map(() => MockEndpoint.start({ behaviour: { delay_s: 0.02 } })),
    );
    const notices: string[] = [];
    let done = 0;
    const { results, directory } = await run(mocks, balance, {
      suite: suiteFrom(promptTests(40), { evaluator: { name: "contains", expected: "Mock" } }),
      out: folder.path,
      workers: 4,
      onNotice: (line) => notices.push(line),
      onResult: () => {
        if (++done === 8) mocks[1].close();
      },
    });
    const gone = `${mocks[1].url}/v1/chat/completions`;
    assertEquals([results.aggregate.successful, results.aggregate.errors], [40, 0]);
    assertEquals(results.endpoints!.map(({ lost }) => lost), [0, 1, 0]);
    const counts = results.endpoints!.map(({ aggregate }) => aggregate.tests);
    assertEquals(counts.reduce((a, b) => a + b), 40);
    assert(counts[1] >= 2 && counts[1] < 10, `${counts}`);
    for (const i of [0, 2]) {
      assertEquals(
        results.items.filter(({ endpoint }) => endpoint?.startsWith(mocks[i].url)).length,
        asked(mocks[i]).length,
      );
    }
    const journal = readFileSync(directory.journal, "utf8").trim().split("\n")
      .map((line) => JSON.parse(line));
    const lost = journal.filter(({ event }) => event === "endpoint_lost");
    assertEquals(lost.map(({ endpoint }) => endpoint), [gone]);
    assertEquals(notices.filter((line) => line.includes("continue on the other")).length, 1);
    const table = suiteTable({ results, wall_s: 9, session_s: 9, resumed_tests: 0 }, bare).join(
      "\n",
    );
    assertMatch(table, / in 9 s \(/);
    const again = suiteTable({ results, wall_s: 75, session_s: 9, resumed_tests: 1 }, bare);
    assertMatch(again.join("\n"), / in 1 min 15 s, 9 s of it in this session \(/);
    const soon = suiteTable({ results, wall_s: 75, session_s: 0.2, resumed_tests: 1 }, bare);
    assertMatch(soon.join("\n"), / in 1 min 15 s, 200 ms of it in this session \(/);
    const { away_s, came_back } = results.endpoints![1];
    assert(!came_back && away_s! > 0);
    const said =
      `${gone} was unavailable once, for ${away_s!.toFixed(1)} s, and did not come back; ` +
      "its tests ran on the other endpoints";
    assertStringIncludes(table, said);
    const page = readFileSync(await writeSuiteReport(directory), "utf8");
    assertStringIncludes(page, "By endpoint");
    assertStringIncludes(page, said);
    for (const mock of [mocks[0], mocks[2]]) await mock.close();
  });
}

Deno.test("an endpoint that comes back is found by a check, gets tests again, and it is told how long", async () => {
  using folder = temporaryFolder();
  const mocks = await Promise.all(
    [1, 2].map(() => MockEndpoint.start({ behaviour: { delay_s: 0.1 } })),
  );
  const { port, url } = mocks[1];
  const notices: string[] = [];
  let done = 0, again: Promise<MockEndpoint> | null = null;
  const { results, directory } = await run(mocks, "round-robin", {
    suite: suiteFrom(promptTests(80), { evaluator: { name: "contains", expected: "Mock" } }),
    out: folder.path,
    workers: 2,
    onNotice(line) {
      notices.push(line);
      // nobody was there, so that somebody may come
      if (line.includes("continue on the other")) again ??= MockEndpoint.start({ port });
    },
    onResult: () => {
      if (++done === 8) mocks[1].close();
    },
  });
  await using back = await again!;
  assertEquals([results.aggregate.successful, results.aggregate.errors], [80, 0]);
  assert(asked(back).length > 0, "it gets tests again");
  const [first] = back.requests;
  assertEquals([first.method, first.path], ["GET", "/v1/models"], "before, it was asked cheaply");
  assert(notices.includes(`${url}/v1/chat/completions answers again`), notices.join("\n"));
  // the journal's two events, by hand
  const events = readFileSync(directory.journal, "utf8").trim().split("\n")
    .map((line) => JSON.parse(line));
  const [lost, found] = ["endpoint_lost", "endpoint_back"].map((name) =>
    events.filter(({ event }) => event === name)
  );
  assertEquals([lost.length, found.length], [1, 1]);
  const away_s = (found[0].mono_ns - lost[0].mono_ns) / 1e9;
  assertAlmostEquals(results.endpoints![1].away_s!, away_s, 1e-9);
  assertEquals(results.endpoints!.map(({ lost, came_back }) => [lost, came_back]), [
    [0, true],
    [1, true],
  ]);
  assertStringIncludes(
    suiteTable({ results, wall_s: 1, session_s: 1, resumed_tests: 0 }, bare).join("\n"),
    `was unavailable once, for ${away_s.toFixed(1)} s in all; its tests ran on the other endpoints`,
  );
  await mocks[0].close();
});

Deno.test("sticky: all turns of a test are asked at one endpoint", async () => {
  using folder = temporaryFolder();
  const mocks = await Promise.all([1, 2].map(() => MockEndpoint.start()));
  const tests = Array.from({ length: 6 }, (_, i) => ({
    id: `c${i}`,
    name: `c${i}`,
    category: "talk",
    prompt: `test ${i} turn 1`,
    turns: [2, 3].map((turn) => ({ prompt: `turn ${turn}` })),
  }));
  await run(mocks, "sticky", { suite: suiteFrom(tests), out: folder.path });
  const names = mocks.map((mock) =>
    asked(mock).map(({ body_text }) => /test \d/.exec(body_text)![0])
  );
  assertEquals(names.map(({ length }) => length), [9, 9]);
  assertEquals(names.map((each) => new Set(each).size), [3, 3]);
  for (const mock of mocks) await mock.close();
});

Deno.test("when all are gone, a test fails as with one, and the last endpoint is named", async () => {
  using folder = temporaryFolder();
  const mocks = await Promise.all([1, 2].map(() => MockEndpoint.start()));
  let done = 0;
  const { results } = await run(mocks, "round-robin", {
    suite: suiteFrom(promptTests(10)),
    out: folder.path,
    workers: 1,
    onProgress: ({ completed_tests }) => {
      if (completed_tests === 4 && done++ === 0) mocks.forEach((mock) => mock.close());
    },
  });
  assertEquals(results.aggregate.errors_by_class, { connect: 6 });
  const [failed] = results.items.filter(({ success }) => !success);
  assert(mocks.some(({ url }) => failed.error!.includes(url)), failed.error!);
  // as many attempts as one endpoint gets, and one more for having moved
  assertEquals(failed.attempts, 3);
});
