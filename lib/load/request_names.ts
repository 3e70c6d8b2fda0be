/** What requests and sessions of a load are called, in their headers and in the journal. */

/** The names of one request. */
export interface RequestName {
  /** The header x-request-id. */
  request_id: string;
  /** The session it belongs to; null for none. */
  session: string | null;
}

/** Names the requests of one load: no other load's are called alike. */
export class RequestNames {
  readonly #load = crypto.randomUUID().slice(0, 8);
  readonly #session_header: string;
  readonly #headers: Readonly<Record<string, string>>;

  /** @param headers of every request; one with the same name takes precedence. */
  constructor(session_header: string, headers: Readonly<Record<string, string>>) {
    this.#session_header = session_header;
    this.#headers = headers;
  }

  /** @param session as a dataset names it; a conversation without such a name gets one. */
  of(request: number, session: string | null, conversation: number | null): RequestName {
    const own = conversation === null ? null : `${this.#load}-s${conversation}`;
    return { request_id: `${this.#load}-${request}`, session: session ?? own };
  }

  /** All headers of a request; what a header cannot carry of a session's name is sent as %XX. */
  headersOf({ request_id, session }: RequestName): Record<string, string> {
    const own = session === null
      ? {}
      : { [this.#session_header]: session.replace(/[^\x21-\x7e]/gu, encodeURIComponent) };
    return { "x-request-id": request_id, ...own, ...this.#headers };
  }
}
