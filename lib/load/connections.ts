/** Chooses the connection of each request of a load. */
import type { HttpRequest } from "../endpoint/transport.ts";
import type { Flight } from "./flight.ts";
import type { SettledLoad } from "../settings/load.ts";

/** Assigns connections to sessions, by the load's policy. */
export class Connections {
  readonly #policy: SettledLoad["connections"];
  /** The connection number of each session that may continue, by name. */
  readonly #sessions = new Map<string, number>();
  #last = 0;

  constructor(policy: SettledLoad["connections"]) {
    this.#policy = policy;
  }

  /**
   * Returns the connection of a request. Sessions with their own connections do not share the
   * pooled ones.
   */
  of(
    { session, running }: Pick<Flight, "session" | "running">,
  ): HttpRequest["connection"] {
    const last = running?.handedOver ?? false;
    if (this.#policy === "new") return "new";
    if (this.#policy === "pooled" || session === null) return undefined;
    const number = this.#sessions.get(session) ?? ++this.#last;
    if (last) this.#sessions.delete(session);
    else this.#sessions.set(session, number);
    return { session: number, last };
  }
}
