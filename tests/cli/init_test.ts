/** dyno init writes files that run at once; dyno explain says what their runs show. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { mockSettings } from "../../lib/settings/mock.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { dyno, dynoEach } from "../e2e/dyno.ts";
import { temporaryFolder } from "../suite/fixture.ts";

Deno.test("each kind of file runs as it was written, and is explained", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start({
    model: "m",
    behaviour: { default_response: "the answer is 5.15, or ls", tokens_per_second: 500 },
  });
  const at = { cwd: folder.path };
  const on = ["--endpoint", `${mock.url}/v1`];
  const [suite, load, sweep, again, usual, far] = await dynoEach([
    ["init", "suite", ...on, "--model", "m", "--name", "asked"],
    ["init", "load", ...on, "--name", "put on"],
    ["init", "sweep", "--name", "swept"],
    ["init", "sweep", "--name", "swept"],
    ["init", "load", "--name", "usual"],
    ["init", "load", "--name", "far", "--endpoint", "https://example.org/v1"],
  ], at);
  assertEquals([suite.code, load.code, sweep.code], [0, 0, 0], suite.stderr);
  assertEquals(again.code, 2);
  assertMatch(again.stderr, /swept\.yaml: exists already; --force/);
  assertEquals(load.stdout, "dyno load put_on.yaml\n");
  // --tokens-per-second gives answers several events, without which no request has a tpot to hold to its limit
  const { port } = new URL(mock.url);
  const paced = `dyno mock --port ${port} --delay 0.1 --tokens-per-second 50, in another`;
  assertStringIncludes(load.stderr, paced);
  assertStringIncludes(suite.stderr, `dyno mock --port ${port}, in another`);
  assertStringIncludes(usual.stderr, "dyno mock --delay 0.1");
  const written = readFileSync(join(folder.path, "usual.yaml"), "utf8");
  assertMatch(
    written,
    new RegExp(`^endpoint: "http://127.0.0.1:${mockSettings.parse({}).port}/`, "m"),
  );
  assert(!far.stderr.includes("dyno mock"), far.stderr);
  const text = readFileSync(join(folder.path, "put_on.yaml"), "utf8");
  assert(text.split("\n").filter((line) => line.includes("#")).length > 5, "comments teach");

  const words = (line: string) => line.trim().split(" ").slice(1);
  const ran = await dyno([...words(suite.stdout), "--json"], at);
  assertEquals(ran.code, 0, ran.stderr);
  assertEquals(JSON.parse(ran.stdout).runs[0].aggregate.passed, 2, "of three");
  const loaded = await dyno([...words(load.stdout), "--duration", "300ms", "--json"], at);
  assertEquals(loaded.code, 0, loaded.stderr);
  assertEquals(JSON.parse(loaded.stdout).runs.length, 3);
  const swept = await dyno([...words(sweep.stdout), "--json"], at);
  assertEquals(swept.code, 0, swept.stderr);
  assertEquals(JSON.parse(swept.stdout).ended, 6);

  const [byLoad, bySuite, none] = await dynoEach([
    ["explain", "latest"],
    ["explain", "latest~3"],
    ["explain", "bench_ffffffff"],
  ], at);
  for (const { code, stdout, stderr } of [byLoad, bySuite]) {
    assertEquals(code, 0, stderr);
    for (const part of ["It shows", "It cannot show", "Next"]) assertStringIncludes(stdout, part);
    assert(stdout.trim().split("\n").length <= 16, stdout);
  }
  // 2 of 3, and Wilson's interval of that: 20.8 to 93.9 % (scipy's binomtest(2, 3).proportion_ci)
  assertStringIncludes(bySuite.stdout, "2 of 3 judged answers were right: 66.7 % [20.8, 93.9]");
  assertStringIncludes(bySuite.stdout, "The weakest category is shell: 50.0 %");
  assertMatch(byLoad.stdout, /requests were answered, 0 were not/);
  assertEquals(none.code, 2);
});
