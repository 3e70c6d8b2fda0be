/** --callback-url: a command tells of its end. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { MockEndpoint } from "../../../lib/mock/server.ts";
import { dyno } from "../../e2e/dyno.ts";
import { expectedSignature, receiver } from "../../notify/receiver.ts";
import { promptTests, temporaryFolder } from "../../suite/fixture.ts";

const SECRET = "a secret for callbacks";

Deno.test("run, load and sweep tell a callback URL of their end, signed", async () => {
  using place = temporaryFolder();
  await using mock = await MockEndpoint.start();
  await using hook = await receiver((n) => ({ status: n === 0 ? 500 : 200 }));
  const suite = { test_suite_id: "s", tests: promptTests(3) };
  writeFileSync(join(place.path, "suite.json"), JSON.stringify(suite));
  const sweep = { name: "x", sim_binary: "agent_sched_sim", matrix: { seeds: [1] } };
  writeFileSync(join(place.path, "sweep.json"), JSON.stringify(sweep));
  const told = ["--callback-url", `${hook.url}/hook`, "--allow-private-callbacks"];
  const on = ["--endpoint", `${mock.url}/v1`, "--sample-rate", "0"];
  const commands = [
    ["run", "suite.json", ...on, ...told],
    ["load", ...on, "--concurrency", "1", "--requests", "3", ...told],
    ["sweep", "--config", "sweep.json", ...told],
  ];
  for (const command of commands) {
    const env = { DYNO_WEBHOOK_SECRET: SECRET };
    const { code, stderr } = await dyno(command, { cwd: place.path, env });
    assertEquals(code, 0, stderr);
  }
  assertEquals(hook.received.length, 1 + commands.length, "the first one had to be sent twice");
  for (const got of hook.received) {
    assertEquals(got.headers["x-dyno-signature"], expectedSignature(SECRET, got));
  }
  const ends = hook.received.slice(1).map(({ body }) => JSON.parse(body));
  assertEquals(ends.map(({ status }) => status), ["completed", "completed", "completed"]);
  assertEquals(ends[0].metrics.tests, 3);
  assertEquals(ends[1].metrics.successful, 3);
});

Deno.test("a private callback URL is refused before anything runs", async () => {
  using place = temporaryFolder();
  const { code, stderr } = await dyno(
    ["run", "quickstart", "--callback-url", "http://127.0.0.1:9/"],
    { cwd: place.path },
  );
  assertEquals(code, 2);
  assertStringIncludes(stderr, "--allow-private-callbacks");
});
