/** The newest samples in memory, and means of them over a time span. */
import type { PerformanceMetrics } from "./metrics.ts";

const WINDOW_BYTES = 16 * 1024 * 1024;
const BYTES_PER_GB = 1024 ** 3;
const BYTES_PER_MB = 1e6;

/**
 * Keeps the newest 16 MB of samples: hours on a small host, over ten minutes at 128 cores and 10 Hz. A
 * value stands for the interval that ends at its tick, so a span is covered by all intervals that
 * overlap it, each weighted with the overlap.
 */
export class SampleWindow {
  readonly #index: Map<string, number>;
  readonly #capacity: number;
  readonly #width: number;
  readonly #t_ns: Float64Array;
  readonly #values: Float64Array;
  #count = 0;

  constructor(fields: readonly string[]) {
    this.#index = new Map(fields.map((name, i) => [name, i]));
    this.#width = fields.length;
    this.#capacity = Math.max(64, Math.floor(WINDOW_BYTES / 8 / (this.#width + 1)));
    this.#t_ns = new Float64Array(this.#capacity);
    this.#values = new Float64Array(this.#capacity * this.#width);
  }

  append(t_ns: number, values: Float64Array): void {
    const slot = this.#count++ % this.#capacity;
    this.#t_ns[slot] = t_ns;
    this.#values.set(values, slot * this.#width);
  }

  /** The newest value of a field; null when unknown. */
  latest(name: string): number | null {
    const value = this.#count === 0 ? NaN : this.#value(this.#count - 1, name);
    return Number.isNaN(value) ? null : value;
  }

  /** Metrics over [start_ns, end_ns]. */
  metricsOver(start_ns: number, end_ns: number): PerformanceMetrics {
    const intervals = this.#intervals(start_ns, end_ns);
    const mean = (name: string, scale = 1) => scaled(this.#mean(name, intervals), scale);
    const cores = this.#named("cpu_", /^cpu_\d+$/).map((name) => this.#mean(name, intervals));
    const frequencies = this.#named("frequency_").map((name) => this.#mean(name, intervals));
    const used = mean("memory_used");
    const total = mean("memory_total");
    return {
      samples: intervals.length,
      cpu_usage_percent: mean("cpu_total"),
      cpu_usage_percent_max: this.#max("cpu_total", intervals),
      cpu_per_core_percent: cores.some((value) => value !== null) ? cores : null,
      cpu_frequency_mhz: meanOf(frequencies),
      memory_used_gb: scaled(used, BYTES_PER_GB),
      memory_usage_percent: used === null || total === null ? null : 100 * used / total,
      disk_read_mb_per_s: mean("disk_read", BYTES_PER_MB),
      disk_write_mb_per_s: mean("disk_write", BYTES_PER_MB),
      network_receive_mb_per_s: mean("network_receive", BYTES_PER_MB),
      network_send_mb_per_s: mean("network_send", BYTES_PER_MB),
      loopback_mb_per_s: mean("loopback", BYTES_PER_MB),
      temperatures_celsius: this.#temperatures(intervals),
      gpu_usage_percent: null,
      gpu_memory_used_gb: null,
      gpu_temperature_celsius: null,
      gpu_power_watts: null,
    };
  }

  #value(tick: number, name: string): number {
    const column = this.#index.get(name);
    return column === undefined ? NaN : this.#values[tick % this.#capacity * this.#width + column];
  }

  /** Ticks whose interval overlaps the span, with the overlap in nanoseconds. */
  #intervals(start_ns: number, end_ns: number): { tick: number; overlap_ns: number }[] {
    const found: { tick: number; overlap_ns: number }[] = [];
    const oldest = Math.max(1, this.#count - this.#capacity + 1);
    for (let tick = this.#count - 1; tick >= oldest; tick--) {
      const to_ns = this.#t_ns[tick % this.#capacity];
      const from_ns = this.#t_ns[(tick - 1) % this.#capacity];
      if (to_ns <= start_ns) break;
      const overlap_ns = Math.min(to_ns, end_ns) - Math.max(from_ns, start_ns);
      if (overlap_ns > 0 || (start_ns === end_ns && from_ns <= start_ns && start_ns < to_ns)) {
        found.push({ tick, overlap_ns: Math.max(overlap_ns, 1) });
      }
    }
    return found;
  }

  #mean(name: string, intervals: { tick: number; overlap_ns: number }[]): number | null {
    let sum = 0, weight = 0;
    for (const { tick, overlap_ns } of intervals) {
      const value = this.#value(tick, name);
      if (Number.isNaN(value)) continue;
      sum += value * overlap_ns;
      weight += overlap_ns;
    }
    return weight === 0 ? null : sum / weight;
  }

  #max(name: string, intervals: { tick: number }[]): number | null {
    const values = intervals.map(({ tick }) => this.#value(tick, name)).filter((v) =>
      !Number.isNaN(v)
    );
    return values.length === 0 ? null : values.reduce((a, b) => Math.max(a, b));
  }

  #named(prefix: string, pattern?: RegExp): string[] {
    return [...this.#index.keys()].filter((name) =>
      name.startsWith(prefix) && (pattern?.test(name) ?? true)
    );
  }

  #temperatures(intervals: { tick: number }[]): Record<string, number> | null {
    const highest = this.#named("temperature_").flatMap((name) => {
      const value = this.#max(name, intervals);
      return value === null ? [] : [[name.slice("temperature_".length), value] as const];
    });
    return highest.length === 0 ? null : Object.fromEntries(highest);
  }
}

function scaled(value: number | null, scale: number): number | null {
  return value === null ? null : value / scale;
}

function meanOf(values: (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((a, b) => a + b) / known.length;
}
