/** A key is planted; then every file, word and callback of every command is searched for it. */
import { Buffer } from "node:buffer";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { dyno, dynoEach } from "../e2e/dyno.ts";
import { receiver } from "../notify/receiver.ts";
import { serveProcess, submit, taskWhen } from "../server/fixture.ts";
import { promptTests, temporaryFolder } from "../suite/fixture.ts";
import type { Finished } from "../e2e/dyno.ts";

const LONG = Boolean(Deno.env.get("DYNO_TEST_LONG"));
/** With letters that JSON, URLs and HTML write otherwise. */
const KEY = `sk-canary/+="key&${crypto.randomUUID()}`;
const HEADER = `header-canary<>'%${crypto.randomUUID()}`;
const ENV = { DYNO_TEST_KEY: KEY };

/** All ways in which a secret may stand in a text: as it is, escaped, encoded, in base64 at any place. */
function formsOf(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  const html = secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
  const inside = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift, 32), Buffer.from(secret)]).toString("base64");
    return text.slice(shift === 0 ? 0 : shift + 1, -4);
  });
  return [
    ...[secret, json, html, encodeURIComponent(secret), encodeURI(secret), ...inside],
    ...[Buffer.from(secret).toString("hex"), secret.slice(-36)], // the random end alone, too
  ];
}

const FORMS = [...formsOf(KEY), ...formsOf(HEADER)];

function assertClean(where: string, text: string): void {
  for (const form of FORMS) {
    const at = text.indexOf(form);
    assert(at < 0, `${where} holds the secret: …${text.slice(Math.max(0, at - 80), at + 20)}…`);
  }
}

/** Every file below, as bytes; what is packed is unpacked. */
function assertFolderClean(folder: string): number {
  let files = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files++;
    assertClean(entry.name, path);
    assertClean(path, readFileSync(path, "latin1"));
    if (!path.endsWith(".gz")) continue;
    const packed = spawnSync("gzip", ["-dc", path], { maxBuffer: 1 << 28 });
    assertClean(`${path}, unpacked`, packed.stdout.toString("latin1"));
  }
  return files;
}

const keys = ["--api-key-env", "DYNO_TEST_KEY", "--header", `x-api-key: ${HEADER}`];
const on = (url: string) => ["--endpoint", url, "--model", "m", ...keys];

function assertCleanEnd(
  args: string[],
  { code, stdout, stderr }: Omit<Finished, "signal">,
  codes: number[] = [0],
): void {
  assert(codes.includes(code ?? -1), `${args[0]}: ${code}: ${stderr}`);
  assertClean(`standard output of ${args[0]}`, stdout);
  assertClean(`standard error of ${args[0]}`, stderr);
}

async function clean(args: string[], cwd: string, codes?: number[]): Promise<Finished> {
  const finished = await dyno(args, { cwd, env: ENV });
  assertCleanEnd(args, finished, codes);
  return finished;
}

