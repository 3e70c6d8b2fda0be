/** Live progress: on a terminal a redrawn line with a bar, elsewhere one line per minute. */
import { durationText } from "../../text/duration.ts";
import { grouped } from "../../text/grouped.ts";
import type { Terminal } from "./terminal.ts";

/** Redraws at most four times per second, because drawing must not disturb the measurement. */
const REDRAW_MS = 250;
const LINE_INTERVAL_MS = 60_000;
const BAR_WIDTH = 20;

/** What to draw: one line, or a block of rows. The argument says whether it can be redrawn. */
export type Drawn = (bar: boolean) => string | readonly string[];

/**
 * Shows progress until disposed; other output of the terminal appears above it. The latest content
 * is redrawn periodically, so that its times stay correct even if nothing ends.
 */
export class ProgressLine implements Disposable {
  readonly #terminal: Terminal;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #interval_ms: number;
  #drawn: Drawn | null = null;
  #last_ms: number;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#interval_ms = terminal.live ? REDRAW_MS : LINE_INTERVAL_MS;
    this.#last_ms = terminal.live ? 0 : performance.now();
    this.#timer = setInterval(() => this.#draw(), this.#interval_ms);
    this.#timer.unref();
  }

  /** Draws if enough time has passed; the last content is drawn immediately. */
  show(drawn: Drawn, over = false): void {
    this.#drawn = drawn;
    const due = performance.now() - this.#last_ms >= this.#interval_ms;
    if (due || (over && this.#terminal.live)) this.#draw();
  }

  #draw(): void {
    if (this.#drawn === null) return;
    this.#last_ms = performance.now();
    const rows = [this.#drawn(this.#terminal.live)].flat();
    if (this.#terminal.live) this.#terminal.redraw(...rows);
    else rows.forEach((row) => this.#terminal.say(row));
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#drawn = null;
    this.#terminal.redraw();
  }
}

/** The facts of a progress line; null is unknown. */
export interface ProgressFacts {
  /** What is counted: tests, runs, files. */
  noun: string;
  done: number;
  total: number | null;
  failed?: number;
  /** Growth of `done` per second. */
  rate_per_s: number | null;
  /** Estimated seconds until the end. */
  left_s: number | null;
  /** How many are running. */
  in_flight?: number | null;
  /** Further words: tokens per second, the name of the running item. */
  more?: readonly string[];
  /** The share that is done, if it depends on time. Default: done / total. */
  share?: number | null;
}

/**
 * `█████░░░░░  12/96 runs · 1 failed · 4.1/s · 21 s left · 3 in flight`; with `bar` false, without
 * the bar.
 */
export function progressText(progress: ProgressFacts, bar: boolean): string {
  const { noun, done, total, failed = 0, rate_per_s, left_s, in_flight = null, more = [] } =
    progress;
  const share = progress.share ?? (total === null ? null : done / Math.max(total, 1));
  const parts = [
    `${grouped(done)}${total === null ? "" : `/${grouped(total)}`} ${noun}`,
    failed > 0 ? `${grouped(failed)} failed` : "",
    rate_per_s === null ? "" : `${rateText(rate_per_s)}/s`,
    left_s === null ? "" : `${durationText(left_s)} left`,
    in_flight === null ? "" : `${grouped(in_flight)} in flight`,
    ...more,
  ];
  const drawn = bar && share !== null ? `${barText(share, BAR_WIDTH)} ` : "";
  return drawn + parts.filter(Boolean).join(" · ");
}

/** A bar of this many columns. */
export function barText(share: number, width: number): string {
  const filled = Math.round(width * Math.min(1, Math.max(0, share)));
  return "█".repeat(filled) + "░".repeat(width - filled);
}

/** A rate per second: with one decimal, or two digits if it is slower. */
export function rateText(rate: number): string {
  return rate >= 1 || rate === 0 ? rate.toFixed(1) : String(Number(rate.toPrecision(2)));
}
