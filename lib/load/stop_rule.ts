import { percentText } from "../text/percent.ts";
/** Decides when to stop a load early: too many failures, or a server that cannot keep up. */

export interface StopLimits {
  /** The load stops when more than this share of the last 100 requests failed; null: never. */
  error_rate: number | null;
  /** Whether to stop when the server falls behind an open loop. */
  saturation: boolean;
}

const LAST = 100;
const LEAST = 20;
const WINDOW_NS = 5e9;
/** The server is saturated when it answers less than this share of the requested rate over the window. */
const ANSWERED_SHARE = 0.8;

/** Watches a load. `reason`: why to stop it; null while there is no reason. */
export class StopRule {
  reason: string | null = null;
  readonly #limits: StopLimits;
  readonly #failures: boolean[] = [];
  readonly #marks: { t_ns: number; submitted: number; ended: number; open: number }[] = [];
  #submitted = 0;
  #ended = 0;

  constructor(limits: StopLimits) {
    this.#limits = limits;
  }

  submitted(): void {
    this.#submitted++;
  }

  ended(failed: boolean): void {
    this.#ended++;
    const { error_rate } = this.#limits;
    if (error_rate === null) return;
    this.#failures.push(failed);
    if (this.#failures.length > LAST) this.#failures.shift();
    const n = this.#failures.length;
    const share = this.#failures.filter(Boolean).length / n;
    if (n < LEAST || share <= error_rate) return;
    this.reason ??= `error rate: ${percentText(share, 0)} of the last ${n} requests failed, ` +
      `more than ${percentText(error_rate)}`;
  }

  /** To be called regularly during an open loop. */
  checkSaturation(t_ns: number, open: number): void {
    if (!this.#limits.saturation) return;
    this.#marks.push({ t_ns, submitted: this.#submitted, ended: this.#ended, open });
    while (this.#marks.length > 2 && this.#marks[1].t_ns <= t_ns - WINDOW_NS) this.#marks.shift();
    const first = this.#marks[0];
    // until the first answer, the number in flight rises with any server
    if (first.ended === 0) return void this.#marks.shift();
    if (t_ns - first.t_ns < WINDOW_NS) return;
    const asked = this.#submitted - first.submitted;
    const answered = this.#ended - first.ended;
    if (asked < LEAST || answered >= ANSWERED_SHARE * asked || open <= first.open) return;
    this.reason ??= `saturated: ${answered} of ${asked} requests were answered over ` +
      `${WINDOW_NS / 1e9} s, and ${open} wait`;
  }
}
