/** Names of a load's requests and sessions, in their headers and in the journal. */

/** The names of one request. */
export interface RequestName {
  /** The header x-request-id. */
  request_id: string;
  /** The session it belongs to; null for none. */
  session: string | null;
}

/** Names the requests of one load. No other load uses the same names. */
export class RequestNames {
  readonly #load = crypto.randomUUID().slice(0, 8);
  readonly #session_header: string;
  readonly #headers: Readonly<Record<string, string>>;

  /** @param headers the fixed headers of all requests; they take precedence over these names. */
  constructor(session_header: string, headers: Readonly<Record<string, string>>) {
    this.#session_header = session_header;
    this.#headers = headers;
  }

  /** @param session the dataset's name for it; a conversation without one gets a new name. */
  of(request: number, session: string | null, conversation: number | null): RequestName {
    const own = conversation === null ? null : `${this.#load}-s${conversation}`;
    return { request_id: `${this.#load}-${request}`, session: session ?? own };
  }

  /**
   * Returns all headers of a request. Characters of a session's name that a header cannot carry are
   * sent as %XX.
   */
  headersOf({ request_id, session }: RequestName): Record<string, string> {
    const own = session === null
      ? {}
      : { [this.#session_header]: session.replace(/[^\x21-\x7e]/gu, encodeURIComponent) };
    return { "x-request-id": request_id, ...own, ...this.#headers };
  }
}
