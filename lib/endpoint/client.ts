/**
 * Asks an endpoint questions, with retries. Returns an answer with its times, or a classified failure.
 */
import { CancelledError, throwIfAborted } from "../execute/scope.ts";
import { sleep } from "../execute/sleep.ts";
import { Reply } from "./answer.ts";
import { type APIConfiguration, modelsUrl, requestHeaders } from "./api.ts";
import { EndpointError, type FailureClass, isSuccess, statusError } from "./errors.ts";
import { EndpointChoice } from "./endpoint_choice.ts";
import { type Admission, type LimitWait, RateLimit } from "./rate_limit.ts";
import { apiForm, encodedBody } from "./forms/forms.ts";
import { backoffSeconds, retried } from "./retry.ts";
import { exchange, type HttpExchange, type HttpRequest, type Transport } from "./transport.ts";
import type { ApiForm } from "./forms/form.ts";
import type { Question } from "./question.ts";

/** Bytes of a body per token: an estimate, for limits on tokens. */
const BYTES_A_TOKEN = 4;

/** A failed attempt, reported as soon as it fails. */
export interface FailedAttempt {
  /** Its number, from 1. */
  attempt: number;
  /** Why it failed. */
  error: EndpointError;
  /** Seconds until the next attempt; null when there is no further one. */
  retry_in_s: number | null;
}

/** A request that was sent and has ended, successfully or not. */
export interface RequestOver {
  /** Its number among the requests for one question, from 1. */
  nth: number;
  /** The answer, or the part of it that came. */
  reply: Reply;
  /** The error class, "unfinished" when it was cancelled; null for an answer. */
  failure: FailureClass | "unfinished" | null;
  /** HTTP status; 0 for none. */
  status: number;
}

/** The outcome of a question. `error` is null when the endpoint answered. */
export interface ClientReply {
  /** The answer, or the part of it that came. */
  reply: Reply;
  /** Times of the last attempt; null when none had an end that could be stamped. */
  exchange: HttpExchange | null;
  /** The number of attempts, the last one included. */
  attempts: number;
  /** Why the last attempt failed; null when the endpoint answered. */
  error: EndpointError | null;
  /** With several endpoints, the one that was asked last; left out for a single endpoint. */
  endpoint?: string;
}

/**
 * Called with the reason when one of several endpoints becomes unavailable, and with null when it is
 * back.
 */
export type OnPlace = (endpoint: string, gone: EndpointError | null) => void;

/**
 * Asks questions of one endpoint, or of several that serve the same model. An endpoint that does not
 * respond gets no questions until it is back; the others answer instead. Keeps no state except what it
 * learns about the servers.
 */
export class EndpointClient {
  /** The settings that every request is made with. */
  readonly api: APIConfiguration;
  readonly #transport: Transport;
  readonly #places: EndpointChoice;
  readonly #headers: Record<string, string>;
  readonly #form: ApiForm;
  readonly #limit: RateLimit;
  readonly #onPlace: OnPlace;
  #streamOptions: boolean;
  /** Tokens of the latest answer, as an estimate for the next one. */
  #answer_tokens = 0;

