/** Receives the callbacks of tasks and checks that they are genuine. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import { asObject, type JsonObject, textAt } from "../json_fields.ts";
import { InputError, messageOf } from "../errors.ts";
import { signatureHeaders } from "../notify/sign.ts";
import type { AddressInfo } from "node:net";

/** A received callback. */
export interface ReceivedCallback {
  payload: JsonObject;
  /** Unchecked if there is no secret. */
  signature: "valid" | "wrong" | "unchecked";
}

const LONGEST_BODY = 1 << 20;
/** A callback with an older timestamp could be a replayed copy, seconds. */
const OLDEST_S = 300;

/** A listening receiver. */
export class WebhookReceiver implements AsyncDisposable {
  readonly url: string;
  readonly #server: Server;
  readonly #received = new Map<string, ReceivedCallback>();
  readonly #waiting = new Set<() => void>();

  private constructor(server: Server, url: string, secret: string | null) {
    this.#server = server;
    this.url = url;
    server.on("request", async (request, response) => {
      const got = await received(request, secret).catch(() => null);
      const task_id = textAt(got?.payload ?? null, "task_id");
      response.writeHead(task_id === null ? 400 : 204).end();
      if (task_id === null) return;
      this.#received.set(task_id, got!);
      for (const wake of [...this.#waiting]) wake();
    });
  }

  /**
   * Starts to listen on a free port.
   *
   * @param host an address of this host that the server can reach.
   * @param secret the key of the callbacks' signatures; null if it is not known.
   * @throws {InputError} the address is not available.
   */
  static async start(host: string, secret: string | null): Promise<WebhookReceiver> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error) => {
        reject(new InputError(`--callback-host ${host}: cannot listen there: ${messageOf(error)}`));
      });
      server.listen(0, host, resolve);
    });
    const { port } = server.address() as AddressInfo;
    const name = host.includes(":") ? `[${host}]` : host;
    return new WebhookReceiver(server, `http://${name}:${port}/callback`, secret);
  }

  /** The callback of a task; null if it has not arrived within a time. */
  async of(task_id: string, within_ms: number, signal: AbortSignal) {
    const late = AbortSignal.any([signal, AbortSignal.timeout(within_ms)]);
    while (!this.#received.has(task_id) && !late.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const wake = () => resolve();
      this.#waiting.add(wake);
      late.addEventListener("abort", wake, { once: true });
      await promise;
      this.#waiting.delete(wake);
      late.removeEventListener("abort", wake);
    }
    return this.#received.get(task_id) ?? null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }
}

async function received(
  request: IncomingMessage,
  secret: string | null,
): Promise<ReceivedCallback> {
  let body = "";
  request.setEncoding("utf8");
  for await (const text of request) {
    body += text;
    if (body.length > LONGEST_BODY) throw new Error("too long");
  }
  const payload = asObject(JSON.parse(body));
  if (payload === null) throw new Error("no object");
  if (secret === null) return { payload, signature: "unchecked" };
  const unix_s = Number(request.headers["x-dyno-timestamp"]);
  const expected = signatureHeaders(body, secret, unix_s)["x-dyno-signature"];
  const fresh = Math.abs(Date.now() / 1000 - unix_s) < OLDEST_S;
  const genuine = fresh && request.headers["x-dyno-signature"] === expected;
  return { payload, signature: genuine ? "valid" : "wrong" };
}
