/**
 * HTTP/2 with node:http2, for servers that support nothing else: requests are streams of one connection.
 */
import { Buffer } from "node:buffer";
import { CancelledError } from "../../execute/scope.ts";
import { nowNs } from "../../native/clock.ts";
import { BodyReader } from "../body_form.ts";
import { Deadline, lateError } from "../deadline.ts";
import { connectionError, EndpointError } from "../errors.ts";
import { refuseEncoded } from "../http_response.ts";
import { originOf } from "../place.ts";
import { proxyOf } from "../proxy.ts";
import { openSocket } from "./socket.ts";
import { USUAL_TLS } from "../tls.ts";
import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  IncomingHttpHeaders,
  IncomingHttpStatusHeader,
} from "node:http2";
import type { Socket } from "node:net";
import type { Told } from "./exchange.ts";
import { sentHeaders } from "../transport.ts";
import type { HttpExchange, HttpRequest } from "../transport.ts";

/** A connection that is open or being opened. */
interface Session {
  ready: Promise<ClientHttp2Session>;
  /** Null when unknown. */
  tls_ns: number | null;
  /** Requests in progress on it. */
  streams: number;
  /** The most requests that the server allows at the same time. */
  most: number;
  destroy(): void;
}

type OnOver = (exchange: HttpExchange, error: Error | null) => void;

/** Headers that HTTP/2 does not allow (RFC 9113, 8.2.2). */
const NOT_SENT = /^(connection|host|keep-alive|transfer-encoding|upgrade)$/i;
/** The most requests on one connection until the server has set a limit (RFC 9113, 6.5.2). */
const USUAL_STREAMS = 100;
const CANCEL = 8;

/** HTTP/2 connections. Each carries as many requests at the same time as the server allows. */
export class Http2Sessions {
  readonly #sessions = new Map<string, Set<Session>>();

  /**
   * Runs one exchange; returns a function that cancels it. When an existing connection is lost before an
   * answer, the request is sent again on a new one.
   *
   * @param place requests with the same place share connections.
   * @param last no other request follows on its connection.
   * @param onOpened called with each new connection.
   */
  run(
    place: string,
    request: HttpRequest,
    last: boolean,
    listener: Told,
    t_ready_ns: number,
    onOpened: () => void,
    onOver: OnOver,
  ): () => void {
    let current: Http2Exchange;
    const all = this.#sessions.get(place) ?? new Set();
    this.#sessions.set(place, all);
    const attempt = (first: boolean) => {
      const known = first ? [...all].find(({ streams, most }) => streams < most) : undefined;
      if (known === undefined) onOpened();
      const session = known ?? this.#open(all, request);
      session.streams++;
      const exchange = current = new Http2Exchange(request, listener, t_ready_ns, (over, error) => {
        session.streams--;
        const lost = error instanceof EndpointError && error.failure === "connect";
        if (last || lost) all.delete(session);
        if (last) session.destroy();
        if (known !== undefined && lost) attempt(false);
        else onOver(over, error);
      });
      session.ready.then(
        (ready) => exchange.send(ready, known === undefined ? session.tls_ns : 0, !!known),
        (error: Error) => exchange.failed(error),
      );
    };
    attempt(request.connection !== "new");
    return () => current.cancel();
  }

  /** Closes every connection. */
  destroy(): void {
    for (const all of this.#sessions.values()) for (const session of all) session.destroy();
    this.#sessions.clear();
  }

  #open(all: Set<Session>, { url, tls = USUAL_TLS }: HttpRequest): Session {
    let begun_ns: number | null = null;
    const session: Session = {
      ready: Promise.resolve(null!),
      tls_ns: null,
      streams: 0,
      most: USUAL_STREAMS,
      destroy: () => {},
    };
    const forget = () => all.delete(session);
    session.ready = new Promise((resolve, reject) => {
      const failed = (error: Error) => {
        forget();
        reject(error);
      };
      const connected = async (socket: Socket) => {
        session.tls_ns = begun_ns === null ? null : nowNs() - begun_ns;
        const { connect } = await import("node:http2"); // few servers need it
        const made = connect(originOf(url), { createConnection: () => socket });
        session.destroy = () => made.destroy();
        made.on("remoteSettings", ({ maxConcurrentStreams = Infinity }) => {
          session.most = maxConcurrentStreams;
        });
        made.on("error", failed);
        made.on("goaway", forget); // streams in progress still end
        made.on("close", forget);
        socket.on("close", forget);
        resolve(made);
      };
      session.destroy = openSocket(
        url,
        proxyOf(url),
        tls,
        () => begun_ns = nowNs(),
        (socket) => void connected(socket).catch(failed),
        failed,
      );
    });
    all.add(session);
    return session;
  }
}

