/**
 * When the first requests of a stage are sent. They are built ahead of that, as all code is slow
 * when it first runs.
 */
import { CancelledError } from "../execute/scope.ts";
import { nowNs } from "../native/clock.ts";
import { isOpen } from "./stages.ts";
import type { LoadStage } from "./stages.ts";

/** The shortest head start, */
const HEAD_START_NS = 1e8;
/** plus this for each place of a closed loop, as all places start together. */
const MAKING_NS = 4e5;
/** With https it is longer: both ends compute a handshake per place, often on one host. */
const HANDSHAKE_NS = 2e6;
/** Places start this far apart: one thread can send no faster. */
const APART_NS = 2e4;

/**
 * Returns how long before their time a stage's first requests are built, ns.
 *
 * @param places the endpoints they go to.
 */
export function headStart_ns(stage: LoadStage, { urls }: { urls: readonly URL[] }): number {
  const secure = urls.some(({ protocol }) => protocol === "https:");
  const each_ns = secure ? HANDSHAKE_NS : MAKING_NS;
  return isOpen(stage) ? HEAD_START_NS : Math.max(HEAD_START_NS, each_ns * stage.concurrency!);
}

/** Returns when the n-th request of a closed loop is sent, if the first is sent at `first_ns`. */
export function placeStart_ns(first_ns: number, n: number, { concurrency }: LoadStage): number {
  return first_ns + APART_NS * Math.min(n, concurrency ?? 0);
}

/**
 * Returns the start shared with other processes, or the earliest time by which requests can be
 * built; null: interrupted.
 */
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
