/** Several endpoints that serve the same: which one a request goes to, and which have gone away. */
import { nowNs } from "../native/clock.ts";
import { endpointsAsked } from "./api.ts";
import { signerOf } from "./aws_signer.ts";
import type { Balance } from "../settings/endpoint.ts";
import type { APIConfiguration } from "./api.ts";
import type { HttpRequest } from "./transport.ts";

/** An endpoint that went away gets a question again after this long, where no check has found it back. */
const REST_NS = 30e9;

/** Where requests go, in words. */
export function placesText(api: APIConfiguration): string {
  const how = api.several ? ` (${api.several.balance})` : "";
  return endpointsAsked(api).join(", ") + how;
}

interface Place {
  /** Requests under way. */
  open: number;
  /** Requests so far. */
  given: number;
  /** Not asked before then, CLOCK_MONOTONIC; null: it answers. */
  until_ns: number | null;
}

/** The endpoints of one configuration, with counts of their requests. */
export class EndpointChoice {
  /** Where requests are posted to. */
  readonly urls: readonly URL[];
  readonly #sign: HttpRequest["sign"];
  readonly #places: readonly Place[];
  readonly #balance: Balance;
  /** The place of each session. */
  readonly #homes = new Map<string, number>();
  #turn = 0;

  constructor(api: APIConfiguration) {
    this.#balance = api.several?.balance ?? "round-robin";
    this.urls = endpointsAsked(api).map((endpoint) => new URL(endpoint));
    this.#sign = signerOf(api);
    this.#places = this.urls.map(() => ({ open: 0, given: 0, until_ns: null }));
  }

  /** How many there are. */
  get count(): number {
    return this.#places.length;
  }

  /** Where a request goes: to one of them, or to that with the fewest in flight where `place` is null. */
  target(place: number | null): Pick<HttpRequest, "url" | "others" | "sign"> {
    const others = place === null ? { others: this.urls.slice(1) } : {};
    return { url: this.urls[place ?? 0], ...others, sign: this.#sign };
  }

  /**
   * The number of the endpoint that the next request goes to; one that has gone away only where all have.
   *
   * @param session that it belongs to; those of none take turns.
   * @param but one that is left out where there is another.
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

  /** A request was sent there. */
  began(n: number): void {
    this.#places[n].open++;
    this.#places[n].given++;
  }

  /** The request has ended. */
  ended(n: number): void {
    this.#places[n].open--;
  }

  /** It does not answer; returns whether that is news. */
  lost(n: number): boolean {
    const place = this.#places[n];
    const news = place.until_ns === null;
    place.until_ns = nowNs() + REST_NS;
    return news;
  }

  /** Those that went away. */
  gone(): number[] {
    return [...this.#places.keys()].filter((n) => this.#places[n].until_ns !== null);
  }

  /** It answers; whether that is news. */
  answered(n: number): boolean {
    const news = this.#places[n].until_ns !== null;
    this.#places[n].until_ns = null;
    return news;
  }

  #inTurn(from: readonly number[]): number {
    // the first at or after the turn, so that one that is left out does not double its neighbour's share
    const n = from.find((each) => each >= this.#turn) ?? from[0];
    this.#turn = (n + 1) % this.#places.length;
    return n;
  }
}
