/** A server of HTTP/2 alone, by Node's nghttp2: it is found out, and asked by the runtime's sockets. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { configureApi } from "../../lib/endpoint/api.ts";
import { EndpointError } from "../../lib/endpoint/errors.ts";
import { openTransport } from "../../lib/endpoint/open_transport.ts";
import { USUAL_TLS } from "../../lib/endpoint/tls.ts";
import { exchange } from "../../lib/endpoint/transport.ts";
import { load } from "../load/fixture.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { hasOpenssl, selfSigned, ServerProcess } from "./tls_fixture.ts";
import type { Transport } from "../../lib/endpoint/transport.ts";

const hasNode = hasOpenssl && spawnSync("node", ["-e", "require('http2')"]).status === 0;
const never = new AbortController().signal;

function test(
  name: string,
  fn: (at: { port: number; ca: string; transport: Transport }) => Promise<void>,
) {
  Deno.test({
    name: `HTTP/2: ${name}`,
    ignore: !hasNode,
    fn: async () => {
      using folder = temporaryFolder();
      const pair = selfSigned(folder.path, "a", "IP:127.0.0.1");
      const script = join(import.meta.dirname!, "http2_server.mjs");
      await using server = await ServerProcess.start("node", [script, JSON.stringify(pair)]);
      await using transport = await openTransport();
      await fn({ port: server.port, ca: pair.cert, transport });
    },
  });
}

function ask(
  transport: Transport,
  { port, ca, path, body = "", events = [], timeout_s = 60, connection }: {
    port: number;
    ca: string;
    path: string;
    body?: string;
    events?: string[];
    timeout_s?: number;
    connection?: "new";
  },
) {
  const tls = { ...USUAL_TLS, ca, http2: true };
  const url = new URL(`https://127.0.0.1:${port}${path}`);
  const headers = { "X-Own": "a", "content-type": "application/json" };
  const told = { event: (data: string) => events.push(data), errorEvent() {} };
  const request = { method: "POST" as const, url, headers, body, timeout_s, tls, connection };
  return exchange(transport, request, told, never);
}

test("it is found out by the first request, and a load is answered", async ({ port, ca, transport }) => {
  const told: string[] = [];
  const endpoint = `https://127.0.0.1:${port}/v1`;
  const warn = (line: string) => told.push(line);
  const api = await configureApi({ endpoint, ca, retry_attempts: 0 }, transport, warn);
  assertEquals([api.model, api.tls.http2], ["m", true]);
  assertMatch(told.join(), /speaks HTTP\/2 only: using the runtime's own sockets/);
  using run = await load({ endpoint, ca, model: "m", concurrency: 8, requests: 24 });
  assertEquals([run.results.total.requests.successful, run.results.transport], [24, "portable"]);
  assert(
    run.records.every(({ token_events, t_first_token_ns, t_sent_ns }) =>
      token_events === 9 && t_first_token_ns! > t_sent_ns!
    ),
  );
});

test("a body, headers, times, and which connection", async ({ port, ca, transport }) => {
  const body = "ä".repeat(1 << 20);
  const first = await ask(transport, { port, ca, path: "/seen", body });
  assert(first.tls_ns! > 0 && first.tls_ns! <= first.connect_ns);
  const seen = JSON.parse(first.body);
  assertEquals([seen.size, seen.connection], [2 << 20, 1]);
  assertEquals(seen.headers["x-own"], "a");
  assertEquals(seen.headers["content-length"], String(2 << 20));
  assertEquals(seen.headers[":authority"], `127.0.0.1:${port}`);
  const some = await Promise.all(
    Array.from({ length: 16 }, () => ask(transport, { port, ca, path: "/seen" })),
  );
  for (const { connect_ns, body } of some) {
    assertEquals([connect_ns, JSON.parse(body).connection], [0, 1]);
  }
  // the server takes 20 at once on one connection
  const many = await Promise.all(
    Array.from({ length: 50 }, () => ask(transport, { port, ca, path: "/events" })),
  );
  assert(many.every(({ status }) => status === 200));
  assert(transport.status().connections_opened >= 2);
  const own = [];
  for (let i = 0; i < 2; i++) {
    const { body } = await ask(transport, { port, ca, path: "/seen", connection: "new" });
    own.push(JSON.parse(body).connection);
  }
  assert(own[0] > 1 && own[1] > own[0], own.join());
});

test("answers that break off or do not come are failures by their class", async ({ port, ca, transport }) => {
  const failed = (path: string) =>
    ask(transport, { port, ca, path, timeout_s: 1 }).then(() => null, (error) => {
      assert(error instanceof EndpointError, String(error));
      return error.failure;
    });
  assertEquals(await failed("/reset"), "truncated");
  assertEquals(await failed("/gone"), "truncated");
  assertEquals(await failed("/silent"), "timeout");
  const events: string[] = []; // a new connection takes the place of the one that is gone
  await ask(transport, { port, ca, path: "/events", events });
  assertEquals(events.length, 11);
});
