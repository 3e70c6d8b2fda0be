/** Ends a program from outside: at its time limit, at its memory limit, or on cancellation. */
import { asCancelled, CancelledError } from "../../execute/scope.ts";
import { type Usage, usageBelow } from "./usage.ts";
import type { OutcomeClass } from "./outcome.ts";
import type { End, Side } from "./side.ts";

const POLL_MS = 100;
const STARTS_WITHIN_MS = 30_000;
/** This much of each answer's time counts as transfer time, not as the program's. */
const TRAVEL_MS = 0.25;
/** When checks take this share of the whole time, they are the cause of a timeout. */
const MOSTLY = 0.8;

/** Limits of one program, and a description of what it is doing when it exceeds one. */
export interface Watched {
  timeout_s: number;
  memory_bytes: number;
  during: () => string;
}

/** Watches a side from creation until disposal; the first thing that ends it counts. */
export class Watch implements Disposable {
  /** How it ended; rejected with a CancelledError when it was stopped from outside. */
  readonly ended: Promise<[OutcomeClass, string]>;
  readonly #side: Side;
  readonly #limits: Watched;
  readonly #signal: AbortSignal;
  #resolve!: (ended: [OutcomeClass, string]) => void;
  #reject!: (error: CancelledError) => void;
  #started = performance.now();
  #begun = false;
  /** When the program began to run; null while it waits for the checks. */
  #since: number | null = null;
  #worked_ms = 0;
  #travelled_ms = 0;
  readonly #poll: ReturnType<typeof setInterval>;
  #timer: ReturnType<typeof setTimeout>;
  readonly #onAbort = () => this.#reject(asCancelled(this.#signal.reason));
  #usage: Usage | null = null;

  constructor(side: Side, limits: Watched, signal: AbortSignal) {
    this.#side = side;
    this.#limits = limits;
    this.#signal = signal;
    this.ended = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#poll = setInterval(() => this.look(), POLL_MS);
    this.#timer = setTimeout(
      () => this.finish("sandbox_error", `no start within ${STARTS_WITHIN_MS / 1000} s`),
      STARTS_WITHIN_MS,
    );
    signal.addEventListener("abort", this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
  }

  /** Whether the interpreter has started and the program runs. */
  get begun(): boolean {
    return this.#begun;
  }

  /**
   * Notes that the interpreter has started: from now on, time in which the program runs counts against
   * it.
   */
  begin(): void {
    this.#begun = true;
    this.#started = performance.now();
    this.#since = this.#started;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#tick(), this.#limits.timeout_s * 1000);
  }

  /** Notes that the program has received a request. */
  work(): void {
    this.#since = performance.now();
  }

  /** Notes that the program has answered and waits. */
  rest(): void {
    const took_ms = performance.now() - this.#since!;
    const way_ms = Math.min(took_ms, TRAVEL_MS);
    this.#worked_ms += took_ms - way_ms;
    this.#travelled_ms += way_ms;
    this.#since = null;
  }

  /**
   * Ends a program that has run too long. Also ends one whose checks do not finish, which counts as a
   * fault of the checks if they took most of that time.
   */
  #tick(): void {
    const { timeout_s, during } = this.#limits;
    const now = performance.now();
    const wall_ms = now - this.#started;
    const worked_ms = this.worked_s * 1000;
    const patience_ms = timeout_s * 3000 + 10_000;
    const most_ms = timeout_s * 6000 + 60_000;
    const late = `no end after ${timeout_s} s${during()}`;
    if (worked_ms >= timeout_s * 1000 - 1) return this.finish("timeout", late);
    const checks_ms = wall_ms - worked_ms - this.#travelled_ms;
    if (wall_ms >= patience_ms && checks_ms < MOSTLY * wall_ms) return this.finish("timeout", late);
    if (wall_ms >= most_ms) {
      return this.finish(
        "sandbox_error",
        `the checks themselves take more than ${most_ms / 1000} s`,
      );
    }
    const left_ms = Math.min(
      timeout_s * 1000 - worked_ms,
      Math.abs(patience_ms - wall_ms) + 1,
      1000,
    );
    this.#timer = setTimeout(() => this.#tick(), Math.max(2, left_ms));
  }

  get wall_s(): number {
    return (performance.now() - this.#started) / 1000;
  }

  /** How long the program has been running, without the time in which it waited. */
  get worked_s(): number {
    const working_ms = this.#since === null ? 0 : performance.now() - this.#since;
    return (this.#worked_ms + working_ms) / 1000;
  }

  finish(kind: OutcomeClass, detail = ""): void {
    this.#resolve([kind, detail]);
  }

  /**
   * Ctrl-C reaches everything started from a terminal; a SIGINT from the program itself arrives as an
   * exit code.
   */
  interrupted({ signal }: End): boolean {
    if (signal === "SIGINT") this.#reject(new CancelledError());
    return signal === "SIGINT";
  }

  /** What the program uses; after its end, the last known values. */
  look(): Usage | null {
    const now = this.#side.pid === undefined
      ? null
      : usageBelow(this.#side.pid, !this.#side.wrapped);
    this.#usage = larger(this.#usage, now);
    if (now && now.rss_bytes > this.#limits.memory_bytes) {
      const mb = this.#limits.memory_bytes >> 20;
      this.finish("out_of_memory", `more than ${mb} MB of resident memory`);
    }
    return this.#usage;
  }

  /** What the end of the program's own interpreter means. */
  earlyEnd(end: End): [OutcomeClass, string] {
    const { timeout_s, memory_bytes, during } = this.#limits;
    if (!this.#begun) {
      return ["sandbox_error", `did not start (${endText(end)}): ${this.#side.printed}`];
    }
    const signal = end.signal ?? (end.code !== null && end.code > 128 ? end.code - 128 : null);
    if (signal === 24 || signal === "SIGXCPU") {
      return ["timeout", `no end after ${Math.ceil(timeout_s) + 1} s of CPU time`];
    }
    const most = this.#usage?.max_rss_bytes ?? 0;
    if ((signal === 9 || signal === "SIGKILL") && most > 0.8 * memory_bytes) {
      return ["out_of_memory", `ended at ${most >> 20} MB of resident memory`];
    }
    return ["exception", `the program ended its interpreter (${endText(end)})${during()}`];
  }

  [Symbol.dispose](): void {
    clearInterval(this.#poll);
    clearTimeout(this.#timer);
    this.#signal.removeEventListener("abort", this.#onAbort);
  }
}

const SIGNALS: Record<number, string> = {
  4: "SIGILL",
  6: "SIGABRT",
  7: "SIGBUS",
  8: "SIGFPE",
  9: "SIGKILL",
  11: "SIGSEGV",
  15: "SIGTERM",
};

/** Describes an end. */
export function endText({ code, signal }: End): string {
  if (signal !== null) return `by ${signal}`;
  if (code !== null && code > 128) return `by ${SIGNALS[code - 128] ?? `signal ${code - 128}`}`;
  return code === null ? "it did not start" : `exit code ${code}`;
}

function larger(before: Usage | null, now: Usage | null): Usage | null {
  if (before === null || now === null) return now ?? before;
  return {
    cpu_s: Math.max(before.cpu_s, now.cpu_s),
    rss_bytes: now.rss_bytes,
    max_rss_bytes: Math.max(before.max_rss_bytes, now.max_rss_bytes),
  };
}
