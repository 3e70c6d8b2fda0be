/** https by both transports: what servers of other makers see of it, and what is said when it fails. */
import { createHash } from "node:crypto";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import tls from "node:tls";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { EndpointError } from "../../lib/endpoint/errors.ts";
import { openTransport } from "../../lib/endpoint/open_transport.ts";
import { USUAL_TLS } from "../../lib/endpoint/tls.ts";
import { exchange } from "../../lib/endpoint/transport.ts";
import { WireTransport } from "../../lib/endpoint/wire.ts";
import { library } from "../native/fixtures.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import {
  Authority,
  hasPython,
  OpensslServer,
  pythonServer,
  selfSigned,
  textsOf,
} from "./tls_fixture.ts";
import type { TlsSettings } from "../../lib/endpoint/tls.ts";
import type { HttpRequest, Transport } from "../../lib/endpoint/transport.ts";
import type { Seen } from "./tls_fixture.ts";

const never = new AbortController().signal;

interface Asked extends Partial<Omit<HttpRequest, "url">> {
  host?: string;
}

function request(port: number, path: string, { host = "127.0.0.1", ...more }: Asked): HttpRequest {
  const url = new URL(`https://${host}:${port}${path}`);
  return { method: "GET", url, headers: {}, body: "", timeout_s: 60, ...more };
}

function get(transport: Transport, port: number, path: string, asked: Asked) {
  return exchange(transport, request(port, path, asked), null, never);
}

async function seen(transport: Transport, port: number, asked: Asked): Promise<Seen> {
  return JSON.parse((await get(transport, port, "/seen", asked)).body);
}

async function failed(transport: Transport, port: number, path: string, asked: Asked) {
  const error = await get(transport, port, path, asked).then(() => null, (error) => error);
  assert(error instanceof EndpointError, `${path}: ${error}`);
  return error;
}

const trusting = (ca: string): TlsSettings => ({ ...USUAL_TLS, ca });