/** An endpoint that says everything it was told, in its answers and in its errors. */
async function telltale(status: number): Promise<{ url: string } & AsyncDisposable> {
  const server = createServer((request, response) => {
    const told = JSON.stringify(request.headers);
    request.resume().on("end", () => {
      const answer = { message: { role: "assistant", content: told }, finish_reason: "stop" };
      const body = status === 200 ? { choices: [answer], told } : { error: { message: told } };
      response.writeHead(status, { "content-type": "application/json", "x-told": encodeURI(told) });
      response.end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1/chat/completions`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function writeInputs(folder: string, url: string): void {
  const write = (name: string, value: unknown) =>
    writeFileSync(join(folder, name), JSON.stringify(value));
  write("suite.json", { test_suite_id: "s", tests: promptTests(2) });
  const fixed = { endpoint: url, model: "m", api_key_env: "DYNO_TEST_KEY", requests: 3 };
  write("sweep.json", {
    name: "loads",
    kind: "load",
    common_args: fixed, // it refuses a header's secret: each run's meta.json would have it
    matrix: { concurrency: [1], seeds: [1] },
  });
  write("questions.json", {
    questions: [{ id: "1", question: "q", context: ["c"], key_points: ["k"] }],
  });
  write("batch.json", {
    name: "b",
    schedule: { evaluations: 1, days: 1 },
    models: [{
      provider: "own",
      model: "m",
      endpoint: url,
      api_key_env: "DYNO_TEST_KEY",
    }],
    industries: [{ industry: "i", questions: "questions.json" }],
    retry_attempts: 0,
  });
  const problem = {
    task_id: "t/0",
    prompt: "def one():\n",
    entry_point: "one",
    test: "def check(candidate):\n    assert candidate() == 1\n",
  };
  writeFileSync(join(folder, "problems.jsonl"), `${JSON.stringify(problem)}\n`);
}

Deno.test("a planted key is in nothing that suites, loads, sweeps and batches leave", async () => {
  using folder = temporaryFolder();
  const cwd = join(folder.path, "work"), inputs = join(folder.path, "inputs");
  mkdirSync(cwd);
  mkdirSync(inputs);
  await using server = await telltale(200);
  writeInputs(inputs, server.url);
  const input = (name: string) => join(inputs, name);
  const iterative = ["--mode", "iterative", "--max-iterations", "2"];
  await clean(["run", input("suite.json"), ...on(server.url), "--no-stream"], cwd);
  await clean(["run", input("problems.jsonl"), ...on(server.url), ...iterative], cwd, [0, 1]);
  await clean(
    ["load", ...on(server.url), "--concurrency", "2", "--requests", "4", "--no-stream", "--debug"],
    cwd,
  );
  const bound = ["--key-env", `DYNO_TEST_KEY=${server.url}`];
  await clean(["sweep", "--config", input("sweep.json"), ...bound], cwd);
  await clean(["batch", "run", input("batch.json"), "--once", ...bound], cwd, [0, 1]);
  const forms = ["csv", "json", "jsonl", "markdown"];
  const looks = [
    ["list", "--json"],
    ["show", "latest", "--json"],
    ...forms.map((form) => ["export", "--format", form]),
    ["archive", "latest", "--yes"],
  ].map((words) => ["runs", ...words]);
  const ended = await dynoEach(looks, { cwd, env: ENV });
  for (const [i, each] of ended.entries()) assertCleanEnd(looks[i], each);
  assert(assertFolderClean(cwd) > 20);
});

Deno.test("a planted key is in no error: refused, misled, unreachable, not TLS, with --debug", async () => {
  using folder = temporaryFolder();
  await using refusing = await telltale(401);
  await using failing = await telltale(500);
  writeInputs(folder.path, refusing.url);
  const cwd = join(folder.path, "work");
  mkdirSync(cwd);
  const suite = join(folder.path, "suite.json");
  const urls = [
    refusing.url,
    failing.url,
    "http://nowhere.invalid/v1/chat/completions",
    refusing.url.replace("http:", "https:"),
    "http://127.0.0.1:9/v1",
  ];
  const shapes: [string, ...string[]][] = [
    ["run", suite, "--retry-attempts", "0"],
    ["load", "--concurrency", "1", "--requests", "2"],
  ];
  for (const [i, url] of urls.entries()) {
    // those that answer have both; what is not reached is told by the same words
    for (const [command, ...args] of LONG || i < 2 ? shapes : [shapes[i % 2]]) {
      await clean([command, ...args, ...on(url), "--timeout", "5", "--debug"], cwd, [1, 2]);
    }
  }
  assertFolderClean(cwd);
});

Deno.test("a URL with a password or a key is refused before anything is written or said", async () => {
  using folder = temporaryFolder();
  const secret = encodeURIComponent(KEY);
  writeInputs(folder.path, "http://127.0.0.1:9/v1");
  const cwd = join(folder.path, "work");
  mkdirSync(cwd);
  const urls = [
    `http://user:${secret}@127.0.0.1:9/v1`,
    `http://127.0.0.1:9/v1/chat/completions?api_key=${secret}`,
    `http://127.0.0.1:9/v1/chat/completions?key=${secret}`,
  ];
  const shapes = [
    ["run", join(folder.path, "suite.json")],
    ["load", "--concurrency", "1", "--requests", "1"],
  ];
  for (const [i, url] of urls.entries()) {
    for (const shape of LONG ? shapes : [shapes[i % 2]]) {
      const args = [...shape, "--endpoint", url, "--model", "m", "--debug"];
      const { stderr } = await clean(args, cwd, [2]);
      assertMatch(stderr, /the URL has a secret/);
    }
  }
  assertFolderClean(cwd);
});

Deno.test("a planted key is in no task, event, log or callback of the server", async () => {
  using folder = temporaryFolder();
  const cwd = join(folder.path, "work");
  mkdirSync(cwd);
  await using server = await telltale(200);
  await using hooks = await receiver();
  const SECRET = `webhook-${crypto.randomUUID()}`;
  writeInputs(cwd, server.url);
  const served = await serveProcess(
    cwd,
    ["--key-env", `DYNO_TEST_KEY*=${server.url}`, "--allow-private-callbacks"],
    { ...ENV, DYNO_WEBHOOK_SECRET: SECRET },
  );
  try {
    const common = {
      endpoint: server.url,
      model: "m",
      api_key_env: "DYNO_TEST_KEY",
      callback_url: `${hooks.url}/done`,
      stream: false,
    };
    const tasks = [
      { kind: "suite", suite: "suite.json", ...common },
      { kind: "load", requests: 3, concurrency: 1, ...common },
    ];
    for (const task of tasks) {
      const view = await submit(served.url, task);
      await taskWhen(served.url, view, "completed", "failed");
      for (const path of ["", "/results", "/log"]) {
        const answer = await fetch(`${served.url}/tasks/${view.task_id}${path}`);
        assertClean(`GET ${path}`, await answer.text());
      }
    }
    for (const path of ["/metrics", "/tasks", "/openapi.json"]) {
      assertClean(path, await (await fetch(served.url + path)).text());
    }
    for (let i = 0; i < 600 && hooks.received.length < tasks.length; i++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assertEquals(hooks.received.length, tasks.length);
  } finally {
    served.process.kill("SIGTERM");
    await served.process.finished;
  }
  assertClean("what the server said", served.process.said());
  for (const { body, headers } of hooks.received) {
    assertClean("a callback", body + JSON.stringify(headers));
    assert(!`${body}${JSON.stringify(headers)}`.includes(SECRET));
    verifiedByPython(SECRET, body, headers);
  }
  assertFolderClean(cwd);
});

/** The documented rule in another language: HMAC-SHA256 of `TIMESTAMP.BODY`. */
function verifiedByPython(secret: string, body: string, headers: Record<string, unknown>): void {
  const code = `import hashlib, hmac, json, sys
told = json.load(sys.stdin)
signed = (told["timestamp"] + "." + told["body"]).encode()
right = "sha256=" + hmac.new(told["secret"].encode(), signed, hashlib.sha256).hexdigest()
wrong = "sha256=" + hmac.new(b"other", signed, hashlib.sha256).hexdigest()
print(hmac.compare_digest(right, told["signature"]), hmac.compare_digest(wrong, told["signature"]))
`;
  const told = {
    ...{ secret, body, timestamp: headers["x-dyno-timestamp"] },
    signature: headers["x-dyno-signature"],
  };
  const python = spawnSync("python3", ["-c", code], { input: JSON.stringify(told) });
  if (python.error) return; // without Python tests/notify has the rule once more
  assertMatch(String(python.stdout), /^True False/, String(python.stderr));
}

Deno.test("a key in a model's own answers is masked as it comes", async () => {
  using folder = temporaryFolder();
  await using mock = await MockEndpoint.start();
  mock.configure({ default_response: `your key is ${KEY}, is it not? ${HEADER}` });
  const suite = join(folder.path, "suite.json");
  writeFileSync(suite, JSON.stringify({ test_suite_id: "s", tests: promptTests(2) }));
  const cwd = join(folder.path, "work");
  mkdirSync(cwd);
  await clean(["run", suite, ...on(`${mock.url}/v1/chat/completions`)], cwd, [0]);
  assertFolderClean(cwd);
});
