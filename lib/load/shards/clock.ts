/**
 * Compares the clocks of several hosts by messages in files that they share: a shard asks, and the
 * coordinator replies with when it saw the question and when it answered. This works like NTP (RFC
 * 5905, section 8), but with a proven bound instead of an estimate: no message is read before it
 * was written. Let the question be written at t1 and the answer read at t4 by the shard's clock,
 * and the question be seen at t2 and answered at t3 by the coordinator's. Then coordinator − shard
 * is at most t2 − t1 and at least t3 − t4. Each exchange can only narrow these bounds; the offset
 * is estimated as their middle.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { clockAnchor, nowNs } from "../../native/clock.ts";
import { sleep } from "../../execute/sleep.ts";
import { filesIn, tell, told } from "./plan.ts";

/** Exchanges in one measurement. */
const EXCHANGES = 16;
/** Time between checks for a message. */
const LOOK_MS = 1;
/** Time after which an answer is no longer expected. */
const PATIENCE_MS = 10_000;

interface Answer {
  seen_ns: number;
  answered_ns: number;
  boot_id: string | null;
}

/** The offset to add to a clock's time to get the coordinator's. */
export interface ClockOffset {
  offset_ns: number;
  /** The offset is exact to ± this. */
  error_ns: number;
}

/**
 * The times of one exchange: asked and answer read by the shard's clock, seen and answered by the
 * coordinator's.
 */
export type ClockExchange = readonly [t1: number, t2: number, t3: number, t4: number];

/** Returns the offset that exchanges allow; null where they contradict one another, as a clock was set. */
export function offsetOf(exchanges: readonly ClockExchange[]): ClockOffset | null {
  const low = Math.max(...exchanges.map(([, , t3, t4]) => t3 - t4));
  const high = Math.min(...exchanges.map(([t1, t2]) => t2 - t1));
  if (exchanges.length === 0 || low > high) return null;
  return { offset_ns: (low + high) / 2, error_ns: (high - low) / 2 };
}

/**
 * Measures this process's clock against the coordinator's. On the same boot of the same host both
 * read the same clock, so the offset is 0 if the exchanges allow that; they do not if the process
 * has a separate clock (a time namespace).
 *
 * @returns null if nobody answers.
 * @throws {CancelledError} the signal was aborted.
 */
export async function measureOffset(
  folder: string,
  name: string,
  signal: AbortSignal,
): Promise<ClockOffset | null> {
  const exchanges: ClockExchange[] = [];
  let boot_id: string | null = null;
  for (let i = 0; i < EXCHANGES; i++) {
    const question = join(folder, `${name}-${process.pid}-${i}.ask`);
    const path = `${question}ed`;
    const asked_ns = nowNs();
    tell(question, {});
    let answer: Answer | null = null;
    while ((answer = told<Answer>(path)) === null) {
      if (nowNs() - asked_ns > PATIENCE_MS * 1e6) {
        rmSync(question, { force: true });
        return null;
      }
      await sleep(LOOK_MS, signal);
      filesIn(folder);
    }
    exchanges.push([asked_ns, answer.seen_ns, answer.answered_ns, nowNs()]);
    boot_id = answer.boot_id;
    rmSync(path, { force: true });
  }
  const found = offsetOf(exchanges);
  if (found === null) return null;
  const same = boot_id !== null && boot_id === clockAnchor().boot_id;
  return same && Math.abs(found.offset_ns) <= found.error_ns
    ? { offset_ns: 0, error_ns: 0 }
    : found;
}

/** Answers the questions in a folder; returns their number. */
export function answerClocks(folder: string, boot_id: string | null): number {
  const questions = filesIn(folder).filter((name) => name.endsWith(".ask"));
  for (const name of questions) {
    const seen_ns = nowNs();
    const question = join(folder, name);
    rmSync(question, { force: true });
    tell(`${question}ed`, { seen_ns, answered_ns: nowNs(), boot_id });
  }
  return questions.length;
}
