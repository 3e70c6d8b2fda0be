/** The server does what RFC 9110 says of HEAD and of methods, and what its own OpenAPI document says. */
import { assert, assertEquals } from "@std/assert";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { GRACE_MS } from "../../lib/server/tasks/child.ts";
import { until } from "../until.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { getJson, post, serving, submit } from "./fixture.ts";

/** The head that comes back, as it is on the wire. */
function headOf(url: string, method: string, path: string): Promise<string> {
  const { hostname, port, host } = new URL(url);
  return new Promise((resolve) => {
    let got = "";
    const socket = connect(Number(port), hostname, () => {
      socket.write(`${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    });
    socket.on("data", (bytes) => got += bytes);
    socket.on("error", () => {});
    socket.on("close", () => resolve(got));
  });
}

const lengthIn = (head: string) => /^content-length: (\d+)/im.exec(head)?.[1];

Deno.test("HEAD tells the length that GET has, or none, and no body", async () => {
  using place = temporaryFolder();
  await using server = await serving(place.path);
  for (const path of ["/", "/dashboard/main.js", "/openapi.json", "/health", "/api/runs", "/no"]) {
    const answer = await fetch(server.url + path);
    const body = await answer.arrayBuffer();
    const head = await headOf(server.url, "HEAD", path);
    assertEquals(Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]), answer.status, `${path}: ${head}`);
    assert([undefined, String(body.byteLength)].includes(lengthIn(head)), `${path}: ${head}`);
    assert(head.endsWith("\r\n\r\n"), `${path} has a body: ${head}`);
  }
});

Deno.test("another method than a path has is 405, with those that it has", async () => {
  using place = temporaryFolder();
  await using server = await serving(place.path);
  const cases: [method: string, path: string, allow: string][] = [
    ["POST", "/health", "GET, HEAD"],
    ["PUT", "/tasks", "POST, GET, HEAD"],
    ["PATCH", "/tasks/task_1", "GET, HEAD, DELETE"],
    ["DELETE", "/api/compare", "GET, HEAD"],
    ["GET", "/validate", "POST"],
  ];
  for (const [method, path, allow] of cases) {
    const answer = await fetch(server.url + path, { method });
    await answer.body?.cancel();
    assertEquals([answer.status, answer.headers.get("allow")], [405, allow], `${method} ${path}`);
  }
  assertEquals((await post(`${server.url}/nothing`, {})).status, 404);
});

Deno.test("the document says where the server is, and which parameters are needed", async () => {
  using place = temporaryFolder();
  await using server = await serving(place.path);
  // deno-lint-ignore no-explicit-any -- the document's form is OpenAPI's
  const document = await getJson<any>(`${server.url}/openapi.json`);
  assert(document.servers.length > 0);
  for (
    const [path, operations] of Object.entries<Record<string, { parameters?: unknown[] }>>(
      document.paths,
    )
  ) {
    const parameters = (operations.get?.parameters ?? []) as { in: string; required?: boolean }[];
    if (!path.includes("{")) {
      const needed = parameters.some(({ required }) => required);
      const { status, body } = await fetch(server.url + path);
      await body?.cancel();
      if (operations.get && path !== "/metrics") assertEquals(status >= 400, needed, path);
    }
  }
  const compare = document.paths["/api/compare"].get.parameters;
  assertEquals(compare.map((each: { required?: boolean }) => each.required), [true]);
});

Deno.test("DELETE ends a task within 5 s that does not heed its interrupt", async () => {
  using place = temporaryFolder();
  const deaf = join(place.path, "deaf");
  const command = ["sh", "-c", `trap '' INT TERM; : > ${deaf}; while :; do sleep 0.05; done`];
  await using server = await serving(place.path, { command });
  const body = {
    kind: "suite",
    suite: "quickstart",
    endpoint: "http://127.0.0.1:1/v1",
    model: "m",
  };
  const task = await submit(server.url, body);
  const url = `${server.url}/tasks/${task.task_id}`;
  await until(() => existsSync(deaf));
  await (await fetch(url, { method: "DELETE" })).body?.cancel();
  assert(GRACE_MS < 5000);
  await until(async () => (await getJson(url)).status === "cancelled");
});

Deno.test("sizes beyond what a task may ask for are refused, by /validate too", async () => {
  using place = temporaryFolder();
  await using server = await serving(place.path);
  const values = Array.from({ length: 200 }, (_, i) => i);
  const matrix = Object.fromEntries(
    ["workflows", "pdfs", "iters", "subqueries", "time_scale", "arrival_rate"]
      .map((name) => [name, values]),
  );
  const load = { kind: "load", endpoint: "http://127.0.0.1:9/v1", model: "m" };
  const suite = { ...load, kind: "suite", suite: "quickstart" };
  const cases: [task: Record<string, unknown>, place: string][] = [
    [{ kind: "sweep", config: { name: "x", matrix } }, "config.matrix"],
    [{ ...load, concurrency: 1, requests: 1e9 }, "requests"],
    [{ ...load, concurrency: 1e7, requests: 5 }, "concurrency"],
    [{ ...load, rate: 1e6, duration_s: 86_400 }, "rate"],
    [{ ...load, concurrency: 1, requests: 5, warmup: 1e9 }, "warmup"],
    [{ ...load, stages: "rate=1..1000000:1d" }, "stages"],
    [{ ...load, stages: "concurrency=1:1s ".repeat(2000) }, "stages"],
    [{ ...load, stages: [{ concurrency: 1e9, requests: 5 }] }, "stages"],
    [{ ...load, stages: [1, 2, 3].map(() => ({ concurrency: 1, requests: 4e6 })) }, "stages"],
    [{ ...suite, workers: 1e9 }, "workers"],
    [{ ...suite, epochs: 1e9 }, "epochs"],
  ];
  for (const [task, where] of cases) {
    const answer = await post(`${server.url}/tasks`, task);
    const { error } = await answer.json();
    assertEquals([answer.status, error.issues[0].path.join(".")], [422, where]);
    const validation = await (await post(`${server.url}/validate`, task)).json();
    assertEquals(validation, { valid: false, issues: error.issues });
  }
});

Deno.test("a query's number that is empty is none, not 0", async () => {
  using place = temporaryFolder();
  await using server = await serving(place.path);
  for (const path of ["/api/hardware?since=", "/api/runs?until=%20", "/tasks?limit="]) {
    const answer = await fetch(server.url + path);
    assertEquals([answer.status, (await answer.json()).error.code], [400, "bad_query"], path);
  }
  for (const runs of ["a", ",", "a,", "a,a", "a,b,c,d,e,f,g,h,i"]) {
    const answer = await fetch(`${server.url}/api/compare?runs=${runs}`);
    await answer.body?.cancel();
    assertEquals(answer.status, 400, runs);
  }
});
