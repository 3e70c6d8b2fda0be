/** On which connection each request of a load goes. */
import type { HttpRequest } from "../endpoint/transport.ts";
import type { Flight } from "./flight.ts";
import type { SettledLoad } from "../settings/load.ts";

/** Gives sessions their connections by the load's policy. */
export class Connections {
  readonly #policy: SettledLoad["connections"];
  /** Sessions that may go on, by name, with their numbers. */
  readonly #sessions = new Map<string, number>();
  #last = 0;

  constructor(policy: SettledLoad["connections"]) {
    this.#policy = policy;
  }

  /** Where sessions have their own connections, requests of none share the others. */
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
