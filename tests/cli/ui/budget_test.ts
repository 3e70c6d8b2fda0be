/** --budget-usd and --budget-tokens of suites and loads, as a user gives them. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { MockEndpoint } from "../../../lib/mock/server.ts";
import { dyno } from "../../e2e/dyno.ts";
import { receiver } from "../../notify/receiver.ts";
import { jsonIn, promptTests, temporaryFolder } from "../../suite/fixture.ts";

const ANSWER = Array.from({ length: 20 }, (_, i) => `w${i}`).join(" ");
const PRICE = { input: 1, output: 2, date: "2026-01-01", source: "https://example.org" };
const TESTS = 40;

const start = () => MockEndpoint.start({ model: "m", behaviour: { default_response: ANSWER } });

function prices(folder: string): string {
  const path = join(folder, "prices.json");
  const table = { unit: "USD per million tokens", prices: [{ model: "m", ...PRICE }] };
  writeFileSync(path, JSON.stringify(table));
  return path;
}

function suite(folder: string): string {
  const path = join(folder, "suite.json");
  writeFileSync(path, JSON.stringify({ test_suite_id: "small", tests: promptTests(TESTS) }));
  return path;
}

const lines = (path: string, event: string) =>
  readFileSync(path, "utf8").trim().split("\n").map((line) => JSON.parse(line))
    .filter((each) => each.event === event);

Deno.test("dyno run: a suite ends before its budget is crossed; a larger one lets it go on", async () => {
  using folder = temporaryFolder();
  await using mock = await start();
  const out = join(folder.path, "runs");
  const args = [
    ...["run", suite(folder.path), "--endpoint", mock.url, "--model", "m", "--out", out],
    ...["--prices", prices(folder.path), "--sample-rate", "0", "--json", "--workers", "3"],
  ];
  const tokens = 700;
  const first = await dyno([...args, "--budget-tokens", `${tokens}`]);
  assertEquals(first.code, 1, first.stderr);
  const [run] = JSON.parse(first.stdout).runs;
  const { total_prompt_tokens, total_completion_tokens, total_cost_usd, tests } = run.aggregate;
  const used = total_prompt_tokens + total_completion_tokens;
  assert(used <= tokens && used > tokens / 2, `${used}`);
  assert(tests > 0 && tests < TESTS && run.missing === TESTS - tests);
  assertEquals(run.complete, false);
  assertEquals(first.stderr.match(/budget: \d+ % is spent/g)?.length, 1, first.stderr);
  assertStringIncludes(first.stderr, `${used} of ${tokens} tokens spent`);
  assertMatch(
    first.stderr,
    /tokens spent, and the next request may take \d+ tokens\. With a larger/,
  );
  assertStringIncludes(first.stderr, `--resume`);
  assertStringIncludes(first.stderr, `cost $${total_cost_usd.toFixed(4)}`);
  assertEquals(
    total_cost_usd.toFixed(9),
    ((total_prompt_tokens + 2 * total_completion_tokens) / 1e6).toFixed(9),
  );
  const { items } = jsonIn(join(run.directory, "results.json"));
  const journaled = lines(join(run.directory, "events.jsonl"), "package_finished");
  assertEquals(
    journaled.map(({ result }) => result.cost_usd).sort(),
    items.map((item: { cost_usd: number }) => item.cost_usd).sort(),
  );
  const posts = () => mock.requests.filter(({ method }) => method === "POST").length;
  assertEquals(posts(), tests, "each answer that was paid for is kept");

  const resume = ["--resume", run.directory];
  const again = await dyno([...args, ...resume, "--budget-tokens", `${tokens}`]);
  assertEquals([again.code, posts()], [1, tests], "the same budget is still spent");
  const more = await dyno([...args, ...resume, "--budget-usd", "1"]);
  assertEquals(more.code, 0, more.stderr);
  const [whole] = JSON.parse(more.stdout).runs;
  assertEquals([whole.aggregate.tests, whole.complete, posts()], [TESTS, true, TESTS]);
});

Deno.test("dyno run: an unknown price is unknown, said once, and no budget of dollars", async () => {
  using folder = temporaryFolder();
  await using mock = await start();
  const args = [
    ...["run", suite(folder.path), "--endpoint", mock.url, "--model", "m", "--sample-rate", "0"],
    ...["--out", join(folder.path, "runs"), "--json"],
  ];
  const { code, stdout, stderr } = await dyno(args);
  assertEquals(code, 0, stderr);
  assertEquals(JSON.parse(stdout).runs[0].aggregate.total_cost_usd, null);
  assertEquals(stderr.match(/no price for "m"/g)?.length, 1, stderr);
  assertStringIncludes(stderr, "cost unknown");
  const refused = await dyno([...args, "--budget-usd", "1"]);
  assertEquals(refused.code, 2);
  assertStringIncludes(refused.stderr, "--budget-usd");
  assertStringIncludes(refused.stderr, "--prices FILE");
});

for (const shape of [["--concurrency", "3"], ["--rate", "10"]]) {
  Deno.test(`dyno load ${shape.join(" ")}: ends before its budget is crossed`, async () => {
    using folder = temporaryFolder();
    await using mock = await start();
    const tokens = 2000;
    const { code, stdout, stderr } = await dyno([
      ...["load", "--endpoint", mock.url, ...shape, "--duration", "60", "--grace", "20"],
      ...["--prompt", "one two three four five", "--output-tokens", "20", "--sample-rate", "0"],
      ...["--prices", prices(folder.path), "--budget-tokens", `${tokens}`, "--json"],
    ], { cwd: folder.path });
    assertEquals(code, 1, stderr);
    const [run] = JSON.parse(stdout).runs;
    const requests = lines(join(run.directory, "events.jsonl"), "request_finished")
      .map(({ result }) => result);
    const used = requests.reduce((sum, r) => sum + r.prompt_tokens + r.completion_tokens, 0);
    assert(used <= tokens && used > tokens / 2, `${used}`);
    assertEquals(requests.filter(({ failure }) => failure !== null), []);
    assertEquals(run.stopped_because, "the budget has no room for another request");
    const first = lines(join(run.directory, "events.jsonl"), "request_booked")
      .map(({ entry }) => entry);
    assertEquals(first.map(({ asked_by }) => asked_by), ["preflight"]);
    const cost = [...first, ...requests].reduce((sum, { cost_usd }) => sum + cost_usd, 0);
    assertEquals(run.total_cost_usd.toFixed(9), cost.toFixed(9));
    assertStringIncludes(stderr, `cost $${cost.toFixed(5)}`); // three digits
    assertStringIncludes(stderr, "ended early: the budget");
    assertEquals(stderr.match(/budget: \d+ % is spent/g)?.length, 1, stderr);
  });
}

Deno.test("dyno run and load tell a callback URL when 80 % of a budget is spent, once", async () => {
  using folder = temporaryFolder();
  await using mock = await start();
  await using hook = await receiver();
  const told = ["--callback-url", hook.url, "--allow-private-callbacks", "--sample-rate", "0"];
  const commands = [
    ["run", suite(folder.path), "--budget-tokens", "500", "--workers", "1"],
    [
      ...["load", "--concurrency", "1", "--requests", "1000"],
      ...["--budget-tokens", "1000", "--output-tokens", "20"],
    ],
  ];
  for (const command of commands) {
    hook.received.length = 0;
    const { code, stderr } = await dyno([...command, "--endpoint", mock.url, ...told], {
      cwd: folder.path,
    });
    assertEquals(code, 1, stderr);
    const payloads = hook.received.map(({ body }) => JSON.parse(body));
    assertEquals(payloads.map(({ event }) => event).sort(), ["budget_alert", "ended"], stderr);
    const alert = payloads.find(({ event }) => event === "budget_alert");
    assertStringIncludes(alert.message, "% is spent");
    assertEquals(Object.keys(alert), ["event", "task_id", "run_id", "message", "timestamp"]);
  }
});
