/** Families of metrics in one registry, made with one prefix. */
import { InputError } from "../errors.ts";
import type { Counter, Gauge, Histogram, Registry } from "prom-client";

type PromClient = typeof import("prom-client");

/** Makes families whose names begin with a prefix. */
export class Families {
  readonly registry: Registry;
  readonly #client: PromClient;
  readonly #prefix: string;

  private constructor(client: PromClient, prefix: string) {
    this.#client = client;
    this.#prefix = prefix;
    this.registry = new client.Registry();
  }

  /**
   * Loads prom-client and opens an empty registry.
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
  counter<L extends string>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return new this.#client.Counter({ ...this.#named(name, help), labelNames });
  }

  /** A gauge, named PREFIX_name. */
  gauge<L extends string>(name: string, help: string, labelNames: readonly L[] = []): Gauge<L> {
    return new this.#client.Gauge({ ...this.#named(name, help), labelNames });
  }

  /** A histogram, named PREFIX_name; buckets in seconds. */
  histogram<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    buckets: readonly number[],
  ): Histogram<L> {
    const named = this.#named(name, help);
    return new this.#client.Histogram({ ...named, labelNames, buckets: [...buckets] });
  }

  /** A gauge whose name is another program's, as it is. */
  foreignGauge<L extends string>(name: string, help: string, labelNames: readonly L[]): Gauge<L> {
    return new this.#client.Gauge({ name, help, labelNames, registers: [this.registry] });
  }

  #named(name: string, help: string) {
    return { name: `${this.#prefix}_${name}`, help, registers: [this.registry] };
  }
}
