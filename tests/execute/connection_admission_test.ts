/** Which connections are kept: real sockets, on the mock endpoint and on a server of node:http. */
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Socket } from "node:net";
import { assertEquals } from "@std/assert";
import { ConnectionAdmission } from "../../lib/execute/connection_admission.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { until } from "../until.ts";

const HEAD = "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n";
const LONG_MS = 600_000;

/** A client that sends bytes as they are and keeps what comes. */
class Client implements Disposable {
  readonly #socket: Socket;
  got = "";
  isGone = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (bytes) => this.got += bytes);
    socket.on("error", () => {});
    socket.on("close", () => this.isGone = true);
  }

  static async open(port: number, text = "", host = "127.0.0.1"): Promise<Client> {
    const socket = connect(port, host);
    const client = new Client(socket);
    await new Promise<void>((resolve) => socket.once("connect", resolve));
    if (text !== "") socket.write(text);
    return client;
  }

  /** Asks for /health and waits for the answer. */
  async ask(): Promise<void> {
    this.got = "";
    this.#socket.write(`${HEAD}\r\n`);
    await until(() => this.got.includes('{"status":"ok"}'));
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

Deno.test("a request that never comes whole is not waited for without end", async () => {
  await using mock = await MockEndpoint.start({
    behaviour: { delay_s: 2 },
    connection_limits: { first_ms: 300, kept_ms: LONG_MS },
  });
  using kept = await Client.open(mock.port);
  await kept.ask();
  const body = JSON.stringify({ prompt: "x" });
  const post = `POST /v1/completions HTTP/1.1\r\nContent-Length: ${body.length}\r\n\r\n`;
  using slow = await Client.open(mock.port, post + body);
  using silent = await Client.open(mock.port);
  using head = await Client.open(mock.port, HEAD);
  using part = await Client.open(mock.port, post + body.slice(1));
  await until(() => silent.isGone && head.isGone && part.isGone);
  await until(() => slow.got.includes("200 OK")); // the answer takes longer than a request may
  await kept.ask();
  assertEquals([silent.got, head.got, part.got], ["", "", ""]);
});

Deno.test("a connection that is kept without a further request goes after a time", async () => {
  await using mock = await MockEndpoint.start({
    connection_limits: { first_ms: LONG_MS, kept_ms: 100 },
  });
  using client = await Client.open(mock.port);
  await client.ask();
  await until(() => client.isGone);
});

Deno.test("without room the one goes that has waited the longest, never one that is being answered", async () => {
  await using mock = await MockEndpoint.start({
    behaviour: { tokens_per_second: 1, default_response: "word ".repeat(600) },
    connection_limits: { first_ms: LONG_MS, kept_ms: LONG_MS, connections: 3 },
  });
  const body = JSON.stringify({ prompt: "x", stream: true });
  const post = `POST /v1/completions HTTP/1.1\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  using streaming = await Client.open(mock.port, post);
  await until(() => streaming.got.includes("data:"));
  using first = await Client.open(mock.port, HEAD);
  using second = await Client.open(mock.port);
  using good = await Client.open(mock.port);
  await good.ask();
  await until(() => first.isGone);
  assertEquals([streaming.isGone, second.isGone, good.isGone], [false, false, false]);
  // all are at work: there is no room for another
  using other = await Client.open(mock.port, post);
  await until(() => second.isGone && other.got.includes("data:"));
  using third = await Client.open(mock.port, post);
  await until(() => good.isGone && third.got.includes("data:"));
  using refused = await Client.open(mock.port, post);
  await until(() => refused.isGone);
  assertEquals([streaming.isGone, other.isGone, third.isGone], [false, false, false]);
});

const outer = Object.values(networkInterfaces()).flat()
  .find((own) => own?.family === "IPv4" && !own.internal)?.address;

Deno.test({
  name: "an address of another host has half the room at most",
  ignore: outer === undefined,
  fn: async () => {
    const server = createServer((_request, response) => void response.end('{"status":"ok"}'));
    const limits = { first_ms: LONG_MS, kept_ms: LONG_MS, connections: 4 };
    const admission = ConnectionAdmission.ofHttp(server, limits);
    const { port } = await admission.listen("0.0.0.0", 0);
    using near = await Client.open(port);
    const far: Client[] = [];
    for (let i = 0; i < 6; i++) far.push(await Client.open(port, HEAD, outer));
    await until(() => far.filter(({ isGone }) => isGone).length === 4);
    await near.ask();
    assertEquals(far.map(({ isGone }) => isGone), [true, true, true, true, false, false]);
    const closed = admission.close();
    admission.destroy();
    await closed;
  },
});

Deno.test({
  name: "a server takes connections again after there was no descriptor for one",
  ignore: process.platform === "win32",
  fn: async () => {
    const program = fileURLToPath(new URL("./connection_admission_program.ts", import.meta.url));
    const run = [process.execPath, "run", "-A", "--no-check", program];
    const server = spawn("sh", ["-c", 'ulimit -n 100; exec "$@"', "sh", ...run], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    server.stdout.on("data", (bytes) => said += bytes);
    const ended = new Promise((resolve) => server.on("exit", resolve));
    const clients: Socket[] = [];
    try {
      const port = await until(() => Number(said));
      for (let i = 0; i < 150; i++) {
        clients.push(
          connect(port, "127.0.0.1", () => clients[i].write(HEAD)).on("error", () => {}),
        );
      }
      const descriptors = () => readdirSync(`/proc/${server.pid}/fd`).length;
      await until(() => process.platform !== "linux" || descriptors() >= 99);
      clients.forEach((client) => client.destroy());
      await until(async () => {
        const answer = await fetch(`http://127.0.0.1:${port}`).catch(() => null);
        return await answer?.text() === "served";
      });
    } finally {
      clients.forEach((client) => client.destroy());
      process.kill(server.pid!, "SIGKILL");
    }
    await ended;
  },
});
