/** The check of headers: values by RFC 9110, 5.5, names by 5.6.2, and those that dyno sets itself. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { settleApi } from "../../lib/endpoint/api.ts";
import { EndpointClient } from "../../lib/endpoint/client.ts";
import { openTransport } from "../../lib/endpoint/open_transport.ts";
import { InputError } from "../../lib/errors.ts";
import { batchModelSchema } from "../../lib/settings/batch.ts";
import { experimentSchema } from "../../lib/settings/experiment.ts";
import { headerFault } from "../../lib/settings/headers.ts";
import { loadSettingsSchema } from "../../lib/settings/load.ts";
import { loadExperimentSchema } from "../../lib/settings/load_experiment.ts";
import { taskRequestSchema } from "../../lib/server/tasks/request.ts";
import { dyno } from "../e2e/dyno.ts";
import { serving } from "../server/fixture.ts";
import { temporaryFolder } from "../suite/fixture.ts";

const GOOD: [name: string, value: string][] = [
  ["x-trace", "a"],
  ["X-Tenant", "two words\tand a tab"],
  ["authorization", "Bearer abc"],
  ["!#$%&'*+-.^_`|~09az", '"quoted", (comment); =?'],
  ["x-latin", "caf\u00e9"],
  ["x-empty", ""],
];
const BAD: [name: string, value: string][] = [
  ["x-a", "b\r\ncontent-length: 0\r\n\r\nPUT /admin HTTP/1.1"],
  ["x-a", "b\nc"],
  ["x-a", "b\rc"],
  ["x-a", "b\0c"],
  ["x-a", "b\x7f"],
  ["x-a", "\x1b[2J"],
  ["x-a", " b"],
  ["x-a", "b\t"],
  // as one byte each these are CR and LF: 0x010D, 0x010A
  ["x-a", "b\u010d\u010ax: y"],
  ["x-a", "\u{1f600}"],
  ["", "b"],
  ["x a", "b"],
  ["x-a:", "b"],
  ["x-a\r\ny", "b"],
  ["x\u00e9", "b"],
  ["(x)", "b"],
  ...["Content-Length", "transfer-encoding", "HOST", "Connection", "te", "Trailer", "Upgrade"]
    .map((name): [string, string] => [name, "1"]),
  ...["Expect", "Content-Type", "Accept", "Accept-Encoding", "Proxy-Authorization", "User-Agent"]
    .map((name): [string, string] => [name, "x"]),
];

Deno.test("headers are taken and refused as RFC 9110 has them", () => {
  for (const [name, value] of GOOD) assertEquals(headerFault({ [name]: value }), null, name);
  for (const [name, value] of BAD) {
    const fault = headerFault({ "x-before": "1", [name]: value });
    assertEquals(fault?.name, name, JSON.stringify([name, value]));
    assert(value.length < 3 || !fault!.message.includes(value), "a value may be a secret");
  }
  assertEquals(headerFault({ "x-a": "1", "X-A": "2" })?.name, "X-A");
});

Deno.test("every form that takes headers has the one check", () => {
  const endpoint = "http://127.0.0.1:9/v1";
  const forms: Record<string, (headers: Record<string, string>) => { success: boolean }> = {
    load: (headers) => loadSettingsSchema.safeParse({ endpoint, rate: 1, headers }),
    "load file": (headers) => loadExperimentSchema.safeParse({ kind: "load", name: "x", headers }),
    experiment: (headers) => experimentSchema.safeParse({ name: "x", suite: "s.json", headers }),
    batch: (headers) =>
      batchModelSchema.safeParse({ provider: "p", model: "m", endpoint, headers }),
    "suite task": (headers) => taskRequestSchema.safeParse({ kind: "suite", suite: "s", headers }),
    "load task": (headers) => taskRequestSchema.safeParse({ kind: "load", rate: 1, headers }),
  };
  for (const [form, check] of Object.entries(forms)) {
    assert(check(Object.fromEntries(GOOD)).success, form);
    for (const [name, value] of BAD) {
      assertEquals(check({ [name]: value }).success, false, `${form} ${JSON.stringify(name)}`);
    }
  }
});

Deno.test("the library refuses them before it sends, by settings and by a client's own", async () => {
  await using transport = await openTransport({ only: "portable" });
  const options = { endpoint: "http://127.0.0.1:9/v1/chat/completions", model: "m" };
  const api = settleApi(options, () => {});
  for (const [name, value] of BAD) {
    const headers = { [name]: value };
    assertThrows(() => settleApi({ ...options, headers }, () => {}), InputError);
    assertThrows(() => new EndpointClient({ ...api, headers }, transport), InputError);
  }
});

Deno.test("a key's line end is no part of it; a line break within is told in one line", async () => {
  const heard: string[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      heard.push(bytes.toString("latin1"));
      const body = '{"choices":[{"message":{"content":"x"}}]}';
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const name = "DYNO_TEST_MOUNTED_KEY";
  const options = {
    endpoint: `http://127.0.0.1:${port}/v1/chat/completions`,
    model: "m",
    api_key_env: name,
    stream: false,
  };
  try {
    for (const only of ["portable", "wire"] as const) {
      await using transport = await openTransport({ only });
      for (const key of ["sk-mounted-key", "sk-mounted-key\n", "sk-mounted-key\r\n\n"]) {
        Deno.env.set(name, key);
        const client = new EndpointClient(settleApi(options, () => {}), transport);
        await client.ask({ prompt: "hello" }, new AbortController().signal);
        assert(
          heard.at(-1)!.includes("\r\nauthorization: Bearer sk-mounted-key\r\n"),
          heard.at(-1),
        );
      }
    }
    const before = heard.length;
    for (
      const key of ["sk-a\nx-evil: 1", "sk-a\r\n\r\nPUT / HTTP/1.1", "sk-\u010a", "sk-\x1b[2J"]
    ) {
      Deno.env.set(name, key);
      const error = assertThrows(() => settleApi(options, () => {}), InputError);
      assert(error.message.includes(name) && !error.message.includes("\n"), error.message);
      assert(!error.message.includes("sk-"), error.message);
    }
    assertEquals(heard.length, before);
  } finally {
    Deno.env.delete(name);
    server.close();
  }
});

Deno.test("flags and tasks: nothing of a refused header reaches the endpoint", async () => {
  using folder = temporaryFolder();
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  try {
    for (const header of ["x-a: b\r\nPUT / HTTP/1.1", "Content-Length: 3", "x-a: \u010d\u010ab"]) {
      const { code, stderr } = await dyno(
        [
          "load",
          "--endpoint",
          endpoint,
          "-m",
          "m",
          "--requests",
          "1",
          "-c",
          "1",
          "--header",
          header,
        ],
        { cwd: folder.path },
      );
      assertEquals(code, 2, stderr);
      assertEquals(stderr.trim().split("\n").length, 1, stderr);
    }
    await using serve = await serving(folder.path);
    for (const headers of [{ "x-a": "b\r\nx: y" }, { "Transfer-Encoding": "chunked" }]) {
      const answer = await fetch(`${serve.url}/tasks`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ kind: "load", endpoint, model: "m", rate: 1, requests: 1, headers }),
      });
      assertEquals(answer.status, 422);
      const { error: { issues } } = await answer.json();
      assertEquals(issues[0].path[0], "headers");
    }
    assertEquals(connections, 0);
  } finally {
    server.close();
  }
});
