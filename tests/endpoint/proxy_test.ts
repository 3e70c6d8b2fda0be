/** Endpoints behind proxies. */
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { openTransport } from "../../lib/endpoint/open_transport.ts";
import { proxyAuthorization, proxyOf } from "../../lib/endpoint/proxy.ts";
import { exchange } from "../../lib/endpoint/transport.ts";
import { InputError } from "../../lib/errors.ts";

/** Runs with environment variables set, and puts back what was there. */
async function withEnvironment(values: Record<string, string>, run: () => Promise<void> | void) {
  const names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"];
  const before = names.map((name) => [name, Deno.env.get(name)] as const);
  for (const name of names) Deno.env.delete(name);
  for (const [name, value] of Object.entries(values)) Deno.env.set(name, value);
  try {
    await run();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
  }
}

/** A proxy that answers every request itself; it keeps what it was told. */
async function proxy(answer: string) {
  const heads: string[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      heads.push(bytes.toString());
      socket.write(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return { heads, port, [Symbol.asyncDispose]: close };
}

const request = (url: string) => ({
  method: "POST" as const,
  url: new URL(url),
  headers: {},
  body: "{}",
  timeout_s: 60,
});
const never = new AbortController().signal;

Deno.test("which proxy a URL is reached through", async () => {
  const of = (url: string) => proxyOf(new URL(url))?.host ?? null;
  await withEnvironment({
    http_proxy: "http://plain:3128",
    HTTPS_PROXY: "secure:8080",
    NO_PROXY: "inside.example, .corp.example,*.other.example,with.port:8443",
  }, () => {
    assertEquals(of("http://model.example/v1"), "plain:3128");
    assertEquals(of("https://model.example/v1"), "secure:8080");
    for (
      const url of [
        "http://127.0.0.1:8000",
        "http://localhost:8000",
        "http://[::1]:8000",
        "https://inside.example",
        "https://gpu.corp.example",
        "https://corp.example",
        "http://a.b.other.example",
        "https://with.port:8443",
      ]
    ) assertEquals(of(url), null, url);
    assertEquals(of("https://with.port"), "secure:8080");
    assertEquals(of("https://notinside.example"), "secure:8080");
  });
  await withEnvironment({ NO_PROXY: "*", HTTP_PROXY: "http://p:1" }, () => {
    assertEquals(of("http://model.example"), null);
  });
  await withEnvironment({ HTTP_PROXY: "socks5://p:1" }, () => {
    assertThrows(() => of("http://model.example"), InputError, "HTTP_PROXY");
  });
});

Deno.test("http through a proxy: the whole URL, and the proxy's login to the proxy alone", async () => {
  await using there = await proxy("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
  await withEnvironment({ http_proxy: `http://user:p%40ss@127.0.0.1:${there.port}` }, async () => {
    await using transport = await openTransport();
    const { body } = await exchange(
      transport,
      request("http://model.example/v1/x?y=1"),
      null,
      never,
    );
    assertEquals([body, transport.name], ["{}", "portable"]);
    const [head] = there.heads;
    assertStringIncludes(
      head,
      "POST http://model.example/v1/x?y=1 HTTP/1.1\r\nhost: model.example\r\n",
    );
    assertStringIncludes(head, `proxy-authorization: Basic ${btoa("user:p@ss")}`);
  });
});

Deno.test("https through a proxy asks for a tunnel; a refusal is told", async () => {
  await using there = await proxy("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
  await withEnvironment({ https_proxy: `http://127.0.0.1:${there.port}` }, async () => {
    await using transport = await openTransport();
    const error = await exchange(transport, request("https://model.example/v1"), null, never)
      .catch((error) => error);
    assertEquals(error.failure, "connect");
    assertStringIncludes(error.message, "407 Proxy Authentication Required");
    assertEquals(there.heads, [
      "CONNECT model.example:443 HTTP/1.1\r\nhost: model.example:443\r\n\r\n",
    ]);
  });
});

/**
 * What curl 7.88.1 does: whether it spoke to the proxy of http_proxy for http://HOST/, with this no_proxy.
 */
const CURL: [no_proxy: string, host: string, proxied: boolean][] = [
  ["10.0.0.0/8", "10.1.2.3", false],
  ["10.0.0.0/8", "model.example", true],
  ["10.1.2.3", "10.1.2.3", false],
  ["10.1.2.3/32", "10.1.2.3", false],
  ["10.1.0.0/16", "10.1.2.3", false],
  ["10.1.2.0/33", "10.1.2.3", true],
  ["10.1.2", "10.1.2.3", true],
  ["fd00::1", "[fd00::1]", false],
  ["model.example", "model.example", false],
  ["model.example", "a.model.example", false],
  ["model.example", "model.example.", false],
  ["model.example", "xmodel.example", true],
  ["model.example.", "model.example", false],
  [".model.example", "model.example", false],
  [".model.example", "a.model.example", false],
  ["MODEL.example", "model.example", false],
  ["model.example:81", "model.example", true],
  ["odel.example", "model.example", true],
  ["example", "a.model.example", false],
  ["a.model.example", "model.example", true],
  ["other.example model.example", "model.example", false],
  ["other.example,model.example", "model.example", false],
  ["  model.example  ", "model.example", false],
  [":80", "model.example", true],
  [".", "model.example", true],
  ["*", "model.example", false],
];

Deno.test("NO_PROXY is read as curl reads it", async () => {
  for (const [no_proxy, host, proxied] of CURL) {
    await withEnvironment({ http_proxy: "http://proxy:1", no_proxy }, () => {
      const found = proxyOf(new URL(`http://${host}/`)) !== null;
      assertEquals(found, proxied, `${no_proxy}: ${host}`);
    });
  }
  // beyond curl, as undici reads it: a port behind an address in brackets (its issue 5616)
  for (const [port, proxied] of [[8080, false], [8081, true]] as const) {
    await withEnvironment({ http_proxy: "http://proxy:1", no_proxy: "[2001:db8::1]:8080" }, () => {
      assertEquals(proxyOf(new URL(`http://[2001:db8::1]:${port}`)) !== null, proxied);
    });
  }
  await withEnvironment(
    { http_proxy: "", HTTP_PROXY: "http://p:1", no_proxy: "", NO_PROXY: "b" },
    () => {
      assertEquals(proxyOf(new URL("http://a"))?.host, "p:1");
      assertEquals(proxyOf(new URL("http://b")), null);
    },
  );
});

Deno.test("a proxy's user and password go to it as curl sends them", () => {
  // printed by curl 7.88.1 with http_proxy=http://…@127.0.0.1:PORT
  const cases = {
    "u:p%40s": "dTpwQHM=",
    "u%C3%BC:%E2%82%AC": "dcO8OuKCrA==",
    "u:100%": "dToxMDAl",
    "u": "dTo=",
    ":p": "OnA=",
  };
  for (const [user, sent] of Object.entries(cases)) {
    assertEquals(proxyAuthorization(new URL(`http://${user}@127.0.0.1:1`)), `Basic ${sent}`, user);
  }
  assertEquals(proxyAuthorization(new URL("http://127.0.0.1:1")), null);
});
