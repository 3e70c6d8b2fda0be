/** The library as a newcomer's program uses it: little is given, and errors say all that is wrong. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { InputError, MockEndpoint, runLoad, runSuite } from "../../lib/mod.ts";
import { assertRunsConserved } from "../load/conserved.ts";
import { jsonIn, promptTests, temporaryFolder } from "../suite/fixture.ts";
import type { LoadGiven } from "../../lib/mod.ts";

Deno.test("runLoad needs an endpoint, a load and an end; times are named with or without unit", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start({ model: "m", behaviour: { delay_s: 0.01 } });
  const out = join(folder.path, "runs");
  const endpoint = `${mock.url}/v1`;
  const { results, directory } = await runLoad({ endpoint, concurrency: 4, duration: "1s", out });
  assertEquals([results.benchmark, results.model, results.complete], ["load", "m", true]);
  assert(results.total.requests.successful > 0);
  const [stage] = jsonIn(join(directory.path, "run_metadata.json")).config.stages;
  assertEquals(stage.duration_s, 1); // what it took beside that is the machine's
  assert(results.total.window.duration_s > 0.1 && results.total.window.duration_s < 30);
  assertStringIncludes(directory.path, out);
  const counted = await runLoad({
    endpoint,
    rate: 100,
    requests: 10,
    grace: "5s",
    out,
    name: "ten",
  });
  assertEquals([counted.results.benchmark, counted.results.total.requests.sent], ["ten", 10]);
  await assertRunsConserved(out);
});

Deno.test("runLoad's first error says all that is wrong, and what a field is for", async () => {
  const said = async (given: object) =>
    (await assertRejects(() => runLoad(given as LoadGiven), InputError)).message;
  const nothing = await said({});
  for (const part of ["how much load?", "how long?", "which endpoint?"]) {
    assertStringIncludes(nothing, part);
  }
  const wrong = await said({ endpoint: "http://x", concurency: 2, rate: -1, duration: "soon" });
  for (
    const part of [
      '"concurency" is not a field; did you mean "concurrency"?',
      "runLoad.rate",
      "open loop", // what rate is for
      "runLoad.duration_s",
      "500ms",
    ]
  ) assertStringIncludes(wrong, part);
});

Deno.test("runSuite needs a suite's path, an endpoint and a model; evaluators may give short answers", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start({ behaviour: { default_response: "ok" } });
  const module = (name: string, body: string) => {
    writeFileSync(join(folder.path, name), `export default ${body};\n`);
    return { name: `./${name}` };
  };
  const options = "options: { safeParse: (data) => ({ success: true, data }) }";
  const forms: [object, boolean | null, number | null][] = [
    [module("yes.mjs", "({ response_text }) => response_text === 'ok'"), true, 1],
    [module("no.mjs", "() => Promise.resolve(false)"), false, 0],
    [module("part.mjs", "() => 0.25"), false, 0.25],
    [module("whole.mjs", "() => 1"), true, 1],
    [module("pair.mjs", "() => ({ passed: true, score: 0.5, detail: 'half' })"), true, 0.5],
    [module("score.mjs", "() => ({ score: 0.75 })"), false, 0.75],
    [{ ...module("own.mjs", `{ ${options}, evaluate: (_, { x }) => x === 3 }`), x: 3 }, true, 1],
    [module("text.mjs", "() => 'yes'"), null, null],
    [module("many.mjs", "() => 7"), null, null],
  ];
  const tests = promptTests(forms.length).map((test, i) => ({ ...test, evaluator: forms[i][0] }));
  const suite = join(folder.path, "suite.json");
  writeFileSync(suite, JSON.stringify({ test_suite_id: "short", tests }));
  const endpoint = `${mock.url}/v1`;
  const { results } = await runSuite({ suite, endpoint, model: "mock", out: folder.path });
  const items = results.items.toSorted((a, b) => a.package_id.localeCompare(b.package_id));
  assertEquals(items.map(({ passed }) => passed), forms.map(([, passed]) => passed));
  assertEquals(items.map(({ score }) => score?.hit_rate ?? null), forms.map(([, , rate]) => rate));
  assertStringIncludes(items.at(-1)!.evaluation_error!, "a score from 0 to 1");
});

Deno.test("runSuite's first error says all that is wrong", async () => {
  const { message } = await assertRejects(
    // deno-lint-ignore no-explicit-any
    () => runSuite({ suite: "nowhere.json", timeout: -1, retry_attempts: 0.5 } as any),
    InputError,
  );
  for (
    const part of ["which endpoint?", "nowhere.json: no such file in ", "timeout", "retry_attempts"]
  ) {
    assertStringIncludes(message, part);
  }
});
