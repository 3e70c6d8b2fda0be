/** What tasks of a server may ask: a listener of this host stands for the neighbour that is not to be asked. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { dyno } from "../e2e/dyno.ts";
import { promptTests, temporaryFolder } from "../suite/fixture.ts";
import { post, serving, submit, taskOver } from "./fixture.ts";

const TOKEN = "a token of the tests 123".replaceAll(" ", "-");
const auth = { authorization: `Bearer ${TOKEN}` };
const open = { host: "0.0.0.0", token: TOKEN };

/** The server's address for this host. */
const here = ({ url }: { url: string }) => url.replace("0.0.0.0", "127.0.0.1");

const load = (endpoint: string) => ({
  kind: "load",
  endpoint,
  model: "m",
  requests: 2,
  concurrency: 1,
  sample_rate_hz: 0,
});

async function over(url: string, task_id: string) {
  for (;;) {
    const view = await (await fetch(`${url}/tasks/${task_id}`, { headers: auth })).json();
    if (["completed", "failed", "cancelled"].includes(view.status)) return view;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

Deno.test("a server that others reach asks no neighbours for them, but those it was told", async () => {
  using place = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const { port } = new URL(mock.url);
  writeFileSync(
    join(place.path, "suite.json"),
    JSON.stringify({ test_suite_id: "s", tests: promptTests(1) }),
  );
  {
    await using server = await serving(place.path, open);
    const url = here(server);
    const endpoints = [
      `http://127.0.0.1:${port}/v1`,
      `http://localhost:${port}/v1`,
      `http://[::ffff:127.0.0.1]:${port}/v1`,
      `http://0x7f000001:${port}/v1`,
      `http://0.0.0.0:${port}/v1`,
      `http://2130706433:${port}/v1`,
      "http://169.254.169.254/v1",
      "http://192.168.1.1/v1",
      "http://[fe80::1]/v1",
    ];
    for (const endpoint of endpoints) {
      for (
        const task of [load(endpoint), { kind: "suite", suite: "suite.json", model: "m", endpoint }]
      ) {
        const answer = await post(`${url}/tasks`, task, auth);
        const { error } = await answer.json();
        assertEquals([answer.status, error.issues[0].path], [422, ["endpoint"]], endpoint);
      }
    }
    const preset = await post(`${url}/tasks`, {
      ...load(""),
      endpoint: undefined,
      provider: "vllm",
    }, auth);
    assertEquals(preset.status, 422, await preset.text());
    assertEquals(mock.requests.length, 0);
  }
  {
    await using server = await serving(place.path, { ...open, allow_endpoints: ["127.0.0.0/8"] });
    const url = here(server);
    const { task_id } = await submit(url, load(`${mock.url}/v1`), auth);
    assertEquals((await over(url, task_id)).status, "completed");
    const metadata = await post(`${url}/tasks`, load("http://169.254.169.254/v1"), auth);
    assertEquals(metadata.status, 422, await metadata.text());
  }
  await using server = await serving(place.path);
  const task = await submit(server.url, load(`${mock.url}/v1`));
  assertEquals((await taskOver(server.url, task)).status, "completed", "its users mean local ones");
});

Deno.test("the process of a task checks again what it connects to, on both transports", async () => {
  using place = temporaryFolder();
  await using mock = await MockEndpoint.start();
  const before = mock.requests.length;
  for (const transport of ["wire", "portable"]) {
    for (const endpoint of [`${mock.url}/v1`, mock.url.replace("127.0.0.1", "localhost") + "/v1"]) {
      const args = ["load", "--endpoint", endpoint, "-m", "m", "--requests", "1", "-c", "1"];
      const { code, stderr } = await dyno([...args, "--transport", transport], {
        cwd: place.path,
        env: { DYNO_TASK_ENDPOINTS: "" },
      });
      assertEquals(code, 2, stderr);
      assertStringIncludes(stderr, "a private or loopback address");
    }
  }
  assertEquals(mock.requests.length, before);
});

Deno.test("of an error's body a task tells the API's message, and nothing where there is none", async () => {
  using place = temporaryFolder();
  const SECRET = "an internal page: root:x:0:0";
  const server = createServer((request, response) => {
    request.resume();
    const api = request.headers["x-form"] === "api";
    response.writeHead(500).end(api ? JSON.stringify({ error: { message: "no room" } }) : SECRET);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const endpoint = `http://127.0.0.1:${
      (server.address() as AddressInfo).port
    }/v1/chat/completions`;
    await using serve = await serving(place.path, { ...open, allow_endpoints: ["127.0.0.1"] });
    const url = here(serve);
    for (const form of ["api", "page"]) {
      const task = { ...load(endpoint), headers: { "x-form": form } };
      const { task_id } = await submit(url, task, auth);
      const view = await over(url, task_id);
      const told = JSON.stringify(view) +
        await (await fetch(`${url}/tasks/${task_id}/results`, { headers: auth })).text();
      assert(!told.includes(SECRET), told);
      assertStringIncludes(told, form === "api" ? "no room" : "HTTP 500");
    }
  } finally {
    server.close();
    server.closeAllConnections();
  }
});
