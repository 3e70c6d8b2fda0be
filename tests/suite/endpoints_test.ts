/** A suite on several endpoints: spread, and going on where one goes away. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
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
    assertEquals(notices.filter((line) => line.includes("go on at the other")).length, 1);
    const table = suiteTable(results, 1, bare).join("\n");
    assertStringIncludes(table, `${gone} went away: its tests went on at the others`);
    const page = readFileSync(await writeSuiteReport(directory), "utf8");
    assertStringIncludes(page, "By endpoint");
    assertStringIncludes(page, `${gone} went away once`);
    for (const mock of [mocks[0], mocks[2]]) await mock.close();
  });
}

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
