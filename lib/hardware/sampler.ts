/** The sampler: reads the host at a steady rate, keeps the newest samples, writes all to samples.bin. */
import { messageOf } from "../errors.ts";
import { clockAnchor, clockSource, nowNs } from "../native/clock.ts";
import { cpuSource } from "./cpu.ts";
import { diskSource, networkSource } from "./io.ts";
import { cgroupMemorySource, memorySource } from "./memory.ts";
import { ownProcessSource } from "./own_process.ts";
import { describeSamples, SamplesWriter } from "./samples.ts";
import { frequencySource, temperatureSource } from "./sensors.ts";
import { SampleWindow } from "./window.ts";
import type { PerformanceMetrics } from "./metrics.ts";
import type { SamplesDescription } from "./samples.ts";
import type { SampleSource } from "./source.ts";

const SLOW_RATE_HZ = 1;
const FLUSH_INTERVAL_NS = 1e9;
/** Sampling may cost this share of one core; above it the rate is lowered. */
const COST_LIMIT = 0.01;

/** What samples a host. Monitoring that fails never fails a run: see `unavailable`. */
export interface Sampler extends AsyncDisposable {
  readonly description: SamplesDescription;
  /** What could not be sampled and why, a sentence each; grows when a source fails. */
  readonly unavailable: readonly string[];
  /** The used share of memory in 0..1, of the host or of the control group, whichever is tighter. */
  memoryPressure(): number | null;
  /** Resolves once a tick at or after `t_ns` was taken, or the sampler has stopped. */
  afterTick(t_ns: number): Promise<void>;
  /** Means over a time span, of the intervals that overlap it. */
  metricsOver(start_ns: number, end_ns: number): PerformanceMetrics;
  /** Takes a last sample and closes everything. */
  stop(): Promise<void>;
}

export interface SamplerOptions {
  /** Where samples.bin goes; null keeps samples in memory only. */
  directory: string | null;
  /** Default 10. */
  rate_hz?: number;
  /** The root of /proc and /sys. */
  root?: string;
}

interface OpenSource {
  source: SampleSource;
  name: string;
  /** First column. */
  at: number;
  bit: number;
  slow: boolean;
  read_ns: number;
  failed: boolean;
}

/** Starts sampling. */
export function startSampler(options: SamplerOptions): Promise<Sampler> {
  return Promise.resolve(new HostSampler(options));
}

class HostSampler implements Sampler {
  readonly description: SamplesDescription;
  readonly unavailable: string[] = ["GPU: not sampled yet"];
  readonly #sources: OpenSource[];
  readonly #values: Float64Array;
  readonly #window: SampleWindow;
  readonly #period_ns: number;
  readonly #start_ns: number;
  #writer: SamplesWriter | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #ticks = 0;
  #t_last_ns = 0;
  #flushed_ns = 0;
  #waiting: { t_ns: number; resolve: () => void }[] = [];
  #stopped = false;

