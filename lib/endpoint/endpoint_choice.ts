/** Chooses among several endpoints that serve the same model, and remembers which are unavailable. */
import { nowNs } from "../native/clock.ts";
import { endpointsAsked } from "./api.ts";
import { signerOf } from "./aws_signer.ts";
import type { Balance } from "../settings/endpoint.ts";
import type { APIConfiguration } from "./api.ts";
import type { HttpRequest } from "./transport.ts";

/**
 * An unavailable endpoint gets a question again after this time, when no check has found it back
 * before.
 */
const REST_NS = 30e9;

/** Describes how requests are distributed. */
export function placesText(api: APIConfiguration): string {
  const how = api.several ? ` (${api.several.balance})` : "";
  return endpointsAsked(api).join(", ") + how;
}

interface Place {
  /** Requests in flight. */
  open: number;
  /** Requests so far. */
  given: number;
  /** The endpoint gets no request before this time, CLOCK_MONOTONIC; null when it is available. */
  until_ns: number | null;
}

/** The endpoints of one configuration, with counts of their requests. */
export class EndpointChoice {
  /** Where requests are posted to. */
  readonly urls: readonly URL[];
  readonly #sign: HttpRequest["sign"];
  readonly #places: readonly Place[];
  readonly #balance: Balance;
  /** The endpoint's number of each session. */
  readonly #homes = new Map<string, number>();
  #turn = 0;

  constructor(api: APIConfiguration) {
    this.#balance = api.several?.balance ?? "round-robin";
    this.urls = endpointsAsked(api).map((endpoint) => new URL(endpoint));
    this.#sign = signerOf(api);
    this.#places = this.urls.map(() => ({ open: 0, given: 0, until_ns: null }));
  }

  /** The number of endpoints. */
  get count(): number {
    return this.#places.length;
  }

  /**
   * The destination of a request: the endpoint `place`, or the one with the fewest requests in flight
   * when `place` is null.
   */
  target(place: number | null): Pick<HttpRequest, "url" | "others" | "sign"> {
    const others = place === null ? { others: this.urls.slice(1) } : {};
    return { url: this.urls[place ?? 0], ...others, sign: this.#sign };
  }

  /**
   * The number of the endpoint for the next request. An unavailable one is chosen only when all are
   * unavailable.
   *
   * @param session the request's session; requests without a session take turns.
   * @param but an endpoint to avoid when there is another one.
   */
  next(session: string | null, but: number | null = null): number {
    const all = [...this.#places.keys()];
    const now_ns = nowNs();
    const here = all.filter((n) => (this.#places[n].until_ns ?? 0) <= now_ns);
    const others = (here.length > 0 ? here : all).filter((n) => n !== but);
    const from = others.length > 0 ? others : all;
    if (this.#balance === "least-in-flight") {
      return from.reduce((best, n) => {
        const [a, b] = [this.#places[n], this.#places[best]];
        return (a.open - b.open || a.given - b.given) < 0 ? n : best;
      });
    }
    if (this.#balance === "round-robin" || session === null) return this.#inTurn(from);
    const home = this.#homes.get(session);
    if (home !== undefined && from.includes(home)) return home;
    const found = this.#inTurn(from);
    this.#homes.set(session, found);
    return found;
  }

  /** Counts a request that was sent to endpoint `n`. */
  began(n: number): void {
    this.#places[n].open++;
    this.#places[n].given++;
  }

  /** Counts a request as ended. */
  ended(n: number): void {
    this.#places[n].open--;
  }

  /** Marks an endpoint as unavailable; returns whether it was available before. */
  lost(n: number): boolean {
    const place = this.#places[n];
    const news = place.until_ns === null;
    place.until_ns = nowNs() + REST_NS;
    return news;
  }

  /** The unavailable endpoints. */
  gone(): number[] {
    return [...this.#places.keys()].filter((n) => this.#places[n].until_ns !== null);
  }

  /** Marks an endpoint as available; returns whether it was unavailable before. */
  answered(n: number): boolean {
    const news = this.#places[n].until_ns !== null;
    this.#places[n].until_ns = null;
    return news;
  }

  #inTurn(from: readonly number[]): number {
    // the first one from the turn onwards, so that a skipped endpoint does not double its neighbour's
    // share
    const n = from.find((each) => each >= this.#turn) ?? from[0];
    this.#turn = (n + 1) % this.#places.length;
    return n;
  }
}