for (const only of ["wire", "portable"] as const) {
  const test = (name: string, fn: (transport: Transport, folder: string) => Promise<void>) =>
    Deno.test({
      name: `TLS by ${only}: ${name}`,
      ignore: !hasPython,
      fn: async () => {
        using folder = temporaryFolder();
        await using transport = await openTransport({ only });
        await fn(transport, folder.path);
      },
    });

  test("an authority of the user's own, the host's name, HTTP/1.1", async (transport, folder) => {
    const authority = new Authority(folder, "ca");
    await using server = await pythonServer(
      authority.sign("a", "DNS:localhost,IP:127.0.0.1"),
    );
    const tls = trusting(authority.cert);
    const named = await seen(transport, server.port, { host: "localhost", tls });
    assertEquals([named.server_name, named.alpn], ["localhost", "http/1.1"]);
    assertEquals([named.version, named.client], ["TLSv1.3", null]);
    const byAddress = await get(transport, server.port, "/seen", { tls });
    assertEquals((JSON.parse(byAddress.body) as Seen).server_name, null);
    assert(byAddress.tls_ns! > 0 && byAddress.tls_ns! <= byAddress.connect_ns);
    const kept = await get(transport, server.port, "/seen", { tls });
    assertEquals([kept.connect_ns, kept.tls_ns], [0, 0]);
  });

  test("what is wrong with a certificate is told by its kind", async (transport, folder) => {
    const authority = new Authority(folder, "ca");
    const other = new Authority(folder, "other");
    const tls = trusting(authority.cert);
    const cases: [Parameters<Authority["sign"]>[2] | null, string, TlsSettings, RegExp][] = [
      [
        null,
        "IP:127.0.0.1",
        USUAL_TLS,
        /cannot connect: .*not trusted/,
      ],
      [null, "IP:127.0.0.1", trusting(other.cert), /cannot connect: .*not trusted/],
      [null, "DNS:a.test", tls, /cannot connect: .*of another host/],
      [null, "IP:127.0.0.2", tls, /cannot connect: .*of another host/],
      [
        ["20200101000000Z", "20200102000000Z"],
        "IP:127.0.0.1",
        tls,
        /cannot connect: .*has expired/,
      ],
      [
        ["20600101000000Z", "20610102000000Z"],
        "IP:127.0.0.1",
        tls,
        /cannot connect: .*not valid yet/,
      ],
    ];
    for (const [i, [times, names, settings, told]] of cases.entries()) {
      const pair = authority.sign(`c${i}`, names, times ?? undefined);
      await using server = await pythonServer(pair);
      const error = await failed(transport, server.port, "/seen", { tls: settings });
      assertEquals(error.failure, "connect");
      // the runtime's sockets tell less; what to do is then found out by configureApi
      assertMatch(
        error.message,
        only === "wire" ? told : /cannot connect: .*(certificate|altnames)/,
      );
      const insecure = { ...settings, insecure: true };
      assertEquals((await seen(transport, server.port, { tls: insecure })).version, "TLSv1.3");
    }
  });

  test("a client's certificate where one is demanded", async (transport, folder) => {
    const authority = new Authority(folder, "ca");
    const other = new Authority(folder, "other");
    const pair = authority.sign("server", "IP:127.0.0.1");
    const [own, wrong] = [authority.sign("own", "DNS:me"), other.sign("wrong", "DNS:me")];
    await using server = await pythonServer({ ...pair, client_ca: authority.cert });
    const tls = trusting(authority.cert);
    assertEquals((await seen(transport, server.port, { tls: { ...tls, ...own } })).client, "own");
    for (const settings of [tls, { ...tls, ...wrong }]) {
      const error = await failed(transport, server.port, "/seen", { tls: settings });
      assertEquals(error.failure, "connect");
      if (only === "wire") assertMatch(error.message, /client certificate/);
    }
  });

  test("an answer that is cut is none, one that TLS ends is", async (transport, folder) => {
    const pair = selfSigned(folder, "a", "IP:127.0.0.1");
    await using server = await pythonServer(pair);
    const tls = trusting(pair.cert);
    assertEquals((await get(transport, server.port, "/closed", { tls })).body, "hello");
    // the runtime's sockets do not tell whether TLS had ended
    for (const path of only === "wire" ? ["/cut", "/half"] : ["/half"]) {
      assertEquals(
        (await failed(transport, server.port, path, { tls })).failure,
        "truncated",
        path,
      );
    }
  });

  test("large bodies both ways, and an event stream", async (transport, folder) => {
    const pair = selfSigned(folder, "a", "IP:127.0.0.1");
    await using server = await pythonServer(pair);
    const tls = trusting(pair.cert);
    const body = "ä0123456789".repeat(1 << 20);
    const sent = await seen(transport, server.port, { method: "POST", body, tls });
    assertEquals(sent.body_sha256, createHash("sha256").update(body).digest("hex"));
    const size = 20_000_001;
    const got = await get(transport, server.port, `/large?${size}`, { tls });
    assertEquals([got.body.length, got.body.replaceAll("x", "")], [size, ""]);
    const events: number[] = [];
    const told = { event: (data: string) => events.push(Number(data)), errorEvent() {} };
    await exchange(transport, request(server.port, "/events?5000", { tls }), told, never);
    assertEquals(events, Array.from({ length: 5000 }, (_, i) => i));
  });

  test("64 streams at a time, on 64 connections", async (transport, folder) => {
    const pair = selfSigned(folder, "a", "IP:127.0.0.1");
    await using server = await pythonServer(pair);
    const tls = trusting(pair.cert);
    const counts = await Promise.all(Array.from({ length: 64 }, async (_, i) => {
      let count = 0;
      const told = { event: () => count++, errorEvent() {} };
      // one of its own: a busy client may end the first before it begins the last
      const connection = { session: i, last: false };
      const asked = request(server.port, `/events?${i * 10}`, { tls, connection });
      await exchange(transport, asked, told, never);
      return count;
    }));
    assertEquals(counts, Array.from({ length: 64 }, (_, i) => i * 10));
    assertEquals(transport.status().connections_opened, 64);
  });

  test("which connection a request goes on", async (transport, folder) => {
    const pair = selfSigned(folder, "a", "IP:127.0.0.1");
    await using server = await pythonServer(pair);
    const asked: [HttpRequest["connection"], number][] = [
      [{ session: 1, last: false }, 1],
      [{ session: 2, last: false }, 2],
      [{ session: 1, last: true }, 1],
      [{ session: 1, last: false }, 3],
      ["new", 4],
      ["new", 5],
      [undefined, 6],
      [undefined, 6],
      [{ session: 2, last: false }, 2],
    ];
    for (const [connection, number] of asked) {
      const tls = trusting(pair.cert);
      assertEquals((await seen(transport, server.port, { tls, connection })).connection, number);
    }
  });

  test("no TLS there, and none from 1.2 on", async (transport, folder) => {
    const plain = createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    });
    await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
    const { port } = plain.address() as AddressInfo;
    const told = await failed(transport, port, "/", {});
    assertEquals(told.failure, "connect");
    if (only === "wire") assertMatch(told.message, /it speaks plain HTTP, and no TLS/);
    plain.close();
    const pair = selfSigned(folder, "a", "IP:127.0.0.1");
    await using server = await pythonServer({ ...pair, most_version: "TLSv1_1" });
    const old = await failed(transport, server.port, "/seen", { tls: trusting(pair.cert) });
    assertEquals(old.failure, "connect");
  });

  test("a handshake that takes too long counts in the request's time", async (transport) => {
    const silent = createServer((socket) => socket.on("error", () => {}));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as AddressInfo;
    const told = await failed(transport, port, "/", { timeout_s: 0.3 });
    assertEquals(told.failure, "timeout");
    await transport[Symbol.asyncDispose]();
    silent.close();
  });

  test("plain HTTP to a server of TLS", async (transport, folder) => {
    const pair = selfSigned(folder, "a", "IP:127.0.0.1");
    const server = tls.createServer(textsOf(pair));
    server.on("tlsClientError", () => {});
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const url = new URL(`http://127.0.0.1:${port}/`);
    const error = await exchange(transport, { ...request(port, "/", {}), url }, null, never)
      .then(() => null, (error) => error);
    assert(error instanceof EndpointError, String(error));
    assertEquals(error.failure, "malformed");
    assertMatch(error.message, /it speaks TLS: give the endpoint as https/);
    server.close();
  });
}

