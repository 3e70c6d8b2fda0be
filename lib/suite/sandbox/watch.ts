/** What ends a program from outside: its wall time, its memory, a cancellation. */
import { asCancelled, CancelledError } from "../../execute/scope.ts";
import { usageBelow } from "./usage.ts";
import type { OutcomeClass } from "./outcome.ts";
import type { End, Side } from "./side.ts";
import type { Usage } from "./usage.ts";

const POLL_MS = 100;

/** Limits of one program, and the description of what it is doing when one is met. */
export interface Watched {
  timeout_s: number;
  memory_bytes: number;
  during: () => string;
}

/** Watches a side from its making until its disposal; the first thing that ends it counts. */
export class Watch implements Disposable {
  readonly #side: Side;
  readonly #limits: Watched;
  readonly #signal: AbortSignal;
  readonly #found = Promise.withResolvers<[OutcomeClass, string]>();
  readonly #started = performance.now();
  readonly #poll: ReturnType<typeof setInterval>;
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #onAbort = () => this.#found.reject(asCancelled(this.#signal.reason));
  #usage: Usage | null = null;

  constructor(side: Side, limits: Watched, signal: AbortSignal) {
    this.#side = side;
    this.#limits = limits;
    this.#signal = signal;
    this.#poll = setInterval(() => this.look(), POLL_MS);
    this.#timer = setTimeout(
      () => this.finish("timeout", `no end after ${limits.timeout_s} s${limits.during()}`),
      limits.timeout_s * 1000,
    );
    signal.addEventListener("abort", this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
  }

  /** How it ended. @throws {CancelledError} */
  get ended(): Promise<[OutcomeClass, string]> {
    return this.#found.promise;
  }

  get wall_s(): number {
    return (performance.now() - this.#started) / 1000;
  }

  finish(kind: OutcomeClass, detail = ""): void {
    this.#found.resolve([kind, detail]);
  }

  /** Ctrl-C reaches what is started from a terminal; a program's own comes as an exit code. */
  interrupted({ signal }: End): boolean {
    if (signal === "SIGINT") this.#found.reject(new CancelledError());
    return signal === "SIGINT";
  }

  /** What the program has used; the last that is known, when it has ended. */
  look(): Usage | null {
    const now = this.#side.pid === undefined ? null : usageBelow(this.#side.pid);
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

/** An end in words. */
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
