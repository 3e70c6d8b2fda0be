/** Whether an endpoint is asked again for what had its answer before a kill. */
import { assert } from "@std/assert";
import type { MockRequest } from "../../lib/mock/server.ts";

/** What a command asks an endpoint for, by the same names in requests and in journals. */
export interface Asking {
  /** The item that a request asks for; null where it asks for none. */
  of(request: MockRequest): string | null;
  /** Items as they were finished, from the journals. */
  done(): Finish[];
  /** How often each item is finished when all is done. */
  each: number;
}

export interface Finish {
  item: string;
  mono_ns: number;
}

/**
 * Looks through the requests that one process made.
 *
 * @returns how many of them were for one of the items.
 * @param leftovers whether processes of a killed one may have asked among them.
 * @throws one asked for an item that was finished as often as it is to be, or under way then.
 */
export function assertNoneAskedAgain(
  { of, done, each }: Asking,
  requests: readonly MockRequest[],
  leftovers: boolean,
): number {
  const finished = done();
  const begun_ns = requests.at(0)?.t_received_ns ?? 0;
  const asked = new Map<string, number>();
  for (const request of requests) {
    const item = of(request);
    if (item === null) continue;
    const over = finished.filter((other) =>
      other.item === item && other.mono_ns < request.t_received_ns
    );
    const inThis = over.filter(({ mono_ns }) => mono_ns > begun_ns).length;
    const underWay = leftovers ? 0 : (asked.get(item) ?? 0) - inThis;
    assert(over.length + underWay < each, `${item}: asked again after it was finished`);
    asked.set(item, (asked.get(item) ?? 0) + 1);
  }
  return asked.values().reduce((sum, count) => sum + count, 0);
}

/** The text that a request puts to the model; empty for requests of another kind. */
export function promptOf({ body }: MockRequest): string {
  const { messages } = (body ?? {}) as { messages?: { content: string }[] };
  return messages?.map(({ content }) => content).join("\n") ?? "";
}