for (const most_version of ["TLSv1_2", undefined] as const) {
  Deno.test({
    name: `TLS by wire: later connections go on with a session (${most_version ?? "TLSv1_3"})`,
    ignore: !hasPython,
    fn: async () => {
      using folder = temporaryFolder();
      const pair = selfSigned(folder.path, "a", "IP:127.0.0.1");
      await using server = await pythonServer({ ...pair, most_version });
      await using transport = new WireTransport(await library());
      const reused: boolean[] = [];
      for (let i = 0; i < 4; i++) {
        const asked = { tls: trusting(pair.cert), connection: "new" } as const;
        reused.push((await seen(transport, server.port, asked)).session_reused);
      }
      assertEquals(reused, [false, true, true, true]);
    },
  });
}

/** What openssl's own server does on a letter at the beginning of a line (its manual, CONNECTED COMMANDS). */
const LETTERS: [string, string, string][] = [
  ["a change of keys on both sides", "-tls1_3", "K"],
  ["a renegotiation", "-tls1_2", "r"],
];

for (const [name, version, letter] of LETTERS) {
  Deno.test({
    name: `TLS by wire: ${name}, in the middle of an answer`,
    ignore: !hasPython,
    fn: async () => {
      using folder = temporaryFolder();
      const { key, cert } = selfSigned(folder.path, "a", "IP:127.0.0.1");
      await using server = await OpensslServer.start([version, "-key", key, "-cert", cert]);
      await using transport = new WireTransport(await library());
      const tls = trusting(cert);
      for (const round of [1, 2]) {
        const answer = get(transport, server.port, `/round${round}`, { tls });
        await server.heard(`GET /round${round} `);
        await server.write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nfour");
        await server.write(`${letter}\n`);
        await server.write("after");
        assertEquals((await answer).body, "fourafter");
      }
      assertEquals(transport.status().connections_opened, 1);
    },
  });
}
