/** Creates families of metrics with a common prefix, and exposes them together. */
import { InputError } from "../errors.ts";
import { Family, type MakeMetric } from "./family.ts";
import type { Counter, Gauge, Metric } from "prom-client";

type PromClient = typeof import("prom-client");

/** A counter, which only grows. */
export type CounterFamily<L extends string = string> = Family<L, Counter>;
/** A gauge, which may go up and down. */
export type GaugeFamily<L extends string = string> = Family<L, Gauge>;

/** Creates families whose names start with a prefix, and exposes them. */
export class Families {
  readonly contentType: string;
  readonly #client: PromClient;
  readonly #prefix: string;
  readonly #families: { text(): Promise<string> }[] = [];

  private constructor(client: PromClient, prefix: string) {
    this.#client = client;
    this.#prefix = prefix;
    this.contentType = new client.Registry().contentType;
  }

  /**
   * Loads prom-client; starts without any families.
   *
   * @throws {InputError} the prefix is not valid at the start of a metric's name.
   */
  static async open(prefix: string): Promise<Families> {
    if (!/^[a-z]([a-z0-9_]*[a-z0-9])?$/.test(prefix)) {
      throw new InputError(
        `--metrics-prefix: "${prefix}" cannot begin a metric's name; expected small letters, ` +
          "digits and underscores, such as smi_bench",
      );
    }
    return new Families(await import("prom-client"), prefix);
  }

  /** Creates a counter named PREFIX_name. */
  counter<L extends string>(name: string, help: string, labels: readonly L[] = []) {
    const named = this.#named(name, help);
    return this.#add(
      labels,
      (registers, labelNames) => new this.#client.Counter({ ...named, registers, labelNames }),
    );
  }

  /** Creates a gauge named PREFIX_name. */
  gauge<L extends string>(name: string, help: string, labels: readonly L[] = []) {
    return this.foreignGauge(this.#named(name, help).name, help, labels);
  }

  /** Creates a histogram named PREFIX_name, with buckets in seconds. */
  histogram<L extends string>(
    name: string,
    help: string,
    labels: readonly L[],
    buckets: readonly number[],
  ) {
    const named = { ...this.#named(name, help), buckets: [...buckets] };
    return this.#add(
      labels,
      (registers, labelNames) => new this.#client.Histogram({ ...named, registers, labelNames }),
    );
  }

  /** Creates a gauge with another program's name, without the prefix. */
  foreignGauge<L extends string>(name: string, help: string, labels: readonly L[]) {
    return this.#add(
      labels,
      (registers, labelNames) => new this.#client.Gauge({ name, help, registers, labelNames }),
    );
  }

  /** Creates a counter with another program's name, without the prefix. */
  foreignCounter<L extends string>(name: string, help: string, labels: readonly L[]) {
    return this.#add(
      labels,
      (registers, labelNames) => new this.#client.Counter({ name, help, registers, labelNames }),
    );
  }

  /** Returns all families in Prometheus text format. */
  async text(): Promise<string> {
    return (await Promise.all(this.#families.map((family) => family.text()))).join("\n");
  }

  #named(name: string, help: string) {
    return { name: `${this.#prefix}_${name}`, help };
  }

  #add<L extends string, M extends Metric>(labels: readonly L[], make: MakeMetric<M>) {
    const family = new Family<L, M>(() => new this.#client.Registry(), make, labels);
    this.#families.push(family);
    return family;
  }
}
