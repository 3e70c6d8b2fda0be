/** Requests that no honest client sends, and more connections than a server has room for. */
import { spawn } from "node:child_process";
import { connect } from "node:net";
import type { Socket } from "node:net";
import process from "node:process";
import { assert, assertEquals } from "@std/assert";
import { DYNO } from "../e2e/dyno.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { getJson, serving } from "./fixture.ts";
import { until } from "../until.ts";

/** Sends bytes as they are; gives all that comes back until the server closes. */
function spoken(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    let got = "";
    const socket = connect(Number(port), hostname, () => socket.write(text));
    socket.on("data", (bytes) => got += bytes);
    socket.on("error", () => {});
    socket.on("close", () => resolve(got));
  });
}

/** Connections that send the beginning of a request, and no more. */
class HalfOpen implements Disposable {
  readonly #sockets: Socket[] = [];
  /** Those that the other side has ended. */
  gone = 0;

  async open(url: string, count: number, text: string): Promise<void> {
    for (let i = 0; i < count; i++) {
      const socket = connect(Number(new URL(url).port), "127.0.0.1");
      socket.on("error", () => {});
      socket.on("data", () => {});
      socket.on("close", () => this.gone++);
      this.#sockets.push(socket);
      // one by one: what the kernel has no room for looks open to a client that says nothing
      await new Promise<void>((resolve) => socket.once("connect", resolve));
      if (text !== "") socket.write(text);
    }
  }

  [Symbol.dispose](): void {
    this.#sockets.forEach((socket) => socket.destroy());
  }
}

const statuses = (answers: string) =>
  [...answers.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));

Deno.test("a request is one request, of this server's, and names nothing outside", async () => {
  using place = temporaryFolder();
  const notices: string[] = [];
  await using server = await serving(place.path, { onNotice: (line) => void notices.push(line) });
  const own = `Host: ${new URL(server.url).host}\r\n`;
  const json = `${own}Content-Type: application/json\r\n`;
  const last = "Connection: close\r\n\r\n";
  const hidden = `GET /openapi.json HTTP/1.1\r\n${own}${last}`;
  const polluting = '{"kind":"load","__proto__":{"polluted":1},"constructor":{"prototype":{}}}';
  const cases: [text: string, expected: number[]][] = [
    // two lengths, two hosts: whoever reads the other one is led astray
    [
      `POST /tasks HTTP/1.1\r\n${json}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
      [400],
    ],
    [`POST /tasks HTTP/1.1\r\n${json}Content-Length: 2\r\nContent-Length: 30\r\n\r\n{}${hidden}`, [
      400,
    ]],
    [`POST /tasks HTTP/1.1\r\n${json}Transfer-Encoding: xchunked\r\n\r\n{}${hidden}`, [400]],
    [`GET /tasks HTTP/1.1\r\n${own}Host: evil.example\r\n${last}`, [400]],
    [`GET /tasks HTTP/1.1\r\nHost: evil.example\r\n${own}${last}`, [400]],
    [`GET /tasks HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n${last}`, [403]],
    [`GET /tasks HTTP/1.1\r\nHost: 127.0.0.1:1@evil.example\r\n${last}`, [400]], // no host at all
    [`GET ${server.url}/tasks HTTP/1.1\r\nHost: evil.example\r\n${last}`, [403]],
    [`GET /tasks HTTP/1.1\r\n${own}Origin: null\r\n${last}`, [403]],
    [`OPTIONS /tasks HTTP/1.1\r\n${own}Origin: http://evil.example\r\n${last}`, [403]],
    [`GET /tasks HTTP/1.1\r\n${last}`, [400]], // RFC 9112, 3.2
    // places
    ...["/dashboard/../../../etc/passwd", "/dashboard/..%2f..%2f..%2fetc%2fpasswd"].map((path) =>
      [`GET ${path} HTTP/1.1\r\n${own}${last}`, [404]] as [string, number[]]
    ),
    ...["/api/runs/..%2f..%2fetc", "/api/runs/a%00b", "/api/runs/%ff%zz", "/tasks/..%2fx/results"]
      .map((path) => [`GET ${path} HTTP/1.1\r\n${own}${last}`, [404]] as [string, number[]]),
    [`GET /api/batches/..%2f..%2fetc/records HTTP/1.1\r\n${own}${last}`, [404]],
    [`GET /api/compare?runs=..%2f..%2fetc,%00 HTTP/1.1\r\n${own}${last}`, [422]],
    [`GET /api/runs?__proto__=1 HTTP/1.1\r\n${own}${last}`, [400]],
    // forms of pages, and bodies
    [
      `POST /tasks HTTP/1.1\r\n${own}Content-Type: text/plain; application/json\r\nContent-Length: 2\r\n${last}{}`,
      [415],
    ],
    [`POST /tasks HTTP/1.1\r\n${json}Content-Length: ${polluting.length}\r\n${last}${polluting}`, [
      422,
    ]],
    [`GET /tasks HTTP/1.1\r\n${own}X: ${"a".repeat(1 << 20)}\r\n${last}`, [431]],
    [`CONNECT 127.0.0.1:22 HTTP/1.1\r\n${own}${last}`, [404]],
  ];
  for (const [text, expected] of cases) {
    const answers = await spoken(server.url, text);
    assertEquals(statuses(answers), expected, JSON.stringify(text.slice(0, 200)));
    assert(!/root:|openapi"/.test(answers), answers);
    assert(!/access-control-allow/i.test(answers), answers);
  }
  assertEquals(({} as { polluted?: number }).polluted, undefined);

  // a client that goes away is no fault of the server
  const { hostname, port } = new URL(server.url);
  await new Promise<void>((resolve) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(`POST /tasks HTTP/1.1\r\n${json}Content-Length: 900\r\n\r\n{`, () => {
        setTimeout(() => socket.destroy(), 200);
      });
    });
    socket.on("close", () => resolve());
  });
  await getJson(`${server.url}/health`);
  assertEquals(notices, []);
});

Deno.test({
  name:
    "300 half-open connections under a limit of 256 descriptors: others are served, and they are dropped",
  ignore: process.platform === "win32",
  fn: async () => {
    using place = temporaryFolder();
    const words = [...DYNO, "serve", "--port", "0", "--runs", `${place.path}/runs`];
    const server = spawn("sh", ["-c", 'ulimit -n 256; exec "$@"', "sh", ...words], {
      cwd: place.path,
      env: { ...process.env, NO_COLOR: "1" },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    server.stderr.on("data", (bytes) => said += bytes);
    const ended = new Promise<number | null>((resolve) => server.on("exit", resolve));
    using half = new HalfOpen();
    try {
      const url = await until(() => /dyno serve at (\S+),/.exec(said)?.[1]);
      await half.open(url, 150, "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-a: ");
      await half.open(url, 150, "");
      await until(() => half.gone >= 300 - 256); // for want of room
      await until(async () => {
        const answer = await fetch(`${url}/health`).catch(() => null);
        return await answer?.text() === '{"status":"ok"}';
      });
      await until(() => half.gone === 300);
      assertEquals((await fetch(`${url}/health`)).status, 200);
    } finally {
      process.kill(server.pid!, "SIGTERM"); // not server.kill(): Deno's then reports that signal
    }
    assertEquals(await ended, 0, said);
  },
});
