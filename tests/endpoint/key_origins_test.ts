/** A key goes to the hosts that it is bound to: tried with endpoints that listen for it. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { boundKeys, checkKeyOfFile, keyOrigins, mayGo } from "../../lib/endpoint/key_origins.ts";
import { InputError } from "../../lib/errors.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { dyno } from "../e2e/dyno.ts";
import { post, serving, submit, taskOver } from "../server/fixture.ts";
import { promptTests, temporaryFolder } from "../suite/fixture.ts";

const NAME = "DYNO_TEST_KEY";
const KEY = "sk-bound-key-1234567890";
/** Of a preset, so that its place is known: https://api.groq.com. */
const PRESET = "GROQ_API_KEY";
const ENV = { [NAME]: KEY, [PRESET]: KEY };

/** Whether an endpoint was told the key, in whatever header. */
function heard({ requests }: MockEndpoint): boolean {
  return requests.some(({ headers }) => JSON.stringify(headers).includes(KEY));
}

Deno.test("what --key-env says: an origin, a beginning of names, a preset's own", () => {
  assertEquals(keyOrigins(["A=https://h.example/v1", "B*=http://h.example:80"]), [
    { name: "A", origin: "https://h.example" },
    { name: "B*", origin: "http://h.example" },
  ]);
  assertEquals(keyOrigins([PRESET]), [{ name: PRESET, origin: "https://api.groq.com" }]);
  for (
    const wrong of ["A", "A*", "HOME", "A=", "A=h.example", "A=ftp://h.example", "=x", "A B=x"]
  ) {
    assertThrows(() => keyOrigins([wrong]), InputError, "NAME=ORIGIN");
  }
});

Deno.test("origins are compared whole: scheme, host and port", () => {
  const bound = keyOrigins(["A=https://llm.example.com"]);
  assert(mayGo({ name: "A", origin: "https://llm.example.com" }, bound));
  for (
    const elsewhere of [
      "http://llm.example.com/v1",
      "https://llm.example.com:8443/v1",
      "https://llm.example.com.evil.example/v1",
      "https://evil.example/llm.example.com",
      "https://llm.example.com@evil.example/v1",
      "https://xllm.example.com/v1",
      "http+unix://%2Ftmp%2Fs/v1",
    ]
  ) {
    const use = { endpoint: elsewhere, api_key_env: "A" };
    assertThrows(() => checkKeyOfFile("f.json", use, bound), InputError, "not named");
  }
  checkKeyOfFile("f.json", { endpoint: "https://LLM.example.com:443/v1", api_key_env: "A" }, bound);
  checkKeyOfFile("f.json", { provider: "groq" }, []);
  checkKeyOfFile("f.json", { endpoint: "http://anywhere.example/v1" }, []);
  // a preset's key at a host of the file's, and another's key at a preset's host
  for (
    const use of [
      { provider: "groq", endpoint: "https://evil.example/v1" },
      { provider: "groq", api_key_env: "OPENAI_API_KEY" },
      { endpoint: "http://127.0.0.1:8000/v1", api_key_env: "OPENAI_API_KEY" },
    ]
  ) assertThrows(() => checkKeyOfFile("f.json", use, []), InputError, "--key-env");
});

Deno.test("commands get it from the environment too", () => {
  Deno.env.set("DYNO_KEY_ENV", "A=https://a.example,B=https://b.example");
  try {
    assertEquals(boundKeys(["C=https://c.example"]).map(({ name }) => name), ["C", "A", "B"]);
  } finally {
    Deno.env.delete("DYNO_KEY_ENV");
  }
});

