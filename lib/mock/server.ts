/** The mock endpoint: a real HTTP server that answers like an OpenAI-compatible one. */
import type { AddressInfo } from "node:net";
import { InputError } from "../errors.ts";
import { ConnectionAdmission } from "../execute/connection_admission.ts";
import { answerTokens, withoutWords } from "./answer.ts";
import { AskedWrongly, readAsked } from "./asked.ts";
import { USUAL_BEHAVIOUR } from "./behaviour.ts";
import { Connection } from "./connection.ts";
import { Engine } from "./engine.ts";
import { asOpenAI, CONVERSE_PATH, decoded, GEMINI_PATH, KSERVE_PATH } from "./form.ts";
import { FaultChoice } from "./fault_choice.ts";
import { withFault } from "./faults/catalogue.ts";
import { multipartFields } from "./multipart.ts";
import { goodReply } from "./parts.ts";
import { jsonReply, refusedRoute, unknownModel } from "./refusals.ts";
import { errorBody, textEvent } from "./replies.ts";
import { Sockets } from "./sockets.ts";
import { wholeReply, WHOLES } from "./wholes.ts";
import type { AdmissionLimits } from "../execute/connection_admission.ts";
import type { KeyAndCertificate } from "./certificate.ts";
import type { AnswerTokens } from "./answer.ts";
import type { Asked } from "./asked.ts";
import type { MockBehaviour } from "./behaviour.ts";
import type { MockReply } from "./connection.ts";
import type { ErrorMode } from "./faults/catalogue.ts";
import type { FaultContext } from "./faults/fault.ts";
import type { ParsedRequest } from "./http_request.ts";
import type { ReplyPart } from "./parts.ts";
import type { MockScript } from "./script.ts";

export { loadMockScript } from "./script.ts";

/** A request as recorded in the log. */
export interface MockRequest extends Omit<ParsedRequest, "bytes"> {
  /** The parsed body: JSON or the fields of a form; null if it is neither. */
  body: unknown;
  /** When its head was complete: CLOCK_MONOTONIC nanoseconds. */
  t_received_ns: number;
  /** Number of the connection, from 1. */
  connection: number;
  /** The fault in its reply; null if the reply was good. */
  fault: ErrorMode | null;
  /**
   * Whether the reply was sent to its end before the client closed; null: not ended, or no answer.
   */
  whole: boolean | null;
  /** The tokens of its answer, completely sent or not; null if there was no answer. */
  tokens: AnswerTokens | null;
}

export interface MockOptions {
  /** Default 127.0.0.1. */
  host?: string;
  /** Default 0: any free port. */
  port?: number;
  /** The certificate for TLS; without it the endpoint speaks plain HTTP. */
  tls?: KeyAndCertificate;
  /**
   * The models that are listed; a request for another model gets 404. If empty, "mock" is listed
   * and every name is served.
   */
  model?: string | string[];
  seed?: number;
  /**
   * The number of blocks of 16 tokens that a prefix cache keeps. With a cache, `usage` reports
   * cached tokens, /metrics uses vLLM's names, and POST /reset_prefix_cache empties it. Without,
   * none of these exist.
   */
  prefix_cache_blocks?: number;
  script?: MockScript;
  behaviour?: Partial<MockBehaviour>;
  /** How long a connection may stay without a request, and how many connections there may be. */
  connection_limits?: Partial<AdmissionLimits>;
}

const LOG_LENGTH = 10_000;

/** Idle times for clients: long enough for a load with rare requests. */
const PATIENCE: AdmissionLimits = { first_ms: 30_000, kept_ms: 600_000 };

/** Paths of text answers; some other paths include the model's name. */
const TEXTS = [
  "/v1/chat/completions",
  "/v1/completions",
  "/v1/responses",
  "/v1/messages",
  "/v1/audio/transcriptions",
  "/v1/audio/translations",
  "/generate",
  "/generate_stream",
  "/", // see TGI_ANSWERS
  "/completion",
];

