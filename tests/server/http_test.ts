/** What the server refuses, and how it says so. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { InputError } from "../../lib/errors.ts";
import { promptTests, temporaryFolder } from "../suite/fixture.ts";
import { getJson, post, serving } from "./fixture.ts";
import { until } from "../until.ts";

const TOKEN = "0123456789abcdef-token";
const ENDPOINT = "http://127.0.0.1:1/v1";
const IDLE = ["true"]; // stands for dyno where no task is to be carried out

interface Answer {
  error: {
    code: string;
    message: string;
    issues?: { path: (string | number)[]; message: string }[];
  };
}

function writeSuite(path: string, more: object = {}): void {
  const suite = { test_suite_id: "s", ...more, tests: promptTests(2) };
  writeFileSync(join(path, "suite.json"), JSON.stringify(suite));
}

const suiteTask = (more: object = {}) => ({
  kind: "suite",
  suite: "suite.json",
  endpoint: ENDPOINT,
  ...more,
});

Deno.test("a token is needed where one is set, and where other hosts reach the server", async () => {
  using place = temporaryFolder();
  await using server = await serving(place.path, { token: TOKEN });
  const ask = (authorization?: string, path = "/tasks") =>
    fetch(server.url + path, { headers: authorization ? { authorization } : {} });
  const refused = await ask();
  assertEquals(refused.status, 401);
  assertStringIncludes(refused.headers.get("www-authenticate")!, "Bearer");
  await refused.body?.cancel();
  const wrong = [`Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(1)}`, "Bearer", `Basic ${TOKEN}`, TOKEN];
  for (const given of wrong) {
    const answer = await ask(given);
    assertEquals(answer.status, 401, given);
    await answer.body?.cancel();
  }
  for (const path of ["/info", "/schema", "/openapi.json", "/tasks/x", "/nowhere"]) {
    const answer = await ask(undefined, path);
    assertEquals(answer.status, 401, path);
    await answer.body?.cancel();
  }
  for (const given of [`Bearer ${TOKEN}`, `bearer  ${TOKEN}`]) {
    const answer = await ask(given);
    assertEquals(answer.status, 200, given);
    await answer.body?.cancel();
  }
  assertEquals(await (await ask(undefined, "/health")).json(), { status: "ok" });

  const elsewhere = { host: "0.0.0.0", token: undefined };
  await assertRejects(() => serving(place.path, elsewhere), InputError, "DYNO_SERVE_TOKEN");
  const short = { host: "0.0.0.0", token: "short" };
  await assertRejects(() => serving(place.path, short), InputError, "16 or more");
});

Deno.test("a page of another site cannot speak to the server through a browser", async () => {
  using place = temporaryFolder();
  writeSuite(place.path);
  await using server = await serving(place.path, { command: IDLE });
  const foreign = await post(`${server.url}/tasks`, suiteTask(), {
    origin: "https://evil.example",
  });
  assertEquals(foreign.status, 403);
  await foreign.body?.cancel();
  const own = await post(`${server.url}/validate`, suiteTask(), { origin: server.url });
  assertEquals(await own.json(), { valid: true, issues: [] });
  const form = await fetch(`${server.url}/tasks`, { method: "POST", body: "{}" });
  assertEquals(form.status, 415);
  await form.body?.cancel();
  const rebound = await rawRequest(server.url, "GET /tasks HTTP/1.1\r\nhost: evil.example\r\n\r\n");
  assertStringIncludes(rebound, "403");
  const { port } = new URL(server.url); // a host's name has no case: RFC 9110, 4.2.3
  const capitals = await rawRequest(
    server.url,
    `GET /tasks HTTP/1.1\r\nhost: LocalHost:${port}\r\norigin: http://localhost:${port}\r\n\r\n`,
  );
  assertStringIncludes(capitals, " 200 ");
});

/** Sends bytes as they are and gives the beginning of the answer. */
async function rawRequest(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const { connect } = await import("node:net");
  return await new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(text));
    socket.on("data", (bytes) => {
      resolve(String(bytes));
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

Deno.test("answers carry headers that keep browsers from trusting them", async () => {
  using place = temporaryFolder();
  await using server = await serving(place.path);
  const { headers, body } = await fetch(`${server.url}/info`);
  await body?.cancel();
  assertStringIncludes(headers.get("content-security-policy")!, "default-src 'none'");
  assertEquals(headers.get("x-content-type-options"), "nosniff");
  assertEquals(headers.get("x-frame-options"), "DENY");
  assertEquals(headers.get("cache-control"), "no-store");
  assertEquals(headers.get("access-control-allow-origin"), null);
});

Deno.test("what is wrong with a task is told with its place", async () => {
  using place = temporaryFolder();
  writeSuite(place.path);
  mkdirSync(join(place.path, "runs", "bench_x"), { recursive: true });
  writeFileSync(join(place.path, "runs", "bench_x", "suite.json"), "{}");
  symlinkSync("/etc/passwd", join(place.path, "link.json"));
  writeFileSync(
    join(place.path, "keyed.json"),
    JSON.stringify({ name: "k", suite: "suite.json", endpoint: ENDPOINT, api_key_env: "SOME_KEY" }),
  );
  await using server = await serving(place.path, { command: IDLE, private_callbacks: false });
  const sweep = (config: object) => ({
    kind: "sweep",
    config: { name: "x", matrix: { seeds: [1] }, ...config },
  });
  const cases: [body: unknown, path: string, says: string][] = [
    [{}, "kind", "expected suite, load, sweep, batch"],
    [[], "", "expected an object"],
    [suiteTask({ suite: "nowhere.json" }), "suite", "no such file"],
    [suiteTask({ suite: "../../etc/passwd" }), "suite", "not in a folder"],
    [suiteTask({ suite: "/etc/passwd" }), "suite", "not in a folder"],
    [suiteTask({ suite: "link.json" }), "suite", "not in a folder"],
    [suiteTask({ suite: "runs/bench_x/suite.json" }), "suite", "not in a folder"],
    [suiteTask({ suite: "." }), "suite", "not a file"],
    [suiteTask({ suite: "a\0b" }), "suite", "NUL"],
    [suiteTask({ workers: 0 }), "workers", "a number, at least 1"],
    [suiteTask({ worker: 1 }), "worker", 'did you mean "workers"'],
    [suiteTask({ timeout: 5000 }), "timeout", "ms meant?"],
    [suiteTask({ endpoint: "file:///etc/passwd" }), "endpoint", "http"],
    [suiteTask({ endpoint: "http://u:p@h/v1" }), "endpoint", "user"],
    [suiteTask({ provider: "groq" }), "provider", "not both"],
    [
      suiteTask({ headers: { Authorization: "Bearer abcdefgh" } }),
      "headers.Authorization",
      "stored",
    ],
    [suiteTask({ api_key_env: "HOME" }), "api_key_env", "DYNO_TEST_KEY"],
    [suiteTask({ suite: "keyed.json" }), "endpoint", "api_key_env"],
    [suiteTask({ mode: "iterative" }), "mode", ".jsonl"],
    [suiteTask({ callback_url: "ftp://x/" }), "callback_url", "Invalid"],
    [suiteTask({ callback_url: "http://localhost/" }), "callback_url", "private"],
    [suiteTask({ callback_url: "http://169.254.169.254/" }), "callback_url", "private"],
    [{ kind: "load", endpoint: ENDPOINT }, "", "--concurrency"],
    [{ kind: "load", endpoint: ENDPOINT, rate: -1 }, "rate", "a number above 0; found -1"],
    ...["prompts", "trace", "request_template", "tokenizer"].map((file): typeof cases[number] => [
      { kind: "load", endpoint: ENDPOINT, rate: 1, [file]: "/etc/passwd" },
      file,
      "not in a folder",
    ]),
    [sweep({ command: ["rm", "-rf", "/"] }), "config.command", "--allow-commands"],
    [sweep({ sim_binary: "/bin/sh" }), "config.sim_binary", "--allow-commands"],
    [sweep({ kind: "load" }), "config.kind", "--allow-commands"],
    [
      sweep({ sim_binary: "agent_sched_sim", common_args: { config: "/etc/passwd" } }),
      "config",
      "",
    ],
    [
      sweep({ matrix: { seeds: [1], ablations: [{ name: "a", flags: ["--out-dir=/etc"] }] } }),
      "config.matrix",
      "--out-dir=/etc",
    ],
    [
      sweep({ common_args: { enable_model_routing: "--config=/etc/passwd" } }),
      "config.matrix",
      "--config=/etc/passwd",
    ],
    [
      sweep({ matrix: { seeds: [1], enable_model_routing: [true, "--out-dir=/etc"] } }),
      "config.matrix",
      "--out-dir=/etc",
    ],
    [sweep({ matrix: 1 }), "config", "matrix"],
    // numbers that would be run as other ones: above 2^53, and beyond every double
    ['{"kind":"load","body":{"seed":9007199254740993}}', "body.seed", "has more digits"],
    ['{"kind":"load","body":{"top_p":-1e400}}', "body.top_p", "is too large"],
    [
      '{"kind":"sweep","config":{"matrix":{"seeds":[1,18446744073709551615]}}}',
      "config.matrix.seeds.1",
      "has more digits",
    ],
  ];
  for (const [body, path, says] of cases) {
    const what = JSON.stringify(body);
    const answer = await post(`${server.url}/tasks`, body);
    const { error }: Answer = await answer.json();
    assertEquals(answer.status, 422, what);
    assert(error.issues!.length > 0, what);
    assert(error.issues![0].path.join(".").startsWith(path), `${what}: ${JSON.stringify(error)}`);
    assertStringIncludes(error.issues![0].message, says, what);
    for (const issue of error.issues!) assertEquals(Object.keys(issue), ["path", "message"], what);
    const validation = await (await post(`${server.url}/validate`, body)).json();
    assertEquals(validation, { valid: false, issues: error.issues }, what);
  }
  assertEquals((await getJson<{ tasks: unknown[] }>(`${server.url}/tasks`)).tasks, []);
});

Deno.test("a suite that runs programs is refused, unless that is allowed", async () => {
  using place = temporaryFolder();
  writeSuite(place.path, { evaluator: { name: "command", command: ["true"] } });
  {
    await using server = await serving(place.path, { command: IDLE });
    const answer = await post(`${server.url}/tasks`, suiteTask());
    assertEquals(answer.status, 422);
    assertStringIncludes((await answer.json()).error.message, "--allow-commands");
  }
  await using server = await serving(place.path, { command: IDLE, allow_commands: true });
  const answer = await post(`${server.url}/tasks`, suiteTask());
  assertEquals(answer.status, 202);
  await answer.body?.cancel();
});

Deno.test("bodies that are no JSON, too large or of a forged length are refused", async () => {
  using place = temporaryFolder();
  await using server = await serving(place.path, { max_body_bytes: 1000 });
  const url = `${server.url}/tasks`;
  const statusOf = async (body: string, headers = {}) => {
    const answer = await post(url, body, headers);
    await answer.body?.cancel();
    return answer.status;
  };
  assertEquals(await statusOf(""), 400);
  assertEquals(await statusOf("{"), 400);
  assertEquals(await statusOf("\xff\xfe"), 400);
  assertEquals(await statusOf(" ".repeat(1001)), 413);
  assertEquals(await statusOf("{}", { "content-type": "text/plain" }), 415);
  assertEquals(await statusOf("{}", { "content-encoding": "gzip" }), 415); // RFC 9110, 15.5.16
  assertEquals(await statusOf("{", { "content-encoding": "Identity" }), 400);
  const stream = new ReadableStream({
    pull(controller) {
      controller.enqueue(new Uint8Array(700));
    },
  });
  const headers = { "content-type": "application/json" };
  const chunked = await fetch(url, { method: "POST", headers, body: stream }).catch(() => null);
  assertEquals(chunked?.status ?? 413, 413); // or cut off while it was still being sent
  await chunked?.body?.cancel();
  assertEquals((await getJson<{ status: string }>(`${server.url}/health`)).status, "ok");
});

Deno.test("one address may not ask without end", async () => {
  using place = temporaryFolder();
  await using server = await serving(place.path, { rate_per_s: 5 });
  const statuses: number[] = [];
  for (let i = 0; i < 40; i++) {
    const answer = await fetch(`${server.url}/info`);
    statuses.push(answer.status);
    if (answer.status === 429) assert(Number(answer.headers.get("retry-after")) >= 1);
    await answer.body?.cancel();
  }
  assert(statuses.includes(429) && statuses[0] === 200, String(statuses));
  await until(async () => {
    const answer = await fetch(`${server.url}/info`);
    await answer.body?.cancel();
    return answer.status === 200;
  });
});

Deno.test("unknown routes and tasks are told of", async () => {
  using place = temporaryFolder();
  await using server = await serving(place.path);
  for (const [path, code] of [["/nowhere", "not_found"], ["/tasks/task_x", "no_task"]]) {
    const answer = await fetch(server.url + path);
    assertEquals(answer.status, 404);
    assertEquals((await answer.json()).error.code, code);
  }
  for (const query of ["limit=0", "limit=x", "status=lost", "other=1"]) {
    const answer = await fetch(`${server.url}/tasks?${query}`);
    assertEquals(answer.status, 400, query);
    assert((await answer.json()).error.issues.length > 0);
  }
});
