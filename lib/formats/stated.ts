/** What a source states of a whole run, compared with what its items give. */
import type { StatedFigures } from "../run/summary.ts";

/** Collects the figures that a file states; the stated one always counts. */
export class Stated {
  readonly #figures: StatedFigures["figures"] = {};
  readonly #differs: StatedFigures["differs"] = [];

  /** A figure that only the file tells; null is left out. */
  keep(figure: string, stated: number | null): void {
    if (stated !== null) this.#figures[figure] = stated;
  }

  /** Statistics of a time in ms, in one unit: `mean`, `p50` and such of `ttft` as `ttft_p50_ms`. */
  times(of: string, statistics: Record<string, number | null | undefined>, scale = 1): void {
    for (const [name, value] of Object.entries(statistics)) {
      if (value === null || value === undefined) continue;
      const ms = scale === 1 ? value : Number((value * scale).toPrecision(12));
      this.keep(`${of}_${name}_ms`, ms);
    }
  }

  /**
   * A figure that its items tell, too. One that they give otherwise is kept with theirs beside it; one
   * that they give alike is kept where the file is to be written back with it.
   *
   * @param computed null where the items do not say.
   */
  check(figure: string, stated: number | null, computed: number | null): void {
    if (stated === null || (computed !== null && agrees(stated, computed))) return;
    this.#figures[figure] = stated;
    if (computed !== null) this.#differs.push({ figure, stated, computed });
  }

  /** Nothing where the file states nothing beside what its items give. */
  found(): { stated?: StatedFigures } {
    if (Object.keys(this.#figures).length === 0) return {};
    return { stated: { figures: this.#figures, differs: this.#differs } };
  }
}

/** Whether a figure that was written with this many decimals may be the other one, rounded. */
export function agrees(stated: number, computed: number): boolean {
  const [, decimals = ""] = /\.(\d+)$/.exec(String(stated)) ?? [];
  const rounding = decimals === "" ? 0 : 10 ** -decimals.length; // the items may be rounded, too
  const least = 1e-6 * Math.max(Math.abs(stated), Math.abs(computed));
  return Math.abs(stated - computed) <= Math.max(rounding * (1 + 1e-9), least);
}

/** One line for each figure that a file states otherwise than its items give. */
export function differences(run_id: string, stated: StatedFigures | undefined): string[] {
  return (stated?.differs ?? []).map(({ figure, stated, computed }) =>
    `${run_id}: ${figure}: the file says ${stated}, its items give ${computed}; the file's counts`
  );
}