  constructor({ directory, rate_hz = 10, root = "/" }: SamplerOptions) {
    this.#sources = this.#openSources(root);
    const fields = this.#sources.flatMap(({ source, bit }) =>
      source.fields.map((field) => ({ ...field, fresh_bit: bit }))
    );
    this.#values = new Float64Array(fields.length).fill(NaN);
    this.#window = new SampleWindow(fields.map((field) => field.name));
    const possible_hz = this.#affordableRate(rate_hz);
    this.#period_ns = 1e9 / possible_hz;
    this.description = describeSamples(fields, {
      clock: clockSource,
      boot_id: clockAnchor().boot_id,
      rate_hz: possible_hz,
      slow_rate_hz: SLOW_RATE_HZ,
    });
    if (directory !== null) this.#openFile(directory);
    this.#start_ns = nowNs();
    this.#tick();
  }

  memoryPressure(): number | null {
    const total = this.#window.latest("memory_total"),
      free = this.#window.latest("memory_available");
    const host = total === null || free === null ? null : 1 - free / total;
    const used = this.#window.latest("cgroup_memory_used");
    const limit = this.#window.latest("cgroup_memory_limit");
    const group = used === null || limit === null ? null : used / limit;
    return host === null ? group : Math.max(host, group ?? 0);
  }

  afterTick(t_ns: number): Promise<void> {
    if (this.#stopped || this.#t_last_ns >= t_ns) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ t_ns, resolve }));
  }

  metricsOver(start_ns: number, end_ns: number): PerformanceMetrics {
    return this.#window.metricsOver(start_ns, end_ns);
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#sample();
    this.#stopped = true;
    this.#wake(Infinity);
    for (const { source } of this.#sources) source.close();
    await this.#writer?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Ticks lie on a grid from the start, so that lateness does not add up. */
  #tick(): void {
    this.#sample();
    this.#ticks = Math.floor((nowNs() - this.#start_ns) / this.#period_ns) + 1;
    const wait_ns = this.#start_ns + this.#ticks * this.#period_ns - nowNs();
    this.#timer = setTimeout(() => this.#tick(), wait_ns / 1e6);
  }

  #sample(): void {
    let fresh = 0;
    const t_ns = nowNs();
    for (const open of this.#sources) {
      const due = !open.slow || t_ns - open.read_ns >= 0.95e9 / SLOW_RATE_HZ || open.read_ns === 0;
      if (due && this.#read(open, t_ns)) fresh |= 1 << open.bit;
    }
    this.#t_last_ns = t_ns;
    this.#window.append(t_ns, this.#values);
    this.#writer?.append(t_ns, fresh, this.#values);
    if (t_ns - this.#flushed_ns >= FLUSH_INTERVAL_NS) this.#flush(t_ns);
    this.#wake(t_ns);
  }

  #read(open: OpenSource, t_ns: number): boolean {
    if (open.failed) return false;
    const interval_s = open.read_ns === 0 ? 0 : (t_ns - open.read_ns) / 1e9;
    try {
      open.source.read(this.#values, open.at, interval_s);
      open.read_ns = t_ns;
      return true;
    } catch (error) {
      open.failed = true;
      this.#values.fill(NaN, open.at, open.at + open.source.fields.length);
      this.unavailable.push(`${open.name}: no longer sampled: ${messageOf(error)}`);
      return false;
    }
  }

  #flush(t_ns: number): void {
    this.#flushed_ns = t_ns;
    this.#writer?.flush();
    if (this.#writer?.failure) {
      this.unavailable.push(`samples.bin: no longer written: ${this.#writer.failure}`);
      void this.#writer.close();
      this.#writer = null;
    }
  }

  #wake(t_ns: number): void {
    if (this.#waiting.length === 0) return;
    const due = this.#waiting.filter((waiting) => waiting.t_ns <= t_ns);
    this.#waiting = this.#waiting.filter((waiting) => waiting.t_ns > t_ns);
    for (const { resolve } of due) resolve();
  }

  #openSources(root: string): OpenSource[] {
    const kinds: [string, boolean, () => SampleSource | null][] = [
      ["CPU", false, () => cpuSource(root)],
      ["memory", false, () => memorySource(root)],
      ["control group", false, () => cgroupMemorySource(root)],
      ["disk", false, () => diskSource(root)],
      ["network", false, () => networkSource(root)],
      ["own process", false, () => ownProcessSource()],
      ["temperatures", true, () => temperatureSource(root)],
      ["core frequencies", true, () => frequencySource(root)],
    ];
    const opened: OpenSource[] = [];
    let at = 0;
    for (const [name, slow, open] of kinds) {
      const source = this.#open(name, open);
      if (source === null) continue;
      opened.push({ source, name, at, bit: opened.length, slow, read_ns: 0, failed: false });
      at += source.fields.length;
    }
    return opened;
  }

  #open(name: string, open: () => SampleSource | null): SampleSource | null {
    try {
      const source = open();
      const optional = name === "control group"; // no limit there is no loss
      if (source === null && !optional) this.unavailable.push(`${name}: none on this host`);
      return source;
    } catch (error) {
      this.unavailable.push(`${name}: cannot be read: ${messageOf(error)}`);
      return null;
    }
  }

  /** Lowers the rate where one reading takes so long that sampling would cost too much. */
  #affordableRate(rate_hz: number): number {
    const cost_s = Math.min(...[1, 2, 3].map(() => this.#readingCost())) / 1e9;
    const affordable_hz = COST_LIMIT / cost_s;
    if (rate_hz <= Math.max(affordable_hz, SLOW_RATE_HZ)) return rate_hz;
    const lowered = Math.max(SLOW_RATE_HZ, Math.floor(affordable_hz));
    this.unavailable.push(
      `rate: lowered from ${rate_hz} to ${lowered} Hz, since one reading takes ${
        (cost_s * 1e3).toFixed(1)
      } ms`,
    );
    return lowered;
  }

  /** Nanoseconds for reading the fast sources once. */
  #readingCost(): number {
    const start_ns = nowNs();
    for (const open of this.#sources) {
      if (!open.slow) this.#read(open, start_ns);
      open.read_ns = 0;
    }
    return nowNs() - start_ns;
  }

  #openFile(directory: string): void {
    try {
      this.#writer = new SamplesWriter(directory, this.description);
    } catch (error) {
      this.unavailable.push(`samples.bin: cannot be written: ${messageOf(error)}`);
    }
  }
}
