/** Runs on the mock endpoint with their reports. */
import { readFileSync } from "node:fs";
import { writeSuiteReport } from "../../lib/report/suite/suite_report.ts";
import { promptTests, runOnMock } from "../suite/fixture.ts";
import type { MockEndpoint } from "../../lib/mock/server.ts";
import type { FixtureOptions, FixtureRun } from "../suite/fixture.ts";

/** What nobody would say who means well. */
export const EVIL =
  `</pre><script>window.hacked = 1</script><img src=x onerror="window.hacked = 1">"'& \u202e\u0000 end`;

/** A run on the mock with its report. */
export async function reported(
  mock: MockEndpoint,
  options: FixtureOptions,
): Promise<FixtureRun & { html: string }> {
  const run = await runOnMock(mock, options);
  const path = await writeSuiteReport(run.directory);
  return { ...run, html: readFileSync(path, "utf8") };
}

/** Tests in two categories of which every fourth is judged wrong. */
export function judged(n: number): object[] {
  return promptTests(n, ["alpha", "beta"]).map((test, i) => ({
    ...test,
    evaluator: { name: "contains", expected: i % 4 ? "Mock" : "absent" },
  }));
}
