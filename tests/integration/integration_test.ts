/** dyno integration as a process: with a server of its own, on a running one, refused, interrupted. */
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { command } from "../../lib/cli/serve/integration.ts";
import { InputError } from "../../lib/errors.ts";
import { loadIntegration, stepsOf } from "../../lib/integration/config.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { dyno, startDyno } from "../e2e/dyno.ts";
import { printed } from "../run/runs_fixture.ts";
import { getJson, serveProcess } from "../server/fixture.ts";
import { jsonIn, promptTests, temporaryFolder } from "../suite/fixture.ts";
import { until } from "../until.ts";

const SHIPPED = fileURLToPath(new URL("../../experiments/integration.json", import.meta.url));

/** A file of scenarios and its suite of three tests. */
function writeConfig(folder: string, changes: Record<string, unknown>): string {
  const suite = { test_suite_id: "s", tests: promptTests(3) };
  writeFileSync(join(folder, "suite.json"), JSON.stringify(suite));
  const path = join(folder, "scenarios.json");
  const config = {
    suite: "suite.json",
    models: [{ model: "gpt-4o-mini" }, { model: "gpt-4o" }],
    packages: ["t0", "t1", "t2"],
    task: { sample_rate_hz: 0 },
    ...changes,
  };
  writeFileSync(path, JSON.stringify(config, null, 2));
  return path;
}

Deno.test("the shipped scenarios are the four documented ones, in tasks named as documented", async () => {
  const config = await loadIntegration(SHIPPED);
  assertEquals(stepsOf(config, null).map(({ name }) => name), [
    "baseline_mock_small_1pkg",
    "multi_package_mock_small_4pkg",
    "model_comparison_mock_small_4pkg",
    "model_comparison_mock_large_4pkg",
    "webhook_delivery_mock_small_1pkg",
  ]);
});

Deno.test("models are compared on a server of its own; one without answers fails the command", async () => {
  using place = temporaryFolder();
  await using broken = await MockEndpoint.start({ behaviour: { status_code: 500 } });
  const file = writeConfig(place.path, {
    models: [{ model: "gpt-4o-mini" }, { model: "gpt-4o", endpoint: `${broken.url}/v1` }],
    task: { sample_rate_hz: 0, retry_attempts: 0 },
    scenarios: [
      { name: "compare", models: ["gpt-4o-mini", "gpt-4o"] },
      { name: "other", webhook: true },
    ],
  });
  const { code, stdout, stderr } = await dyno(
    ["integration", file, "--scenario", "compare", "--report", "report.json", "--json"],
    { cwd: place.path },
  );
  assertEquals(code, 1, stderr);
  assertStringIncludes(stderr, "SCENARIO: compare_gpt4o_mini_3pkg\nModel: gpt-4o-mini\nSamples: 3");
  assertMatch(stderr, /✓ COMPLETED in \d+\.\ds\nStatus: completed\n/);
  assertMatch(stderr, /Estimated Cost: \$0\.\d{4}/);
  assertMatch(stderr, /✗ FAILED in .*\nStatus: failed\n/);
  assertStringIncludes(stderr, "1 of 2 tasks passed; not: compare_gpt4o_3pkg");
  const report = JSON.parse(stdout);
  assertEquals(report, jsonIn(join(place.path, "report.json")));
  const [good, bad] = report.tasks;
  assertEquals([report.exit_code, good.passed, bad.passed], [1, true, false]);
  assertEquals([good.errors, bad.errors, bad.status], [0, 3, "failed"]);
  assert(good.total_prompt_tokens > 0 && good.total_cost_usd > 0);
  assert(bad.problems.some((problem: string) => problem.includes("500")), String(bad.problems));
  assert(existsSync(join(place.path, "runs", good.run_id, "results.json")));
});

Deno.test("a running server is used; its callback must come, be genuine and be allowed", async () => {
  using place = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const file = writeConfig(place.path, {
    endpoint: `${mock.url}/v1`,
    scenarios: [{ name: "webhook", packages: ["t1"], webhook: true }],
  });
  const env = {
    DYNO_WEBHOOK_SECRET: "the server's secret",
    DYNO_SERVE_TOKEN: "a-token-of-the-tests",
  };
  for (const allowed of [true, false]) {
    const args = allowed ? ["--allow-private-callbacks"] : [];
    const server = await serveProcess(place.path, args, env);
    try {
      const on = ["integration", file, "--server", server.url, "--json"];
      const refused = await dyno(on, { cwd: place.path, env: { DYNO_SERVE_TOKEN: "" } });
      assertEquals(refused.code, 2);
      assertStringIncludes(refused.stderr, "export DYNO_SERVE_TOKEN");
      const { code, stdout, stderr } = await dyno(on, { cwd: place.path, env });
      const [task] = JSON.parse(stdout).tasks;
      assertEquals([code, task.signature], allowed ? [0, "valid"] : [1, null], stderr);
      if (!allowed) assertMatch(task.problems[0], /^refused: callback_url: /);
    } finally {
      server.process.kill("SIGTERM");
      await server.process.finished;
    }
  }
});

Deno.test("Ctrl-C cancels the task under way", async () => {
  using place = temporaryFolder();
  await using mock = await MockEndpoint.start({ behaviour: { delay_s: 30 } });
  const file = writeConfig(place.path, {
    endpoint: `${mock.url}/v1`,
    scenarios: [{ name: "slow" }],
  });
  const server = await serveProcess(place.path);
  try {
    const running = startDyno(["integration", file, "--server", server.url], { cwd: place.path });
    await until(() => mock.requests.some(({ method }) => method === "POST"));
    running.kill("SIGINT");
    const { code, stderr } = await running.finished;
    assertEquals(code, 130, stderr);
    assertStringIncludes(stderr, "0 of 1 tasks passed; 1 not run");
    await until(async () =>
      (await getJson<{ tasks: { status: string }[] }>(`${server.url}/tasks`)).tasks[0].status ===
        "cancelled"
    );
  } finally {
    server.process.kill("SIGTERM");
    await server.process.finished;
  }
});

Deno.test("wrong input is told with its place, before anything runs", async () => {
  using place = temporaryFolder();
  const cases: [Record<string, unknown>, string[], string][] = [
    [{ scenarios: [{ name: "a", models: ["gpt-4o", "gpt-5"] }] }, [], '"gpt-5" is not one of'],
    [{ scenarios: [{ name: "a", packages: [] }] }, [], "scenarios[0].packages"],
    [
      { suite: "gone.json", scenarios: [{ name: "a" }] },
      [],
      'json:2:12: suite: "gone.json": no such',
    ],
    [{ scenarios: [{ name: "a" }] }, ["--scenario", "b"], '--scenario: "b"'],
    [{ scenarios: [{ name: "a" }] }, ["--server", "http://10.0.0.1:8787"], "mock endpoint"],
    [{ scenarios: [{ name: "a" }] }, ["--server", "http://127.0.0.1:9"], "no answer"],
  ];
  for (const [changes, args, said] of cases) {
    const file = writeConfig(place.path, changes);
    const out = ["--out", join(place.path, "runs")];
    await assertRejects(() => printed(command, [file, ...out, ...args]), InputError, said);
  }
  assert(!readdirSync(place.path).includes("runs"));
});
