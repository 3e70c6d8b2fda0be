/** Live progress: a bar on a terminal, one line a minute elsewhere. */
import type { Terminal } from "./terminal.ts";

const REDRAW_MS = 100;
const LINE_INTERVAL_MS = 60_000;

/** Shows progress until disposed; other lines go through {@linkcode ProgressLine.above}. */
export class ProgressLine implements Disposable {
  readonly #terminal: Terminal;
  #drawn = false;
  #last_ms: number;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#last_ms = terminal.live ? 0 : performance.now();
  }

  /** Draws, if it is time to; the last one at once. `textOf` is told whether a bar can be drawn. */
  show(textOf: (bar: boolean) => string, over: boolean): void {
    const now_ms = performance.now();
    const interval_ms = this.#terminal.live ? REDRAW_MS : LINE_INTERVAL_MS;
    if (now_ms - this.#last_ms < interval_ms && !(over && this.#terminal.live)) return;
    this.#last_ms = now_ms;
    const text = textOf(this.#terminal.live);
    if (!this.#terminal.live) return this.#terminal.say(text);
    this.#terminal.redraw(text);
    this.#drawn = true;
  }

  /** Prints a line above the bar. */
  above(line: string): void {
    this.#clear();
    this.#terminal.say(line);
  }

  [Symbol.dispose](): void {
    this.#clear();
  }

  #clear(): void {
    if (this.#drawn) this.#terminal.redraw();
    this.#drawn = false;
  }
}