class Http2Exchange {
  readonly #request: HttpRequest;
  readonly #listener: Told;
  readonly #onOver: OnOver;
  readonly #deadline: Deadline;
  readonly #started_ns = nowNs();
  readonly #times: Pick<
    HttpExchange,
    "connect_ns" | "tls_ns" | "t_ready_ns" | "t_sent_ns" | "t_first_byte_ns"
  >;
  #head = { status: 0, headers: {} as Record<string, string> };
  #body: BodyReader | null = null;
  readonly #early: Buffer[] = [];
  #stream: ClientHttp2Stream | null = null;
  #t_read_ns = 0;
  #over = false;

  constructor(request: HttpRequest, listener: Told, t_ready_ns: number, onOver: OnOver) {
    this.#request = request;
    this.#listener = listener;
    this.#onOver = onOver;
    this.#times = { connect_ns: 0, tls_ns: 0, t_ready_ns, t_sent_ns: 0, t_first_byte_ns: 0 };
    this.#deadline = new Deadline(
      request,
      () => this.#settle(lateError(request, this.#times.t_first_byte_ns > 0)),
    );
  }

  send(session: ClientHttp2Session, tls_ns: number | null, reused: boolean): void {
    if (this.#over) return;
    const { method, url, body } = this.#request;
    const content = Buffer.from(body);
    const own = Object.entries(sentHeaders(this.#request)).filter(([name]) => !NOT_SENT.test(name))
      .map(([name, value]) => [name.toLowerCase(), value]);
    let stream: ClientHttp2Stream;
    try {
      stream = session.request({
        ":method": method,
        ":scheme": "https",
        ":authority": url.host,
        ":path": url.pathname + url.search,
        ...Object.fromEntries(own),
        ...(method === "POST" ? { "content-length": String(content.length) } : {}),
      }, { endStream: content.length === 0 });
    } catch (error) {
      return this.failed(error as Error);
    }
    this.#stream = stream;
    this.#times.t_sent_ns = nowNs();
    if (!reused) {
      this.#times.connect_ns = this.#times.t_sent_ns - this.#started_ns;
      this.#times.tls_ns = tls_ns;
    }
    let why: Error | null = null;
    let ended = false;
    stream.on("response", (given) => this.#guarded(() => this.#onHead(given)));
    stream.on("data", (bytes: Buffer) => {
      this.#t_read_ns = nowNs();
      // under Deno the first bytes may come before the head
      if (this.#body === null) this.#early.push(bytes);
      else this.#guarded(() => this.#body!.push(bytes));
    });
    stream.on("end", () => ended = true);
    stream.on("aborted", () => ended = false);
    stream.on("error", (error: Error) => why = error);
    stream.on("close", () => {
      if (why === null && ended && this.#body !== null && stream.rstCode === 0) {
        this.#guarded(() => {
          this.#body!.end();
          this.#settle(null);
        });
      } else this.failed(why ?? new Error("closed by the server"));
    });
    if (content.length > 0) stream.end(content);
  }

  failed(error: Error): void {
    const { t_first_byte_ns, t_sent_ns } = this.#times;
    const stage = t_first_byte_ns > 0 ? "answered" : t_sent_ns > 0 ? "sent" : "connecting";
    this.#settle(connectionError(this.#request.url, stage, error.message));
  }

  cancel(): void {
    this.#settle(new CancelledError());
  }

  #onHead(given: IncomingHttpHeaders & IncomingHttpStatusHeader): void {
    this.#t_read_ns = this.#times.t_first_byte_ns = nowNs();
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(given)) {
      if (!name.startsWith(":")) headers[name] = [value].flat().join(", ");
    }
    this.#head = { status: Number(given[":status"]), headers };
    refuseEncoded(this.#head);
    this.#body = new BodyReader(this.#head, (data, error) => {
      if (error) this.#listener.onErrorEvent(data);
      else this.#listener.onEvent(data, this.#t_read_ns, null);
    });
    for (const bytes of this.#early) this.#body.push(bytes);
  }

  #guarded(take: () => void): void {
    if (this.#over) return;
    try {
      take();
    } catch (error) {
      this.#settle(error as Error);
    }
  }

  #settle(error: Error | null): void {
    if (this.#over) return;
    this.#over = true;
    this.#deadline.clear();
    if (error !== null) this.#stream?.close(CANCEL);
    const content = error === null && this.#body !== null ? this.#body.takeContent() : { body: "" };
    const t_end_ns = error === null ? this.#t_read_ns : nowNs();
    this.#onOver({ ...this.#head, ...content, ...this.#times, t_end_ns }, error);
  }
}
