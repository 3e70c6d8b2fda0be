/** When the first requests of a stage go: they are made before their time, when all code is still slow. */
import { CancelledError } from "../execute/scope.ts";
import { nowNs } from "../native/clock.ts";
import { isOpen } from "./stages.ts";
import type { LoadStage } from "./stages.ts";

/** At least so long before, */
const HEAD_START_NS = 1e8;
/** and so long for each place of a closed loop, which all begin together. */
const MAKING_NS = 4e5;
/** By https longer: both ends compute a handshake for each, often on one host. */
const HANDSHAKE_NS = 2e6;
/** They begin one after the other, no faster than one thread can send them. */
const APART_NS = 2e4;

/**
 * How long a stage's first requests are made before they go, ns.
 *
 * @param places where they go.
 */
export function headStart_ns(stage: LoadStage, { urls }: { urls: readonly URL[] }): number {
  const secure = urls.some(({ protocol }) => protocol === "https:");
  const each_ns = secure ? HANDSHAKE_NS : MAKING_NS;
  return isOpen(stage) ? HEAD_START_NS : Math.max(HEAD_START_NS, each_ns * stage.concurrency!);
}

/** When the n-th request of a closed loop goes whose first one goes at `first_ns`. */
export function placeStart_ns(first_ns: number, n: number, { concurrency }: LoadStage): number {
  return first_ns + APART_NS * Math.min(n, concurrency ?? 0);
}

/** The start that others share, or as soon as requests can be made; null: it was interrupted before. */
export async function commonStart_ns(
  begin: (head_start_ns: number) => Promise<number>,
  head_start_ns: number,
): Promise<number | null> {
  try {
    return Math.max(await begin(head_start_ns), nowNs() + head_start_ns);
  } catch (error) {
    if (error instanceof CancelledError) return null;
    throw error;
  }
}
