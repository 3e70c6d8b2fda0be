/**
 * Servers that answer to hurt: what authorises and what is sent goes to no other origin, and an answer has an end,
 * in time and in memory. One server stands for a storage, MLflow and a dyno server; another one must hear nothing.
 */
import { createServer } from "node:http";
import type { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { gzipSync } from "node:zlib";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { TaskClient } from "../../lib/integration/task_client.ts";
import { logToMlflow } from "../../lib/upload/mlflow.ts";
import { uploadFolder } from "../../lib/upload/upload.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import type { TrackedRun } from "../../lib/upload/tracked_run.ts";

async function serving(answer: (response: ServerResponse) => void) {
  const heard: string[] = [];
  const server = createServer((request, response) => {
    heard.push(`${request.method} ${request.url}`);
    request.resume().on("end", () => answer(response));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const run: TrackedRun = {
  run_id: "r",
  name: "n",
  started_ms: 1,
  ended_ms: 2,
  status: "complete",
  params: {},
  metrics: {},
  tags: {},
  files: [],
};
const signal = new AbortController().signal;

/** What speaks to servers other than a model's, by name. */
const clients: Record<string, (url: string, folder: string) => Promise<unknown>> = {
  "an upload to S3": (url, folder) => {
    Object.assign(process.env, {
      AWS_ACCESS_KEY_ID: "planted",
      AWS_SECRET_ACCESS_KEY: "planted",
      AWS_ENDPOINT_URL: url,
    });
    return uploadFolder(folder, { to: "s3://b/p", signal });
  },
  "an upload to GCS": (url, folder) => {
    Object.assign(process.env, {
      GS_ACCESS_KEY_ID: "planted",
      GS_SECRET_ACCESS_KEY: "planted",
      GS_ENDPOINT_URL: url,
    });
    return uploadFolder(folder, { to: "gs://b/p", signal });
  },
  "MLflow": (url) => logToMlflow(run, url, "e", signal),
  "the check of a server of tasks": (url) => new TaskClient(url, "planted").check(signal),
  "a task": (url) => new TaskClient(url, "planted").submit({}, signal),
  "a task's results": (url) => new TaskClient(url, "planted").results("t", signal),
  "a task's cancellation": (url) => new TaskClient(url, "planted").cancel("t"),
};

/** What comes of asking a server: the error's words. */
async function outcome(name: string, answer: (response: ServerResponse) => void) {
  using place = temporaryFolder();
  writeFileSync(join(place.path, "a.txt"), "planted");
  await using server = await serving(answer);
  const said = await clients[name](server.url, place.path)
    .then(() => "done", (error: Error) => error.message);
  return { said, asked: server.heard.length };
}

for (const name of Object.keys(clients)) {
  Deno.test(`${name} follows no redirect`, async () => {
    await using other = await serving((response) => response.end("{}"));
    for (const status of [301, 302, 303, 307, 308]) {
      const { said, asked } = await outcome(name, (response) => {
        response.writeHead(status, { location: `${other.url}/stolen` }).end();
      });
      assertEquals(other.heard, [], `${status}`);
      assertEquals(asked, 1, `${status}: ${said}`);
      assertMatch(said, name === "a task's cancellation" ? /done/ : new RegExp(`${status}`));
    }
  });
}

const bomb = gzipSync(new Uint8Array(80 << 20));
const xml = (text: string) => (response: ServerResponse) => void response.end(text);
const list = (inside: string) => `<ListBucketResult>${inside}</ListBucketResult>`;
const truncated = "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>";

const unpacking = (response: ServerResponse) =>
  void response.writeHead(200, { "content-encoding": "gzip" }).end(bomb);

for (const name of ["an upload to S3", "MLflow", "a task"]) {
  Deno.test(`${name}: an answer that unpacks to 80 MB is not read to its end`, async () => {
    const { said, asked } = await outcome(name, unpacking);
    assertMatch(said, /an answer of more than 64 MB/);
    assertEquals(asked, 1);
  });
}

Deno.test("a storage whose list has no end", async () => {
  const { said, asked } = await outcome("an upload to S3", xml(list(truncated)));
  assertMatch(said, /list of p\/.* has no end/);
  assert(asked < 4);
});

Deno.test("a storage's list of half a million openings without an end", async () => {
  const { said } = await outcome("an upload to S3", xml(list("<Contents>".repeat(500_000))));
  assertEquals(said, "done"); // it holds nothing: the file is sent
});

Deno.test("a storage's list with a key in no code", async () => {
  const entry = "<Contents><Key>%E0%A4%A</Key><Size>1</Size></Contents>";
  const { said } = await outcome(
    "an upload to S3",
    xml(list(`<EncodingType>url</EncodingType>${entry}`)),
  );
  assertEquals(said, "done");
});

Deno.test("MLflow: a server that answers anything with 200 has logged nothing", async () => {
  for (const text of ["{}", "<html></html>", '{"run":{"info":{}}}']) {
    const { said } = await outcome("MLflow", (response) => void response.end(text));
    assertMatch(said, /names no run; is this an MLflow server\?/, text);
  }
});