Deno.test("a task sends no key of the operator's elsewhere: 403", async () => {
  using place = temporaryFolder();
  await using good = await MockEndpoint.start();
  await using evil = await MockEndpoint.start();
  for (const [name, value] of Object.entries(ENV)) Deno.env.set(name, value);
  try {
    writeFileSync(
      join(place.path, "suite.json"),
      JSON.stringify({ test_suite_id: "s", tests: promptTests(1) }),
    );
    const file = { name: "x", suite: "suite.json", endpoint: evil.url, api_key_env: NAME };
    writeFileSync(join(place.path, "experiment.json"), JSON.stringify(file));
    await using server = await serving(place.path, { key_envs: [`${NAME}=${good.url}`, PRESET] });
    const suite = { kind: "suite", suite: "suite.json", model: "m" };
    const load = { kind: "load", requests: 1, concurrency: 1, model: "m" };
    const refused = [suite, load].flatMap((task) => [
      { ...task, endpoint: `${evil.url}/v1`, api_key_env: NAME },
      { ...task, endpoint: `${evil.url}/v1`, api_key_env: PRESET },
      { ...task, endpoint: `${good.url}/v1`, api_key_env: PRESET },
      { ...task, provider: "openrouter", api_key_env: PRESET },
    ]);
    for (const task of [...refused, { kind: "suite", suite: "experiment.json", model: "m" }]) {
      const answer = await post(`${server.url}/tasks`, task);
      const { error } = await answer.json();
      assertEquals(answer.status, 403, JSON.stringify([task, error]));
      assertEquals(error.issues[0].path, ["api_key_env"]);
      assertStringIncludes(error.message, "is not sent to");
    }
    const task = { ...load, endpoint: `${good.url}/v1`, api_key_env: NAME };
    const over = await taskOver(server.url, await submit(server.url, task));
    assertEquals(over.status, "completed", JSON.stringify(over));
    assertEquals([heard(good), heard(evil)], [true, false]);
  } finally {
    for (const name of Object.keys(ENV)) Deno.env.delete(name);
  }
});

Deno.test("a file sends a key only to a host that the user named", async () => {
  using place = temporaryFolder();
  await using evil = await MockEndpoint.start();
  const cwd = join(place.path, "work");
  mkdirSync(cwd);
  const write = (name: string, value: unknown) => {
    writeFileSync(join(place.path, name), JSON.stringify(value));
    return join(place.path, name);
  };
  const keyed = { endpoint: `${evil.url}/v1`, model: "m", api_key_env: NAME };
  write("suite.json", { test_suite_id: "s", tests: promptTests(1) });
  write("questions.json", {
    questions: [{ id: "1", question: "q", context: ["c"], key_points: ["k"] }],
  });
  const suite = write("experiment.json", { name: "x", suite: "suite.json", ...keyed });
  const load = write("load.json", {
    kind: "load",
    name: "x",
    requests: 1,
    concurrency: 1,
    ...keyed,
  });
  const preset = write("preset.json", {
    kind: "load",
    name: "x",
    requests: 1,
    model: "m",
    endpoint: `${evil.url}/v1`,
    concurrency: 1,
  });
  const batch = write("batch.json", {
    name: "b",
    schedule: { evaluations: 1, days: 1 },
    models: [{ provider: "own", ...keyed }],
    industries: [{ industry: "i", questions: "questions.json" }],
    retry_attempts: 0,
  });
  const scenarios = write("integration.json", {
    suite: "suite.json",
    models: [keyed],
    packages: ["t0"],
    scenarios: [{ name: "one" }],
  });
  const told = ["--key-env", `${NAME}=http://127.0.0.1:9`];
  const refused = [
    ["run", suite],
    ["run", suite, ...told],
    ["run", suite, "--api-key-env", PRESET],
    ["load", load],
    ["load", preset, "--api-key-env", NAME],
    ["batch", "run", batch, "--once"],
    ["integration", scenarios],
  ];
  for (const args of refused) {
    const { code, stderr } = await dyno(args, { cwd, env: ENV });
    assertEquals(code, 2, `${args.join(" ")}: ${stderr}`);
    assertStringIncludes(stderr, `=${evil.url}`);
  }
  const sweep = write("sweep.json", {
    name: "s",
    kind: "load",
    common_args: { ...keyed, requests: 1 },
    matrix: { concurrency: [1], seeds: [1] },
  });
  assertEquals((await dyno(["sweep", "--config", sweep], { cwd, env: ENV })).code, 1);
  assertEquals(heard(evil), false);
  // the command line's preset takes the place of the file's URL, whose host never hears of its key
  const moved = await dyno(["load", preset, "--provider", "vllm", "--timeout", "2"], { cwd });
  assertEquals(moved.code, 2, moved.stderr);
  assertStringIncludes(moved.stderr, "127.0.0.1:8000");
  for (
    const args of [
      ["run", suite, "--key-env", `${NAME}=${evil.url}`],
      ["load", load, "--endpoint", `${evil.url}/v1`],
    ]
  ) {
    const before = evil.requests.length;
    const { code, stderr } = await dyno(args, { cwd, env: ENV });
    assertEquals(code, 0, stderr);
    const since = JSON.stringify(evil.requests.slice(before).map(({ headers }) => headers));
    assertStringIncludes(since, KEY, "where the user names the host it goes");
  }
});
