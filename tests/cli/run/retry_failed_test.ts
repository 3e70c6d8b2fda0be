/** dyno run --retry-failed and --env-file. */
import { assertEquals, assertMatch } from "@std/assert";
import { writeFileSync } from "node:fs";
import { MockEndpoint } from "../../../lib/mock/server.ts";
import { dyno } from "../../e2e/dyno.ts";
import { temporaryFolder } from "../../suite/fixture.ts";

Deno.test("--retry-failed asks again what has no answer or was not judged, and nothing else", async () => {
  using folder = temporaryFolder();
  const cwd = folder.path;
  const test = (id: string, more: object) => ({ id, name: id, category: "c", prompt: id, ...more });
  const wrong = { name: "contains", expected: "never said" };
  const program = { name: "command", command: ["sh", "./judge.sh"] };
  writeFileSync(
    `${cwd}/s.json`,
    JSON.stringify({
      test_suite_id: "s",
      tests: [
        test("unanswered", {}),
        test("wrong", { evaluator: wrong }),
        test("unjudged", { evaluator: program }),
        test("fine", {}),
      ],
    }),
  );
  await using mock = await MockEndpoint.start({
    behaviour: { error_mode: "server_error", fault_count: 1 },
  });
  const args = ["--endpoint", `${mock.url}/v1`, "--model", "mock", "--sample-rate", "0"];
  const more = ["--workers", "1", "--retry-attempts", "0", "--json"];
  const first = await dyno(["run", "s.json", ...args, ...more], { cwd });
  assertEquals(first.code, 1, first.stderr);
  const { directory } = JSON.parse(first.stdout).runs[0];
  writeFileSync(`${cwd}/judge.sh`, `echo '{"passed": true}'`);
  mock.clearRequests();
  const second = await dyno(["run", "s.json", ...args, ...more, "--retry-failed", directory], {
    cwd,
  });
  assertEquals(second.code, 0, second.stderr);
  const asked = mock.requests.filter(({ method }) => method === "POST").map(({ body }) =>
    (body as { messages: { content: string }[] }).messages[0].content
  );
  assertEquals(asked, ["unanswered", "unjudged"]);
  const results = JSON.parse(Deno.readTextFileSync(`${directory}/results.json`));
  assertEquals(
    results.items.map((
      { success, passed }: { success: boolean; passed: boolean },
    ) => [success, passed]),
    [
      [true, null],
      [true, false],
      [true, true],
      [true, null],
    ],
  );
  const both = await dyno(["run", "s.json", "--resume", "a", "--retry-failed", "b"], { cwd });
  assertMatch(both.stderr, /leave out --resume/);
});

Deno.test("--env-file gives variables that are not set: a key, which no file of the run holds", async () => {
  using folder = temporaryFolder();
  const cwd = folder.path;
  const tests = [{ id: "t", name: "t", category: "c", prompt: "q" }];
  writeFileSync(`${cwd}/s.json`, JSON.stringify({ test_suite_id: "s", tests }));
  writeFileSync(`${cwd}/keys.env`, '# keys\nMY_TEST_KEY="sk-of-a-file"\n');
  await using mock = await MockEndpoint.start();
  const args = [
    "run",
    "s.json",
    "--endpoint",
    `${mock.url}/v1`,
    "--model",
    "mock",
    "--sample-rate",
    "0",
  ];
  const key = ["--api-key-env", "MY_TEST_KEY", "--env-file"];
  const run = await dyno([...args, ...key, "keys.env"], { cwd });
  assertEquals(run.code, 0, run.stderr);
  assertEquals(mock.requests.at(-1)!.headers.authorization, "Bearer sk-of-a-file");
  const set = await dyno([...args, ...key, "keys.env"], {
    cwd,
    env: { MY_TEST_KEY: "sk-of-the-shell" },
  });
  assertEquals(set.code, 0, set.stderr);
  assertEquals(mock.requests.at(-1)!.headers.authorization, "Bearer sk-of-the-shell");
  const load = ["load", ...args.slice(2), "--concurrency", "1", "--requests", "1"];
  const sent = await dyno([...load, ...key, "keys.env"], { cwd });
  assertEquals(sent.code, 0, sent.stderr);
  assertEquals(mock.requests.at(-1)!.headers.authorization, "Bearer sk-of-a-file");
  writeFileSync(`${cwd}/odd.env`, "nothing here\n");
  assertMatch(
    (await dyno([...args, ...key, "odd.env"], { cwd })).stderr,
    /odd.env:1: expected NAME=VALUE/,
  );
  assertMatch((await dyno([...args, ...key, "none.env"], { cwd })).stderr, /--env-file none.env: /);
});
