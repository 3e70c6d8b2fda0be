/** Endpoints behind TLS: a certificate that is trusted, and every way in which it is not. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
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
import { temporaryFolder } from "../suite/fixture.ts";

const openssl = spawnSync("openssl", ["version"]).status === 0;
const REPLY = (() => {
  const body = '{"choices":[{"message":{"content":"over TLS"},"finish_reason":"stop"}]}';
  return `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
})();

/** A key and a certificate for `name`, signed by itself. */
function certificate(folder: string, name: string, days: string): { key: string; cert: string } {
  const key = join(folder, `${name}.key`);
  const cert = join(folder, `${name}.pem`);
  const made = spawnSync("openssl", [
    ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days".split(" "),
    ...[days, "-keyout", key, "-out", cert, "-subj", "/CN=dyno test"],
    ...["-addext", `subjectAltName=${name === "other" ? "DNS:other.test" : "IP:127.0.0.1"}`],
  ]);
  assertEquals(made.status, 0, made.stderr.toString());
  return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
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

/** A certificate that ended in 2020, which only openssl's `ca` can make. */
function expired(folder: string): { key: string; cert: string } {
  const { key } = certificate(folder, "old", "2");
  const [config, request, cert] = ["ca.conf", "old.csr", "expired.pem"].map((n) => join(folder, n));
  Deno.writeTextFileSync(join(folder, "index.txt"), "");
  Deno.writeTextFileSync(
    config,
    `[ca]\ndefault_ca=d\n[d]\ndatabase=${folder}/index.txt\nrand_serial=yes\nnew_certs_dir=${folder}\n` +
      "default_md=sha256\npolicy=p\nx509_extensions=e\n[p]\ncommonName=supplied\n" +
      "[e]\nsubjectAltName=IP:127.0.0.1\n",
  );
  const steps = [
    ["req", "-new", "-key", join(folder, "old.key"), "-subj", "/CN=old", "-out", request],
    ["ca", "-batch", "-selfsign", "-keyfile", join(folder, "old.key"), "-in", request].concat(
      ["-out", cert, "-config", config, "-notext"],
      ["-startdate", "20200101000000Z", "-enddate", "20200102000000Z"],
    ),
  ];
  for (const step of steps) {
    const made = spawnSync("openssl", step);
    assertEquals(made.status, 0, made.stderr.toString());
  }
  return { key, cert: readFileSync(cert, "utf8") };
}

function tlsServer(pair: { key: string; cert: string }, protocols?: string[]): Server {
  const server = tls.createServer({ ...pair, ALPNProtocols: protocols }, (socket) => {
    socket.on("error", () => {});
    socket.on("data", () => socket.write(REPLY));
  });
  server.on("tlsClientError", () => {});
  return server;
}

async function ask(port: number) {
  await using transport = await openTransport();
  const api = await configureApi(
    {
      endpoint: `https://127.0.0.1:${port}/v1/chat/completions`,
      model: "m",
      retry_attempts: 0,
      timeout: 1,
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
    (folder) => tlsServer(certificate(folder, "self", "2")),
    /certificate.*NODE_EXTRA_CA_CERTS/,
  ],
  [
    "of another host",
    (folder) => tlsServer(certificate(folder, "other", "2")),
    /its certificate is of another host \(other\.test\)/,
  ],
  ["whose time is over", (folder) => tlsServer(expired(folder)), /ended on Jan  ?2 .* 2020/],
  [
    "of a server of HTTP/2 alone",
    (folder) => tlsServer(certificate(folder, "self", "2"), ["h2"]),
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
    ignore: !openssl,
    fn: async () => {
      using folder = temporaryFolder();
      await using server = await listening(serve(folder.path));
      const told = await ask(server.port).then(({ error }) => error, (error: Error) => error);
      assert(told instanceof InputError || told instanceof EndpointError, String(told));
      assertMatch(told.message, expected);
      assert(!told.message.includes("\n"));
    },
  });
}

Deno.test({
  name: "TLS: a certificate that the environment trusts is taken, by a suite",
  ignore: !openssl,
  fn: async () => {
    using folder = temporaryFolder();
    await using server = await listening(tlsServer(certificate(folder.path, "self", "2")));
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
