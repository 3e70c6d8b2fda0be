/** The sampler of a run: native threads if libdyno is available, else a timer in JavaScript. */
import { messageOf, NoProcessError } from "../errors.ts";
import { clockAnchor, clockSource, nowNs } from "../native/clock.ts";
import { nativeLibrary } from "../native/library.ts";
import { Nvml } from "../native/nvml.ts";
import { NativeSampler } from "../native/sampler.ts";
import process from "node:process";
import { groupPressure } from "./memory.ts";
import { type PerformanceMetrics, performanceOver } from "./performance.ts";
import { PortableSampler } from "./portable_sampler.ts";
import { type SampledGpu, type SamplesDescription, SamplesWriter } from "./samples.ts";
import { Series } from "./series.ts";
import type { NativeLibrary } from "../native/ffi.ts";
import type { SampleBatch, SamplerLayout } from "../native/sample_batch.ts";

/** Default rates, at which a native thread and a timer do not disturb the run. */
const NATIVE_RATE_HZ = 100;
const PORTABLE_RATE_HZ = 10;

const DRAIN_INTERVAL_MS = 50;
const FLUSH_INTERVAL_NS = 1e9;
const SERIES_BYTES = 8 * 1024 * 1024;

/** Samples a host. A failure to sample never fails a run: see `unavailable`. */
export interface Sampler extends AsyncDisposable {
  /** What is sampled, how often, and on which clock: the content of samples.json. */
  readonly description: SamplesDescription;
  /** The newest samples. */
  readonly series: Series;
  /** What is not sampled and why, one sentence each. */
  unavailable(): string[];
  /** The used share of memory in 0..1, of the host or of the control group, whichever is higher. */
  memoryPressure(): number | null;
  /** Resolves once there is a sample at or after `t_ns`, or the sampler has stopped. */
  afterTick(t_ns: number): Promise<void>;
  /** Means over the sample intervals that overlap a time span. */
  metricsOver(start_ns: number, end_ns: number): PerformanceMetrics;
  /** Takes a last sample and closes everything. */
  stop(): Promise<void>;
}

/** What to sample, how often, and where to write it. */
export interface SamplerOptions {
  /** The folder for samples.bin; null keeps samples in memory only. */
  directory: string | null;
  /** Records per second; default 100 with libdyno, 10 without. */
  rate_hz?: number;
  /** Sources, by name; default all. */
  metrics?: readonly string[];
  /** Processes to follow besides this one (`process.dyno`): `process.NAME.cpu_s` by name. */
  processes?: Readonly<Record<string, number>>;
  /** The folder that replaces `/` for /proc and /sys. */
  root?: string;
  /** Does not use libdyno. */
  portable?: boolean;
  /** Called with one line when libdyno is built. */
  onNotice?: (line: string) => void;
}

/** The source of records. */
interface RecordMaker {
  layout: SamplerLayout;
  status?(): { start_ns: string; overruns: number; ended: { series: string; reason: string }[] };
  start(): void;
  drainAll(): Iterable<SampleBatch>;
  stop(): void;
  close(): void;
}

/**
 * Starts sampling.
 *
 * @throws {InputError} an invalid option: an unknown metric, a rate out of range.
 */
export async function startSampler(options: SamplerOptions): Promise<Sampler> {
  const { library, reason } = options.portable
    ? { library: null, reason: "not asked for" }
    : await nativeLibrary(options.onNotice);
  if (library === null) return portable(options, reason);
  const processes = { dyno: process.pid, ...options.processes };
  const maker = new NativeSampler(library, {
    rateHz: options.rate_hz ?? NATIVE_RATE_HZ,
    metrics: options.metrics,
    pids: Object.values(processes),
    root: options.root,
  });
  nameProcesses(maker.layout, processes);
  try {
    return new RunningSampler(maker, "native", [], options, gpusOf(library, maker.layout));
  } catch (error) {
    maker.close();
    if (!(error instanceof NoProcessError)) throw error;
    return portable(options, error.message);
  }
}

/** Names the series of processes by what they are: their numbers differ from run to run. */
function nameProcesses({ fields }: SamplerLayout, processes: Record<string, number>): void {
  const names = new Map(Object.entries(processes).map(([name, pid]) => [String(pid), name]));
  for (const field of fields) {
    field.name = field.name.replace(/(?<=(^|\.)process\.)\d+/, (pid) => names.get(pid) ?? pid);
  }
}

function portable(options: SamplerOptions, reason: string): Sampler {
  const { rate_hz = PORTABLE_RATE_HZ, root, metrics, processes = {} } = options;
  const maker = new PortableSampler(rate_hz, root, metrics);
  const lacks = Object.keys(processes).map((name) => `process.${name}: needs libdyno`);
  return new RunningSampler(maker, "portable", [`libdyno: not used, ${reason}`, ...lacks], options);
}

