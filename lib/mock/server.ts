/** The mock endpoint: a real HTTP server that answers as an OpenAI-compatible one does. */
import { createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import { InputError } from "../errors.ts";
import { seededRandom } from "../stats/random.ts";
import { Connection } from "./connection.ts";
import { withFault } from "./faults.ts";
import { goodReply } from "./parts.ts";
import { answerOf, embeddingsBody, errorBody, readAsked } from "./replies.ts";
import { Script } from "./script.ts";
import type { ErrorMode } from "./faults.ts";
import type { ParsedRequest } from "./http_request.ts";
import type { Part } from "./parts.ts";
import type { Asked } from "./replies.ts";
import type { MockScript } from "./script.ts";

export { loadMockScript } from "./script.ts";

/** How the mock answers. */
export interface MockBehaviour {
  /** The text of every answer that is not told otherwise. */
  default_response: string;
  /** Seconds before the reply starts. */
  delay_s: number;
  /** Tokens a second within one reply; null sends them at once. */
  tokens_per_second: number | null;
  /** Any status but 200 answers every request with that error. */
  status_code: number;
  /** The fault that replies have; null for good ones. */
  error_mode: ErrorMode | null;
  /** The share of requests that error_mode hits, chosen by seed and request, not by order. */
  fault_rate: number;
  /** error_mode hits only the first so many; null: all. */
  fault_count: number | null;
  /** The Retry-After header of 429. */
  retry_after: string;
}

/** A request as the log keeps it. */
export interface MockRequest extends ParsedRequest {
  /** The parsed body; null when it is not JSON. */
  body: unknown;
  /** When its head was whole: CLOCK_MONOTONIC nanoseconds. */
  t_received_ns: number;
  /** Number of the connection, from 1. */
  connection: number;
  /** What its reply was spoiled by; null when it was a good one. */
  fault: ErrorMode | null;
}

export interface MockOptions {
  /** Default 127.0.0.1. */
  host?: string;
  /** 0, the default, takes a free one. */
  port?: number;
  /** Models that are listed; the default is "mock". */
  model?: string | string[];
  seed?: number;
  script?: MockScript;
  behaviour?: Partial<MockBehaviour>;
}

const DEFAULTS: MockBehaviour = {
  default_response: "Mock response text",
  delay_s: 0,
  tokens_per_second: null,
  status_code: 200,
  error_mode: null,
  fault_rate: 1,
  fault_count: null,
  retry_after: "1",
};

const LOG_LENGTH = 10_000;
const COMPLETIONS = new Set(["/v1/chat/completions", "/v1/completions", "/v1/responses"]);
const OTHERS = new Set(["/v1/embeddings", "/v1/models", "/health"]);

/**
 * An endpoint to test against.
 *
 * @example
 * ```ts
 * await using mock = await MockEndpoint.start({ behaviour: { delay_s: 0.1 } });
 * await fetch(`${mock.url}/v1/models`);
 * ```
 */
export class MockEndpoint implements AsyncDisposable {
  /** The port that it listens on. */
  readonly port: number;
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly #server: Server;
  readonly #models: string[];
  readonly #seed: number;
  readonly #script: Script;
  readonly #initial: MockBehaviour;
  readonly #connections = new Set<Connection>();
  readonly #log: MockRequest[] = [];
  /** How often each request came, by the hash of its body. */
  readonly #seen = new Map<number, number>();
  #behaviour: MockBehaviour;
  #faults = 0;
  #answers = 0;
  #accepted = 0;

  /** Starts listening. @throws {InputError} the port cannot be had. */
  static async start(options: MockOptions = {}): Promise<MockEndpoint> {
    const server = createServer({ allowHalfOpen: true });
    const { host = "127.0.0.1", port = 0 } = options;
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error: Error & { code?: string }) => {
        const why = error.code === "EADDRINUSE"
          ? "another program listens there; give another --port"
          : error.message;
        reject(new InputError(`--host ${host} --port ${port}: ${why}`));
      });
      server.listen({ host, port }, resolve);
    });
    return new MockEndpoint(server, host, options);
  }

  private constructor(server: Server, host: string, options: MockOptions) {
    this.#server = server;
    this.#models = [options.model ?? "mock"].flat();
    this.#seed = options.seed ?? 1;
    this.#script = new Script(options.script ?? { answers: [] });
    const default_response = options.script?.default_response ?? DEFAULTS.default_response;
    this.#initial = { ...DEFAULTS, default_response, ...options.behaviour };
    this.#behaviour = this.#initial;
    this.port = (server.address() as AddressInfo).port;
    this.url = `http://${host.includes(":") ? `[${host}]` : host}:${this.port}`;
    server.on("connection", (socket) => {
      const number = ++this.#accepted;
      const connection: Connection = new Connection(
        socket,
        (request, t_ns) => this.#answer(request, t_ns, number),
      );
      this.#connections.add(connection);
      socket.on("close", () => this.#connections.delete(connection));
    });
  }

  /** The newest 10,000 requests. */
  get requests(): readonly MockRequest[] {
    return this.#log;
  }

  /** Empties {@linkcode requests}. */
  clearRequests(): void {
    this.#log.length = 0;
  }

  /** Changes the behaviour it was started with; `configure({})` goes back to that. */
  configure(change: Partial<MockBehaviour>): void {
    this.#behaviour = { ...this.#initial, ...change };
    this.#faults = 0;
    this.#seen.clear();
  }

  /** Closes every connection. */
  async close(): Promise<void> {
    for (const connection of this.#connections) connection.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  /** Closes the server and every connection. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #answer(request: ParsedRequest, t_received_ns: number, connection: number): Part[] {
    this.#record(request, t_received_ns, connection);
    const { method, path } = request;
    const completions = COMPLETIONS.has(path);
    if (completions && method === "POST") return this.#complete(request);
    if (path === "/v1/embeddings" && method === "POST") return [this.#embed(request)];
    if (path === "/v1/models" && method === "GET") return [json(200, this.#modelList())];
    if (path === "/health" && method === "GET") return [json(200, { status: "ok" })];
    const known = completions || OTHERS.has(path);
    const [status, what] = known ? [405, `${method} is not served`] : [404, "no such route"];
    return [json(status, errorBody(`${path}: ${what}`, "invalid_request_error", status))];
  }

  #complete(request: ParsedRequest): Part[] {
    const behaviour = this.#behaviour;
    const { status_code, delay_s } = behaviour;
    if (status_code !== 200) {
      const body = errorBody(`status ${status_code}`, "mock_error", status_code);
      return [{ ...json(status_code, body), at_s: delay_s }];
    }
    const asked = readAsked(request);
    if (typeof asked === "string") {
      return [json(400, errorBody(asked, "invalid_request_error", 400))];
    }
    return this.#reply(asked, request.body_text, behaviour);
  }

  #reply(asked: Asked, body_text: string, behaviour: MockBehaviour): Part[] {
    const scripted = this.#script.find(asked.prompt);
    const answer = answerOf(
      `mock-${++this.#answers}`,
      scripted?.response ?? behaviour.default_response,
      scripted?.reasoning ?? "",
      asked.max_tokens,
    );
    const parts = goodReply(asked, answer, {
      delay_s: scripted?.delay_s ?? behaviour.delay_s,
      tokens_per_second: scripted?.tokens_per_second ?? behaviour.tokens_per_second,
    });
    const { error_mode, retry_after } = behaviour;
    if (error_mode === null || !this.#isHit(body_text, behaviour)) return parts;
    this.#log[this.#log.length - 1].fault = error_mode;
    return withFault(error_mode, parts, { asked, answer, body_text, retry_after });
  }

  /** Depends on the seed, the request and how often it came: not on the order of arrival. */
  #isHit(body_text: string, { fault_rate, fault_count }: MockBehaviour): boolean {
    const request = hash(body_text);
    const occurrence = (this.#seen.get(request) ?? 0) + 1;
    this.#seen.set(request, occurrence);
    if (fault_count !== null && this.#faults >= fault_count) return false;
    const hit = seededRandom(hash(`${this.#seed}/${occurrence}/${request}`))() < fault_rate;
    if (hit) this.#faults++;
    return hit;
  }

  #embed({ body_text }: ParsedRequest): Part {
    const { delay_s } = this.#behaviour;
    let body: { model?: unknown; input?: unknown };
    try {
      body = JSON.parse(body_text);
    } catch {
      return json(400, errorBody("the body is not JSON", "invalid_request_error", 400));
    }
    const inputs = [body.input].flat();
    if (!inputs.every((input) => typeof input === "string")) {
      return json(400, errorBody("input: expected text or texts", "invalid_request_error", 400));
    }
    const reply = embeddingsBody(String(body.model ?? "mock"), inputs);
    return { ...json(200, reply), at_s: delay_s };
  }

  #modelList(): unknown {
    const data = this.#models.map((id) => ({ id, object: "model", created: 0, owned_by: "dyno" }));
    return { object: "list", data };
  }

  #record(request: ParsedRequest, t_received_ns: number, connection: number): void {
    let body: unknown = null;
    try {
      body = JSON.parse(request.body_text);
    } catch { /* kept as text */ }
    if (this.#log.length >= LOG_LENGTH) this.#log.splice(0, LOG_LENGTH / 10);
    this.#log.push({ ...request, body, t_received_ns, connection, fault: null });
  }
}

function json(status: number, body: unknown): Part {
  return { kind: "whole", at_s: 0, status, body: JSON.stringify(body) };
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}
