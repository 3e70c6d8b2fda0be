/** Endpoints behind TLS: a certificate that is trusted, and every way in which it is not. */
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { join } from "node:path";
import tls from "node:tls";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { EndpointClient } from "../../lib/endpoint/client.ts";
import { configureApi } from "../../lib/endpoint/api.ts";
import { EndpointError } from "../../lib/endpoint/errors.ts";
import { openTransport } from "../../lib/endpoint/open_transport.ts";
import { InputError } from "../../lib/errors.ts";
import { dyno } from "../e2e/dyno.ts";
import { Authority, hasOpenssl, selfSigned, textsOf } from "../endpoint/tls_fixture.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import type { Pair } from "../endpoint/tls_fixture.ts";

const REPLY = (() => {
  const body = '{"choices":[{"message":{"content":"over TLS"},"finish_reason":"stop"}]}';
  return `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
})();

/** Of this host, or of another one. */
function certificate(folder: string, name: "self" | "other"): Pair {
  return textsOf(selfSigned(folder, name, name === "other" ? "DNS:other.test" : "IP:127.0.0.1"));
}

async function listening(server: Server): Promise<{ port: number } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function expired(folder: string): Pair {
  const times: [string, string] = ["20200101000000Z", "20200102000000Z"];
  return textsOf(new Authority(folder, "ca").sign("old", "IP:127.0.0.1", times));
}

function tlsServer(pair: Pair, protocols?: string[]): Server {
  const server = tls.createServer({ ...pair, ALPNProtocols: protocols }, (socket) => {
    socket.on("error", () => {});
    socket.on("data", () => socket.write(REPLY));
  });
  server.on("tlsClientError", () => {});
  return server;
}

async function ask(port: number, timeout_s: number) {
  await using transport = await openTransport();
  const api = await configureApi(
    {
      endpoint: `https://127.0.0.1:${port}/v1/chat/completions`,
      model: "m",
      retry_attempts: 0,
      timeout: timeout_s,
    },
    transport,
    () => {},
  );
  const client = new EndpointClient(api, transport);
  return await client.ask({ prompt: "p" }, new AbortController().signal);
}

const cases: [string, (folder: string) => Server, RegExp][] = [
  [
    "signed by itself",
    (folder) => tlsServer(certificate(folder, "self")),
    /certificate.*NODE_EXTRA_CA_CERTS/,
  ],
  [
    "of another host",
    (folder) => tlsServer(certificate(folder, "other")),
    /^(?!.*another host.*another host).*certificate.*it is for other\.test: give/,
  ],
  ["whose time is over", (folder) => tlsServer(expired(folder)), /expired on Jan  ?2 .* 2020/],
  [
    "of a server of HTTP/2 alone",
    (folder) => tlsServer(certificate(folder, "self"), ["h2"]),
    /speaks HTTP\/2 only; put a proxy/,
  ],
  ["no TLS at all", () =>
    createServer((socket) => {
      socket.on("data", () => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"));
    }), /cannot connect/],
  [
    "a handshake that is reset",
    () => createServer((socket) => socket.once("data", () => socket.resetAndDestroy())),
    /cannot connect/,
  ],
  [
    "a handshake that is closed",
    () => createServer((socket) => socket.once("data", () => socket.end())),
    /cannot connect/,
  ],
  ["a handshake without end", () => createServer(() => {}), /no answer after 1 s/],
];

for (const [name, serve, expected] of cases) {
  Deno.test({
    name: `TLS: ${name} is told in one line`,
    ignore: !hasOpenssl,
    fn: async () => {
      using folder = temporaryFolder();
      await using server = await listening(serve(folder.path));
      // only a server that stays silent uses up its time: the others answer, however busy the machine
      const timeout_s = name.includes("without end") ? 1 : 60;
      const told = await ask(server.port, timeout_s).then(
        ({ error }) => error,
        (error: Error) => error,
      );
      assert(told instanceof InputError || told instanceof EndpointError, String(told));
      assertMatch(told.message, expected);
      assert(!told.message.includes("\n"));
    },
  });
}

Deno.test({
  name: "TLS: a certificate that the environment trusts is taken, by a suite",
  ignore: !hasOpenssl,
  fn: async () => {
    using folder = temporaryFolder();
    await using server = await listening(tlsServer(certificate(folder.path, "self")));
    const suite = join(folder.path, "suite.json");
    const test = { id: "a", name: "a", category: "c", prompt: "p" };
    Deno.writeTextFileSync(suite, JSON.stringify({ test_suite_id: "s", tests: [test] }));
    const { code, stdout, stderr } = await dyno(
      [
        "run",
        suite,
        "--endpoint",
        `https://127.0.0.1:${server.port}/v1/chat/completions`,
        "--model",
        "m",
      ],
      { cwd: folder.path, env: { NODE_EXTRA_CA_CERTS: join(folder.path, "self.pem") } },
    );
    assertEquals(code, 0, stdout + stderr);
  },
});
