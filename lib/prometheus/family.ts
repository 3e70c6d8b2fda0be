/**
 * A family of metrics in Prometheus' text form. prom-client tells a family whole; here each series is
 * its own registry, so that a scrape renders only those that changed since the last one.
 */
import type { Metric, Registry } from "prom-client";

/** The labels of a series. */
export type Labels<L extends string = string> = Readonly<Record<L, string>>;

/** Makes a metric in a registry. */
export type MakeMetric<M extends Metric> = (registers: Registry[], labelNames: string[]) => M;

interface Series<M> {
  registry: Registry;
  metric: M;
  /** Its lines; null since it changed. */
  lines: Promise<string> | null;
}

/** The series of one name. */
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
    if (labelNames.length === 0) this.of({} as Labels<L>); // told from the start
  }

  /** The series of these labels, to be changed at once; one that is new begins at 0. */
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

  /** Forgets a series. */
  drop(labels: Labels<L>): void {
    if (this.#series.delete(this.#keyOf(labels))) this.#text = null;
  }

  /** What Prometheus reads: help, type, a line or more for each series. */
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
