/** Families of metrics, made with one prefix and told together. */
import { InputError } from "../errors.ts";
import { Family, type MakeMetric } from "./family.ts";
import type { Counter, Gauge, Metric } from "prom-client";

type PromClient = typeof import("prom-client");

/** A count that only grows. */
export type CounterFamily<L extends string = string> = Family<L, Counter>;
/** A value that goes up and down. */
export type GaugeFamily<L extends string = string> = Family<L, Gauge>;

/** Makes families whose names begin with a prefix, and tells them. */
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
   * Loads prom-client; there are no families yet.
   *
   * @throws {InputError} a prefix that cannot begin a metric's name.
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

  /** A counter, named PREFIX_name. */
  counter<L extends string>(name: string, help: string, labels: readonly L[] = []) {
    const named = this.#named(name, help);
    return this.#add(
      labels,
      (registers, labelNames) => new this.#client.Counter({ ...named, registers, labelNames }),
    );
  }

  /** A gauge, named PREFIX_name. */
  gauge<L extends string>(name: string, help: string, labels: readonly L[] = []) {
    return this.foreignGauge(this.#named(name, help).name, help, labels);
  }

  /** A histogram, named PREFIX_name; buckets in seconds. */
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

  /** A gauge whose name is another program's, as it is. */
  foreignGauge<L extends string>(name: string, help: string, labels: readonly L[]) {
    return this.#add(
      labels,
      (registers, labelNames) => new this.#client.Gauge({ name, help, registers, labelNames }),
    );
  }

  /** A counter whose name is another program's, as it is. */
  foreignCounter<L extends string>(name: string, help: string, labels: readonly L[]) {
    return this.#add(
      labels,
      (registers, labelNames) => new this.#client.Counter({ name, help, registers, labelNames }),
    );
  }

  /** All families in Prometheus' text form. */
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
