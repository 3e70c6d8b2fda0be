/** Several models under one load, by the mock's own log of who was asked. */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { weightedModels, withModels } from "../../lib/load/models.ts";
import { fixedPrompt } from "../../lib/load/prompts/prompts.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { dynoEach } from "../e2e/dyno.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { load } from "./fixture.ts";

const asked = (mock: MockEndpoint) =>
  mock.requests.filter(({ method }) => method === "POST")
    .map(({ body }) => (body as { model: string }).model);
const count = (names: readonly string[], name: string) => names.filter((n) => n === name).length;

Deno.test("weights as they are written", () => {
  assertEquals(weightedModels("a=3"), [{ name: "a=3", weight: 1 }]); // one: a name as it stands
  assertEquals(weightedModels(["a=3", "org/b:x=0.5", "c"]), [
    { name: "a", weight: 3 },
    { name: "org/b:x", weight: 0.5 },
    { name: "c", weight: 1 },
  ]);
  for (const wrong of [["a=0", "b"], ["a=1", "a=2"], ["a", "a"], ["a=1.2.3", "b"]]) {
    assertThrows(() => weightedModels(wrong), InputError, "--model");
  }
});

Deno.test("any stretch has each model's share, but for one of it", () => {
  // M. Tijdeman, The chairman assignment problem, Discrete Mathematics 32, 1980: deviations below 1 exist
  const models = [{ name: "a", weight: 5 }, { name: "b", weight: 1 }, { name: "c", weight: 1.5 }];
  const source = withModels(fixedPrompt("x", null), models);
  const drawn = Array.from({ length: 1500 }, () => source.next()!.parameters!.model as string);
  const seen = { a: 0, b: 0, c: 0 } as Record<string, number>;
  drawn.forEach((name, i) => {
    seen[name]++;
    for (const { name, weight } of models) {
      const due = (i + 1) * weight / 7.5;
      assert(Math.abs(seen[name] - due) <= 1.5, `${name}: ${seen[name]} of ${due} at ${i}`);
    }
  });
  assertEquals(seen, { a: 1000, b: 200, c: 300 });
});

Deno.test("two adapters, three to one: sent, counted and told apart; a conversation keeps its own", async () => {
  await using mock = await MockEndpoint.start({ model: ["base", "lora-a", "lora-b"] });
  using run = await load({
    endpoint: mock.url,
    model: ["lora-a=3", "lora-b=1"],
    concurrency: 4,
    requests: 40,
    turns: 2,
    input_tokens: 8,
  });
  const names = asked(mock);
  assertEquals([count(names, "lora-a"), count(names, "lora-b"), names.length], [60, 20, 80]);
  const { models, total, model } = run.results;
  assertEquals(model, "lora-a + lora-b");
  assertEquals(models!.map(({ name, requests }) => [name, requests.successful]), [
    ["lora-a", 60],
    ["lora-b", 20],
  ]);
  assertAlmostEquals(
    models!.reduce((sum, part) => sum + part.requests_per_s!, 0),
    total.requests_per_s!,
    1e-6,
  );
  const byConversation = new Map<number, Set<string>>();
  for (const { conversation, model } of run.records) {
    byConversation.set(conversation!, (byConversation.get(conversation!) ?? new Set()).add(model!));
  }
  assert([...byConversation.values()].every(({ size }) => size === 1));
});

Deno.test("models that a dataset's rows name have figures of their own", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const path = `${folder.path}/rows.jsonl`;
  const row = (model?: string) =>
    JSON.stringify({ prompt: "one two", ...(model ? { model } : {}) });
  await Deno.writeTextFile(path, [row("x"), row("y"), row(), row("x")].join("\n"));
  using run = await load({ endpoint: mock.url, prompts: path, concurrency: 1, requests: 4 });
  assertEquals(asked(mock), ["x", "y", "mock", "x"]);
  assertEquals(run.results.models!.map(({ name, requests }) => [name, requests.successful]), [
    ["mock", 1],
    ["x", 2],
    ["y", 1],
  ]);
});

Deno.test("each model has its own price; the table, --json and the requests' rows tell them", async () => {
  await using mock = await MockEndpoint.start({ behaviour: { default_response: "one two" } });
  using folder = temporaryFolder();
  const prices = `${folder.path}/prices.json`;
  const price = (model: string, input: number, output: number) => ({
    model,
    input,
    output,
    date: "2026-01-01",
    source: "https://example.com/prices",
  });
  await Deno.writeTextFile(
    prices,
    JSON.stringify({
      unit: "USD per million tokens",
      prices: [price("cheap", 1, 2), price("dear", 100, 200)],
    }),
  );
  const given = "-c 2 --requests 8 --input-tokens 10 --sample-rate 0".split(" ");
  const [{ code, stdout, stderr }] = await dynoEach([[
    "load",
    `--endpoint=${mock.url}`,
    "--model=cheap=3",
    "--model=dear",
    `--prices=${prices}`,
    ...given,
    "--json",
    "-o",
    folder.path,
  ]], { cwd: folder.path });
  assertEquals(code, 0, stderr);
  assertStringIncludes(stderr, "by model");
  const [results] = JSON.parse(stdout).runs;
  assertEquals(results.models.map(({ name }: { name: string }) => name), ["cheap", "dear"]);
  // by hand from the mock's log: tokens of each model at its price, first question included
  let usd = 0;
  for (const { body, tokens } of mock.requests.filter(({ method }) => method === "POST")) {
    const own = (body as { model: string }).model === "dear" ? [100, 200] : [1, 2];
    usd += (tokens!.prompt * own[0] + tokens!.completion * own[1]) / 1e6;
  }
  assertAlmostEquals(results.total_cost_usd, usd, 1e-12);
  assertEquals(results.requests_of_unknown_cost, 0);
});
