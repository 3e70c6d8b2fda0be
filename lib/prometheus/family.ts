/**
 * A family of metrics in Prometheus text format. prom-client always renders a family as a whole;
 * here each series has a separate registry, so that a scrape renders only series that have changed
 * since the last one.
 */
import type { Metric, Registry } from "prom-client";

/** The labels of a series. */
export type Labels<L extends string = string> = Readonly<Record<L, string>>;

/** Creates a metric in a registry. */
export type MakeMetric<M extends Metric> = (registers: Registry[], labelNames: string[]) => M;

interface Series<M> {
  registry: Registry;
  metric: M;
  /** Its lines; null if it has changed since they were made. */
  lines: Promise<string> | null;
}

/** All series with one name. */
export class Family<L extends string, M extends Metric> {
  readonly #makeRegistry: () => Registry;
  readonly #makeMetric: MakeMetric<M>;
  readonly #labelNames: readonly L[];
  readonly #series = new Map<string, Series<M>>();
  #text: Promise<string> | null = null;

  constructor(makeRegistry: () => Registry, makeMetric: MakeMetric<M>, labelNames: readonly L[]) {
    this.#makeRegistry = makeRegistry;
    this.#makeMetric = makeMetric;
    this.#labelNames = labelNames;
    if (labelNames.length === 0) this.of({} as Labels<L>); // exposed from the start
  }

  /**
   * Returns the series with these labels, which the caller must change immediately. A new series
   * starts at 0.
   */
  of(labels: Labels<L>): M {
    const key = this.#keyOf(labels);
    let series = this.#series.get(key);
    if (series === undefined) {
      const registry = this.#makeRegistry();
      registry.setDefaultLabels({ ...labels });
      series = { registry, metric: this.#makeMetric([registry], []), lines: null };
      this.#series.set(key, series);
    }
    series.lines = this.#text = null;
    return series.metric;
  }

  /** Removes a series. */
  drop(labels: Labels<L>): void {
    if (this.#series.delete(this.#keyOf(labels))) this.#text = null;
  }

  /** Returns the Prometheus text: help, type, and the lines of each series. */
  text(): Promise<string> {
    return this.#text ??= this.#told();
  }

  async #told(): Promise<string> {
    const empty = this.#makeRegistry();
    this.#makeMetric([empty], ["label"]);
    const head = await empty.metrics();
    const lines = await Promise.all(
      [...this.#series.values()].map((series) => series.lines ??= linesOf(series.registry, head)),
    );
    return head + lines.join("");
  }

  #keyOf(labels: Labels<L>): string {
    return this.#labelNames.map((name) => labels[name]).join("\0");
  }
}

async function linesOf(registry: Registry, head: string): Promise<string> {
  return (await registry.metrics()).slice(head.length);
}