  /**
   * Opens no connection yet. The caller owns the transport and closes it.
   *
   * @param onLimited called with each wait for a rate limit, when it begins.
   * @param onPlace called when one of several endpoints becomes unavailable and when it is back.
   */
  constructor(
    api: APIConfiguration,
    transport: Transport,
    onLimited: (wait: LimitWait) => void = () => {},
    onPlace: OnPlace = () => {},
  ) {
    this.api = api;
    this.#transport = transport;
    this.#onPlace = onPlace;
    this.#places = new EndpointChoice(api);
    this.#headers = requestHeaders(api);
    this.#form = apiForm(api);
    this.#streamOptions = api.stream_options;
    const { requests_per_minute, tokens_per_minute } = api;
    this.#limit = new RateLimit(
      {
        requests_per_minute: requests_per_minute ?? undefined,
        tokens_per_minute: tokens_per_minute ?? undefined,
      },
      api.timeout,
      onLimited,
    );
  }

  /** Whether to ask for usage with `stream_options`; false once the server has refused it. */
  get asksForUsage(): boolean {
    return this.#streamOptions;
  }

  /** The name of the transport in use. */
  get transportName(): string {
    return this.#transport.name;
  }

  /**
   * Asks until there is an answer, a failure that a retry cannot fix, or no attempt left.
   *
   * @param onRequest called with every request that was sent, after it has ended.
   * @param session the session of the question, for a balance that sends one session to one endpoint.
   * @throws {CancelledError} the signal is aborted.
   */
  async ask(
    question: Question,
    signal: AbortSignal,
    onFailedAttempt: (failed: FailedAttempt) => void = () => {},
    onRequest: (request: RequestOver) => void = () => {},
    session: string | null = null,
  ): Promise<ClientReply> {
    let requests = 0;
    const over: Over = (reply, failure, sent) => {
      const status = sent?.status ?? 0;
      if (sent !== null && sent.t_sent_ns > 0) {
        onRequest({ nth: ++requests, reply, failure, status });
      }
    };
    const several = this.#places.count > 1;
    let place = 0;
    /** Makes attempts. When one of several endpoints is down, asks another one immediately. */
    let moved = 0;
    return await retried(
      async (attempt) => {
        place = this.#places.next(session, attempt === 1 ? null : place);
        const made = await this.#attempt(question, place, signal, over);
        this.#watch(place, made.error);
        const endpoint = this.#places.urls[place].href;
        return { ...made, attempts: attempt, ...(several ? { endpoint } : {}) };
      },
      ({ error }, attempt) => {
        if (error === null) return null;
        const moves = several && error.failure === "connect" && moved + 1 < this.#places.count;
        if (moves) moved++;
        const last = !error.retryable || attempt - moved > this.api.retry_attempts;
        const retry_in_s = moves ? 0 : last ? null : this.#wait(error, attempt - moved);
        onFailedAttempt({ attempt, error, retry_in_s });
        return retry_in_s;
      },
      signal,
    );
  }

  /**
   * Runs `work`. Meanwhile checks every two seconds whether endpoints that became unavailable are back.
   */
  async watching<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    if (this.#places.count === 1) return await work();
    const over = new AbortController();
    const watch = this.#look(AbortSignal.any([signal, over.signal]));
    try {
      return await work();
    } finally {
      over.abort();
      await watch;
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    try {
      for (;;) {
        await sleep(CHECK_MS, signal);
        await Promise.all(
          this.#places.gone().map(async (place) => {
            const url = this.#places.urls[place];
            const there = await isThere(url, this.api, this.#transport, signal);
            if (there && this.#places.answered(place)) this.#onPlace(url.href, null);
          }),
        );
      }
    } catch (error) {
      if (!(error instanceof CancelledError)) throw error;
    }
  }

  /** Notes whether an endpoint responds, when there are several. */
  #watch(place: number, error: EndpointError | null): void {
    if (this.#places.count === 1) return;
    const endpoint = this.#places.urls[place].href;
    if (error?.failure === "connect") {
      if (this.#places.lost(place)) this.#onPlace(endpoint, error);
    } else if (error === null && this.#places.answered(place)) this.#onPlace(endpoint, null);
  }

  /** Seconds until the next attempt; null when the server asks for a longer wait than is allowed. */
  #wait(error: EndpointError, attempt: number): number | null {
    if (error.retry_after_s === null) return backoffSeconds(attempt - 1, this.api.retry_delay);
    return error.retry_after_s <= this.api.timeout ? error.retry_after_s : null;
  }

  async #attempt(
    question: Question,
    place: number,
    signal: AbortSignal,
    over: Over,
  ): Promise<{ reply: Reply; exchange: HttpExchange | null; error: EndpointError | null }> {
    const target = this.#places.target(place);
    this.#places.began(place);
    let reply = new Reply(this.#form);
    let exchange: HttpExchange | null = null;
    let sent: HttpExchange | null = null;
    let admission: Admission | null = null;
    const onOver = (exchange: HttpExchange, admitted: Admission) => {
      sent = exchange;
      admission = admitted;
    };
    try {
      throwIfAborted(signal);
      const askedForUsage = this.api.stream && this.#streamOptions;
      exchange = await this.#post(question, target, reply, signal, onOver);
      if (exchange.status === 400 && askedForUsage && exchange.body.includes("stream_options")) {
        this.#streamOptions = false;
        over(reply, "http_4xx", exchange);
        sent = null;
        reply = new Reply(this.#form);
        exchange = await this.#post(question, target, reply, signal, onOver);
      }
      if (!isSuccess(exchange.status)) throw statusError(exchange, this.api);
      reply.took(exchange);
      reply.end();
      this.#settle(admission, reply);
      over(reply, null, exchange);
      return { reply, exchange, error: null };
    } catch (error) {
      if (error instanceof CancelledError) over(reply, "unfinished", sent);
      if (error instanceof CancelledError || !(error instanceof EndpointError)) throw error;
      over(reply, error.failure, sent);
      return { reply, exchange, error };
    } finally {
      this.#places.ended(place);
    }
  }

  async #post(
    question: Question,
    target: Pick<HttpRequest, "url" | "sign">,
    reply: Reply,
    signal: AbortSignal,
    onOver: (exchange: HttpExchange, admission: Admission) => void,
  ): Promise<HttpExchange> {
    const settings = { ...this.api, stream_options: this.#streamOptions };
    const body = encodedBody(this.#form.request(question, settings), this.#form);
    const { max_tokens } = question.parameters ?? {};
    const answer = typeof max_tokens === "number" ? max_tokens : this.#answer_tokens;
    const admission = await this.#limit.admit(
      Math.ceil(body.length / BYTES_A_TOKEN) + answer,
      signal,
    );
    return await exchange(
      this.#transport,
      {
        method: "POST",
        ...target,
        headers: this.#headers,
        body,
        timeout_s: this.api.timeout,
        tls: this.api.tls,
      },
      reply,
      signal,
      (exchange) => {
        this.#limit.heed(admission, exchange, Date.now());
        onOver(exchange, admission);
      },
    );
  }

  /** Replaces a request's estimated tokens with the tokens that it used. */
  #settle(admission: Admission | null, { prompt_tokens, completion_tokens }: Reply): void {
    if (completion_tokens !== null) this.#answer_tokens = completion_tokens;
    if (admission === null || prompt_tokens === null || completion_tokens === null) return;
    admission.tokens = prompt_tokens + completion_tokens;
  }
}

/** @param sent null when nothing was sent. */
type Over = (reply: Reply, failure: RequestOver["failure"], sent: HttpExchange | null) => void;

/** Time between two checks of an unavailable endpoint, milliseconds. */
const CHECK_MS = 2000;
/** The endpoint is still unavailable when it has not answered after this time, seconds. */
const TIMEOUT_S = 2;

/**
 * Asks for the list of models. Any answer except a server error (5xx) means that the server is back, even
 * if it has no such list.
 *
 * @throws {CancelledError} the signal is aborted.
 */
async function isThere(
  endpoint: URL,
  api: APIConfiguration,
  transport: Transport,
  signal: AbortSignal,
): Promise<boolean> {
  const request = {
    method: "GET",
    url: modelsUrl(endpoint),
    headers: requestHeaders(api),
    body: "",
    timeout_s: TIMEOUT_S,
    tls: api.tls,
  } as const;
  try {
    return (await exchange(transport, request, null, signal)).status < 500;
  } catch (error) {
    if (error instanceof EndpointError) return false;
    throw error;
  }
}
