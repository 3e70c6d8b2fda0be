/** Other programs' suites: promptfoo's configuration and OpenAI's evals are run, the rest is named. */
import { assertEquals, assertRejects } from "@std/assert";
import { writeFileSync } from "node:fs";
import { InputError } from "../../../lib/errors.ts";
import { MockEndpoint } from "../../../lib/mock/server.ts";
import { linesSuite, openSuite } from "../../../lib/suite/open_suite.ts";
import { dyno } from "../../e2e/dyno.ts";
import { runOnMock, temporaryFolder } from "../fixture.ts";

const CONFIG = `# promptfoo's own form: https://www.promptfoo.dev/docs/configuration/guide
description: greetings
prompts:
  - "Greet {{name}} in {{language}}."
  - '[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello to {{name}}"}]'
providers: [openai:gpt-4o-mini]
defaultTest:
  assert:
    - {type: not-icontains, value: as an ai}
tests:
  - description: Bob in French
    vars: {name: Bob, language: French}
    assert:
      - {type: contains, value: Bonjour}
      - {type: icontains-any, value: [bob, robert]}
  - vars: {name: Ann, language: English}
    threshold: 0.5
    assert:
      - {type: equals, value: "Hello {{name}}"}
      - {type: starts-with, value: Hello}
      - {type: regex, value: "A.n", weight: 2}
`;

Deno.test("promptfoo's configuration is run: prompts times tests, its assertions judged", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/promptfooconfig.yaml`;
  writeFileSync(path, CONFIG);
  await using mock = await MockEndpoint.start({
    script: {
      default_response: "As an AI I greet nobody",
      answers: [
        { contains: "Greet Bob in French.", response: "Bonjour BOB!" },
        { contains: "Hello to Bob", response: "Bonjour, Robert. As an AI, I am glad." },
        { contains: "Greet Ann in English.", response: "Hello, Ann" },
      ],
    },
  });
  const suite = await openSuite(path);
  assertEquals(suite.suite.tests.map(({ id }) => id), ["t1_p1", "t1_p2", "t2_p1", "t2_p2"]);
  assertEquals(suite.suite.tests[1].messages![1].content, "Hello to Bob");
  const run = await runOnMock(mock, { out: folder.path, suite });
  const passed = Object.fromEntries(run.results.items.map((item) => [item.test_id, item.passed]));
  // by hand: t2 on the first prompt has all but "equals", of weight 1 of 5; on the second it has none
  assertEquals(passed, { t1_p1: true, t1_p2: false, t2_p1: true, t2_p2: false });
});

Deno.test("what dyno does not know of promptfoo is refused by name and place", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/c.yaml`;
  const fails = async (text: string, message: string) => {
    writeFileSync(path, text);
    await assertRejects(() => openSuite(path), InputError, message);
  };
  const one = (assert: string) => `prompts: [hi]\ntests:\n  - assert: [${assert}]\n`;
  await fails(
    one("{type: javascript, value: output.length}"),
    'c.yaml:3:14: promptfoo\'s assertion "javascript"',
  );
  await fails(one("{type: latency, threshold: 5}"), 'assertion "latency"');
  await fails("prompts: [hi]\ntests: file://tests.csv\n", "c.yaml:2:8: promptfoo's tests");
  await fails("prompts: [hi]\nproviders: [x]\nscenarios: []\n", "promptfoo's scenarios");
  await fails("prompts: [file://p.js]\ntests: [{}]\n", "prompt file://p.js");
  await fails("prompts: ['{{a}}']\ntests: [{vars: {a: [1, 2]}}]\n", "lists of values (a)");
  await fails("prompts: ['{{b}}']\ntests: [{vars: {a: 1}}]\n", "undefined variable: b");
});

Deno.test("samples of OpenAI's evals are run from the command line; lm-eval's are named", async () => {
  using folder = temporaryFolder();
  const cwd = folder.path;
  const put = (name: string, ...rows: object[]) =>
    writeFileSync(`${cwd}/${name}`, rows.map((row) => JSON.stringify(row)).join("\n") + "\n");
  const input = [{ role: "system", content: "Answer in a word." }, {
    role: "user",
    content: "2+2?",
  }];
  put("samples.jsonl", { input, ideal: ["4", "four"] }, { input: "Say (yes).", ideal: "(no)" });
  await using mock = await MockEndpoint.start({ behaviour: { default_response: "four it is" } });
  const args = ["--endpoint", `${mock.url}/v1`, "--model", "mock", "--sample-rate", "0", "--json"];
  const run = await dyno(["run", "samples.jsonl", ...args], { cwd });
  assertEquals(run.code, 0, run.stderr);
  const { items } = (await linesSuite(`${cwd}/samples.jsonl`))!.suite.tests.length === 2
    ? JSON.parse(Deno.readTextFileSync(`${JSON.parse(run.stdout).runs[0].directory}/results.json`))
    : { items: [] };
  assertEquals(items.map(({ passed }: { passed: boolean }) => passed), [true, false]);
  put("graded.jsonl", { input: "Write a poem." });
  await assertRejects(() => linesSuite(`${cwd}/graded.jsonl`), InputError, 'without "ideal"');
  put("samples_gsm8k_2026.jsonl", {
    doc_id: 0,
    doc: {},
    target: "4",
    arguments: [],
    resps: [["4"]],
  });
  const refused = await dyno(["run", "samples_gsm8k_2026.jsonl", ...args], { cwd });
  assertEquals([refused.code, /lm-eval's samples/.test(refused.stderr)], [2, true]);
  put("problems.jsonl", { task_id: "T/0", prompt: "p", entry_point: "f", test: "t" });
  assertEquals(await linesSuite(`${cwd}/problems.jsonl`), null);
});
