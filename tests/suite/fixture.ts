/** Suites, endpoints and folders for tests of the runner: everything real, on loopback. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configureApi } from "../../lib/endpoint/api.ts";
import { openTransport } from "../../lib/endpoint/open_transport.ts";
import { suiteOf } from "../../lib/settings/load_suite.ts";
import type { MockEndpoint } from "../../lib/mock/server.ts";
import { runSuite } from "../../lib/suite/run_suite.ts";
import { readResults } from "../../lib/suite/resume.ts";
import type { ApiOptions } from "../../lib/endpoint/api.ts";
import type { LoadedSuite } from "../../lib/settings/load_suite.ts";
import type { SuiteRun, SuiteRunOptions } from "../../lib/suite/run_suite.ts";
import type { TestResult } from "../../lib/run/test_result.ts";

/** A folder that is gone when the test is over. */
export function temporaryFolder(): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), "dyno-test-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A suite from objects. */
export function suiteFrom(tests: object[], more: object = {}): LoadedSuite {
  const value = { test_suite_id: "fixture", ...more, tests };
  return suiteOf({ path: "fixture.json", text: JSON.stringify(value), value });
}

/** `n` prompt tests in categories that take turns. */
export function promptTests(n: number, categories = ["alpha", "beta"]): object[] {
  return Array.from({ length: n }, (_, i) => ({
    id: `t${i}`,
    name: `Test ${i}`,
    category: categories[i % categories.length],
    prompt: `Question number ${i}`,
    parameters: { max_tokens: 50, temperature: 0.4, top_p: 0.95 },
  }));
}

export interface FixtureRun extends SuiteRun {
  tests: TestResult[];
  /** Names of the files in items/. */
  files: string[];
}

export interface FixtureOptions extends Partial<Omit<SuiteRunOptions, "api" | "transport">> {
  suite: LoadedSuite;
  api?: ApiOptions;
  /** Path behind the mock's URL. */
  path?: string;
  /** The fastest one without it. */
  transport?: "wire" | "portable";
}

/** Runs a suite on a mock endpoint and reads back what it left. Retries are quick. */
export async function runOnMock(
  mock: MockEndpoint,
  { path = "/v1/chat/completions", api, transport: only, ...options }: FixtureOptions,
): Promise<FixtureRun> {
  await using transport = await openTransport({ only });
  const configured = await configureApi(
    { endpoint: mock.url + path, model: "mock", retry_attempts: 2, retry_delay: 0.001, ...api },
    transport,
    () => {},
  );
  mock.clearRequests();
  const run = await runSuite({ sample_rate_hz: 0, ...options, api: configured, transport });
  const files = readdirSync(run.directory.items).sort();
  return { ...run, tests: await readResults(run.directory), files };
}

/** A JSON file's value. */
// deno-lint-ignore no-explicit-any
export function jsonIn(path: string): any {
  return JSON.parse(readFileSync(path, "utf8"));
}
