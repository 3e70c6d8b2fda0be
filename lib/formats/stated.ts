/**
 * The figures that a source states for a whole run, compared with those that follow from its items.
 */
import type { StatedFigures } from "../run/summary.ts";

/** Collects the figures that a file states; a stated figure takes precedence. */
export class Stated {
  readonly #figures: StatedFigures["figures"] = {};
  readonly #differs: StatedFigures["differs"] = [];

  /** A figure that only the file has; null is ignored. */
  keep(figure: string, stated: number | null): void {
    if (stated !== null) this.#figures[figure] = stated;
  }

  /**
   * Statistics of a time in ms, all in one unit: `mean`, `p50` and others of `ttft` become
   * `ttft_p50_ms`.
   */
  times(of: string, statistics: Record<string, number | null | undefined>, scale = 1): void {
    for (const [name, value] of Object.entries(statistics)) {
      if (value === null || value === undefined) continue;
      const ms = scale === 1 ? value : Number((value * scale).toPrecision(12));
      this.keep(`${of}_${name}_ms`, ms);
    }
  }

  /**
   * A figure that also follows from the items. If they disagree, both values are kept; if they
   * agree, it is kept only when the file will be written back with it.
   *
   * @param computed null if the items are not sufficient.
   */
  check(figure: string, stated: number | null, computed: number | null): void {
    if (stated === null || (computed !== null && agrees(stated, computed))) return;
    this.#figures[figure] = stated;
    if (computed !== null) this.#differs.push({ figure, stated, computed });
  }

  /** The figures found; empty if the file states nothing beyond its items. */
  found(): { stated?: StatedFigures } {
    if (Object.keys(this.#figures).length === 0) return {};
    return { stated: { figures: this.#figures, differs: this.#differs } };
  }
}

/** Whether a figure with this many decimals can be the rounded form of the other one. */
export function agrees(stated: number, computed: number): boolean {
  const [, decimals = ""] = /\.(\d+)$/.exec(String(stated)) ?? [];
  const rounding = decimals === "" ? 0 : 10 ** -decimals.length; // the items may be rounded too
  const least = 1e-6 * Math.max(Math.abs(stated), Math.abs(computed));
  return Math.abs(stated - computed) <= Math.max(rounding * (1 + 1e-9), least);
}

/** One line for each figure that differs between the file and its items. */
export function differences(run_id: string, stated: StatedFigures | undefined): string[] {
  return (stated?.differs ?? []).map(({ figure, stated, computed }) =>
    `${run_id}: ${figure}: the file says ${stated}, its items give ${computed}; the file's counts`
  );
}
