/**
 * Waits for limits on requests and tokens per minute: journals each, and reports the first and the total.
 */
import { durationText } from "../text/duration.ts";
import { counted } from "../text/grouped.ts";
import type { LimitWait } from "../endpoint/rate_limit.ts";
import type { Journal } from "../run/journal.ts";

/** Records one client's waits. */
export class LimitWaits {
  readonly #journal: Journal;
  readonly #notice: (line: string) => void;
  #waits = 0;
  #total_s = 0;

  /** Reports the first wait with `notice`; later ones only count in the total. */
  constructor(journal: Journal, notice: (line: string) => void) {
    this.#journal = journal;
    this.#notice = notice;
  }

  /** Records a wait that begins. */
  add(wait: LimitWait): void {
    const { wait_s, by, of } = wait;
    this.#journal.append({ event: "rate_limited", ...wait });
    if (this.#waits++ === 0) {
      const whose = of === "server" ? `the server's limit of ${by}` : `--${by}-per-minute`;
      this.#notice(`waiting ${durationText(wait_s)} for ${whose}`);
    }
    this.#total_s += wait_s;
  }

  /** Reports the total, after the run has ended. */
  tell(): void {
    if (this.#waits < 2) return;
    this.#notice(
      `waited ${counted(this.#waits, "time")}, ${
        durationText(this.#total_s)
      } in total, for rate limits`,
    );
  }
}