type Handler = (request: ParsedRequest) => MockReply | ReplyPart[];
type Route = Partial<Record<string, Handler>>;

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
  /** `http://127.0.0.1:PORT`, or https. */
  readonly url: string;
  readonly #admission: ConnectionAdmission;
  readonly #models: string[];
  /** Whether models were given: other model names are then refused. */
  readonly #strict: boolean;
  readonly #engine: Engine;
  readonly #routes: Map<string, Route>;
  readonly #faults: FaultChoice;
  readonly #initial: MockBehaviour;
  readonly #connections = new Set<Connection>();
  readonly #sockets: Sockets;
  readonly #log: MockRequest[] = [];
  #behaviour: MockBehaviour;
  #accepted = 0;

  /** Starts listening. @throws {InputError} the port is not available. */
  static async start(options: MockOptions = {}): Promise<MockEndpoint> {
    const sockets = new Sockets(options.tls);
    const admission = new ConnectionAdmission(sockets.server, {
      ...PATIENCE,
      ...options.connection_limits,
    });
    const { host = "127.0.0.1", port = 0 } = options;
    await admission.listen(host, port).catch((error: Error & { code?: string }) => {
      const why = error.code === "EADDRINUSE"
        ? "another program listens there; give another --port"
        : error.message;
      throw new InputError(`--host ${host} --port ${port}: ${why}`);
    });
    return new MockEndpoint(sockets, admission, host, options);
  }

  private constructor(
    sockets: Sockets,
    admission: ConnectionAdmission,
    host: string,
    options: MockOptions,
  ) {
    this.#sockets = sockets;
    this.#admission = admission;
    this.#models = [options.model ?? "mock"].flat();
    this.#strict = options.model !== undefined;
    this.#engine = new Engine(options.script ?? { answers: [] }, options.prefix_cache_blocks);
    this.#routes = this.#makeRoutes();
    this.#faults = new FaultChoice(options.seed ?? 1);
    const default_response = options.script?.default_response ?? USUAL_BEHAVIOUR.default_response;
    this.#initial = { ...USUAL_BEHAVIOUR, default_response, ...options.behaviour };
    this.#behaviour = this.#initial;
    this.port = (sockets.server.address() as AddressInfo).port;
    this.url = `${sockets.protocol}://${host.includes(":") ? `[${host}]` : host}:${this.port}`;
    sockets.onReady((socket) => {
      if (!admission.enter(socket)) return;
      const number = ++this.#accepted;
      const connection: Connection = new Connection(
        socket,
        admission,
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

  /**
   * Changes the behaviour, relative to the behaviour at the start; `configure({})` restores that.
   */
  configure(change: Partial<MockBehaviour>): void {
    this.#behaviour = { ...this.#initial, ...change };
    this.#faults.reset();
  }

  /** Closes every connection. */
  async close(): Promise<void> {
    for (const connection of this.#connections) connection.destroy();
    this.#sockets.destroy();
    await this.#admission.close();
  }

  /** Closes the server and every connection. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #makeRoutes(): Map<string, Route> {
    const complete = { POST: (request: ParsedRequest) => this.#complete(request) };
    const engine = this.#engine;
    return new Map<string, Route>([
      ...[...TEXTS, ...Object.keys(WHOLES)].map((path): [string, Route] => [path, complete]),
      ["/v1/models", {
        GET: () => [jsonReply(200, { object: "list", data: this.#models.map(modelObject) })],
      }],
      ["/health", { GET: () => [jsonReply(200, { status: "ok" })] }],
      ...(!engine.hasCache ? [] : [
        ["/metrics", { GET: () => [metricsReply(engine.metrics(this.#models[0]))] }],
        ["/reset_prefix_cache", {
          POST: () => {
            engine.resetCache();
            return [jsonReply(200, {})];
          },
        }],
      ] as const),
    ]);
  }

  #answer(received: ParsedRequest, t_received_ns: number, connection: number): MockReply {
    this.#record(received, t_received_ns, connection);
    const request = asOpenAI(received);
    const { method, path } = request;
    const route = this.#routes.get(path) ?? this.#namedRoute(path) ?? this.#modelRoute(path);
    const handler = route?.[method === "HEAD" ? "GET" : method];
    const reply = handler?.(request) ?? [refusedRoute(received, Object.keys(route ?? {}))];
    const whole = Array.isArray(reply) ? { parts: reply } : reply;
    if (method !== "HEAD") return whole;
    const parts = whole.parts.map((part) =>
      part.kind === "whole" ? { ...part, without_body: true } : part
    );
    return { ...whole, parts };
  }

  /** POST to paths that include a model: Gemini's, Bedrock's and KServe's. */
  #namedRoute(path: string): Route | undefined {
    const isNamed = [GEMINI_PATH, CONVERSE_PATH, KSERVE_PATH].some((form) => form.test(path));
    return isNamed ? { POST: (request) => this.#complete(request) } : undefined;
  }

  /** GET /v1/models/NAME; the name may contain slashes. */
  #modelRoute(path: string): Route | undefined {
    const [, name] = /^\/v1\/models\/(.+)$/.exec(path) ?? [];
    if (name === undefined) return undefined;
    const model = decoded(name);
    const known = this.#models.includes(model);
    return { GET: () => [known ? jsonReply(200, modelObject(model)) : unknownModel(model)] };
  }

  #complete(request: ParsedRequest): MockReply | ReplyPart[] {
    const behaviour = this.#behaviour;
    const { status_code, delay_s } = behaviour;
    if (status_code !== 200) {
      const body = errorBody(`status ${status_code}`, "mock_error", status_code, request.path);
      return [{ ...jsonReply(status_code, body), at_s: delay_s }];
    }
    const { path, body_text } = request;
    return this.#judged(path, () => {
      if (path in WHOLES) return this.#whole(request, behaviour);
      const asked = readAsked(request, this.#models[0]);
      return this.#refused(asked.model) ?? this.#reply(asked, body_text, behaviour);
    });
  }

  #whole({ path, body_text }: ParsedRequest, behaviour: MockBehaviour): ReplyPart[] {
    const answer = WHOLES[path](body_text, this.#models[0]);
    const { delay_s } = behaviour;
    return this.#refused(answer.model) ?? this.#spoiled(wholeReply(answer, delay_s), behaviour, {
      text: (text) => ({ kind: "token", event: JSON.stringify(text), step: 0 }), // there are no events
      nothing: () => wholeReply(answer, delay_s, true),
      body_text,
    });
  }

  /** A good reply, or the reply as changed by a fault. */
  #spoiled(
    good: ReplyPart[],
    behaviour: MockBehaviour,
    context: Omit<FaultContext, "retry_after">,
  ): ReplyPart[] {
    const { error_mode, retry_after } = behaviour;
    if (error_mode === null || !this.#faults.hits(context.body_text, behaviour)) return good;
    this.#log[this.#log.length - 1].fault = error_mode;
    return withFault(error_mode, good, { ...context, retry_after });
  }

  /** The result of `make`, or a reply that says why the request is invalid. */
  #judged<Made>(path: string, make: () => Made): Made | ReplyPart[] {
    try {
      return make();
    } catch (error) {
      if (!(error instanceof AskedWrongly)) throw error;
      return [jsonReply(400, errorBody(error.message, "invalid_request_error", 400, path))];
    }
  }

  #refused(model: string): ReplyPart[] | null {
    return this.#strict && !this.#models.includes(model) ? [unknownModel(model)] : null;
  }

  #reply(asked: Asked, body_text: string, behaviour: MockBehaviour): MockReply {
    const answer = this.#engine.answerTo(asked, behaviour);
    const pace = this.#engine.paceOf(asked, answer, behaviour);
    const good = goodReply(asked, answer, pace);
    this.#log[this.#log.length - 1].tokens = answerTokens(answer);
    const parts = this.#spoiled(good, behaviour, {
      text: (text, index) => textEvent(asked, answer, text, index),
      nothing: () => goodReply(asked, withoutWords(answer), pace),
      body_text,
    });
    const logged = this.#log[this.#log.length - 1];
    this.#engine.begin(answer);
    return {
      parts,
      frames: asked.api_type === "converse" && asked.stream,
      over: (sent) => {
        logged.whole = sent === parts.length;
        this.#engine.end(asked, answer, parts.slice(0, sent));
      },
    };
  }

  #record(received: ParsedRequest, t_received_ns: number, connection: number): void {
    const { bytes: _, ...request } = received;
    let body: unknown = multipartFields(received);
    try {
      body ??= JSON.parse(request.body_text);
    } catch { /* kept as text */ }
    if (this.#log.length >= LOG_LENGTH) this.#log.splice(0, LOG_LENGTH / 10);
    this.#log.push({
      ...request,
      body,
      t_received_ns,
      connection,
      fault: null,
      whole: null,
      tokens: null,
    });
  }
}

function metricsReply(body: string): ReplyPart {
  const type = "text/plain; version=0.0.4; charset=utf-8";
  return { kind: "whole", at_s: 0, status: 200, body, type };
}

const modelObject = (id: string) => ({ id, object: "model", created: 0, owned_by: "dyno" });