/** The sampled GPUs, which may be none, and notes about them. */
function gpusOf(
  library: NativeLibrary,
  { fields }: SamplerLayout,
): { gpus?: SampledGpu[]; faults: string[] } {
  if (!fields.some(({ name }) => name.startsWith("gpu"))) return { faults: [] };
  try {
    using nvml = new Nvml(library);
    const faults = [
      ...nvml.description.failed.map(({ series, error }) => `${series}: not sampled, ${error}`),
      ...nvml.gpus.filter(({ mig }) => mig).map(({ series }) =>
        `${series}: split by MIG, its energy is that of all its parts and is booked on no run`
      ),
    ];
    return { gpus: nvml.gpus.map(({ absent: _, mig: __, ...gpu }) => gpu), faults };
  } catch {
    return { faults: [] }; // they are sampled under their numbers
  }
}

class RunningSampler implements Sampler {
  readonly description: SamplesDescription;
  readonly series: Series;
  readonly #maker: RecordMaker;
  readonly #root: string;
  readonly #start_ns: number;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #faults: string[] = [];
  #writer: SamplesWriter | null = null;
  #flushed_ns = nowNs();
  #waiting: { t_ns: number; resolve: () => void }[] = [];
  #stopped = false;
  /** GPUs that were lost meanwhile. */
  #lost: string[] = [];

  constructor(
    maker: RecordMaker & { start_ns?: number },
    kind: "native" | "portable",
    faults: string[],
    { directory, root = "/" }: SamplerOptions,
    known: { gpus?: SampledGpu[]; faults: string[] } = { faults: [] },
  ) {
    this.#faults.push(...faults, ...known.faults);
    this.#maker = maker;
    this.#root = root;
    maker.start();
    const start_ns = maker.status?.().start_ns ?? String(Math.round(maker.start_ns!));
    this.#start_ns = Number(start_ns);
    this.series = new Series(maker.layout, Math.floor(SERIES_BYTES / maker.layout.record_bytes));
    this.description = {
      schema_version: 2,
      sampler: kind,
      clock: clockSource,
      boot_id: clockAnchor().boot_id,
      start_ns,
      gpus: known.gpus,
      ...maker.layout,
    };
    if (directory !== null) this.#openFile(directory);
    this.#timer = setInterval(() => this.#drain(), DRAIN_INTERVAL_MS);
  }

  unavailable(): string[] {
    const missing = this.#maker.layout.sources.filter((source) => !source.available && source.note);
    if (!this.#stopped) this.#lookForLostGpus();
    return [
      ...this.#faults,
      ...missing.map(({ name, note }) => `${name}: ${note}`),
      ...this.#lost,
    ];
  }

  memoryPressure(): number | null {
    const total = this.series.latest("memory.total_bytes");
    const available = this.series.latest("memory.available_bytes");
    const host = total === null || available === null ? null : 1 - available / total;
    const group = groupPressure(this.#root); // not from the samples, which count the cache as used
    return host === null ? group : Math.max(host, group ?? 0);
  }

  afterTick(t_ns: number): Promise<void> {
    if (this.#stopped || this.#newest_ns() >= t_ns) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ t_ns, resolve }));
  }

  metricsOver(start_ns: number, end_ns: number): PerformanceMetrics {
    return performanceOver(this.series, start_ns, end_ns);
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    clearInterval(this.#timer);
    if (this.description.sampler === "native") await this.#nextTick();
    this.#maker.stop();
    this.#drain();
    this.#stopped = true;
    this.#wake(Infinity);
    this.#lookForLostGpus();
    const records_lost = this.#maker.status?.().overruns ?? 0;
    this.#maker.close();
    await this.#writer?.close(records_lost);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** The native threads take no samples on demand, so this waits for the next one that is due. */
  async #nextTick(): Promise<void> {
    const asked_ns = nowNs();
    const patience_ns = 1.5e9 / this.description.rate_hz;
    while (this.#newest_ns() < asked_ns && nowNs() - asked_ns < patience_ns) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      this.#drain();
    }
  }

  #lookForLostGpus(): void {
    this.#lost = (this.#maker.status?.().ended ?? [])
      .filter(({ series }) => series.startsWith("gpu"))
      .map(({ series, reason }) => `${series}: no longer sampled, ${reason}`);
  }

  #newest_ns(): number {
    return this.series.length === 0 ? 0 : this.series.t_ns(this.series.length - 1);
  }

  #drain(): void {
    for (const batch of this.#maker.drainAll()) {
      this.series.append(batch, this.#start_ns);
      this.#writer?.append(batch);
    }
    this.#wake(this.#newest_ns());
    if (nowNs() - this.#flushed_ns >= FLUSH_INTERVAL_NS) {
      this.#flushed_ns = nowNs();
      this.#writer?.flush();
    }
    if (this.#writer?.failure) {
      this.#faults.push(`samples.bin: no longer written: ${this.#writer.failure}`);
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

  #openFile(directory: string): void {
    try {
      this.#writer = new SamplesWriter(directory, this.description);
    } catch (error) {
      this.#faults.push(`samples.bin: cannot be written: ${messageOf(error)}`);
    }
  }
}
