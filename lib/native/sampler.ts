/**
 * The native sampler: C threads record hardware counters, and the caller drains the records in
 * batches.
 */
import { InputError, NoProcessError } from "../errors.ts";
import { cString, nativeCall, type NativeLibrary, nativeText } from "./ffi.ts";
import { SampleBatch, type SamplerLayout } from "./sample_batch.ts";

/** What to sample, and how often. */
export interface NativeSamplerOptions {
  /** Records per second, 1 to 10,000. Default 100. */
  rateHz?: number;
  /**
   * Names of sources: cpu, cores, frequency, memory, pressure, disk, network, temperature, rapl,
   * process, cgroup, gpu, gpm. Default: all except gpm, whose counters are shared with profilers.
   */
  metrics?: readonly string[];
  /** Processes whose own CPU time and memory to follow, at most 64. */
  pids?: readonly number[];
  /** Polls of the GPU's fast counters per second. Default: twice their measured update rate. */
  gpuHz?: number;
  /** NVML's library. Default: the environment's DYNO_NVML, else libnvidia-ml.so.1. */
  nvmlPath?: string;
  /** Test only: the folder that replaces `/` for /proc and /sys. */
  root?: string;
  /** Records that the ring holds. Default: two seconds' worth, at least 1,024. */
  ringRecords?: number;
}

/** What the sampler has done so far, and its cost. */
export interface SamplerStatus {
  running: boolean;
  /** CLOCK_MONOTONIC nanoseconds at the start, decimal digits; every t_ns counts from here. */
  start_ns: string;
  elapsed_ns: number;
  ticks: number;
  /** Ticks that were missed because an earlier one was late. */
  missed_ticks: number;
  /** Records put into the ring. */
  records: number;
  /** Records lost because the ring was full. */
  overruns: number;
  worst_lateness_ns: number;
  /** The scheduling of the sampling thread; null before it runs. */
  scheduling: "fifo" | "nice" | "normal" | null;
  /** CPU time of the three threads. */
  cpu_ns: { fast: number; slow: number; gpu: number };
  /** Time spent in NVML. */
  nvml_ns: number;
  /** Polls that were delayed to keep NVML under 1 % of the wall time. */
  nvml_backoffs: number;
  sources: {
    name: string;
    where: string;
    reads: number;
    read_hz: number | null;
    mean_ns: number | null;
  }[];
  /**
   * For each field, how often its value changed, and the median time between its first 64 changes.
   * That is the counter's own update period if it is longer than the time between reads.
   */
  fields: { name: string; changes: number; update_period_ns: number | null }[];
  /** Series that have ended: a GPU that was lost, a process that exited. */
  ended: { series: string; t_ns: number; reason: string }[];
}

const BATCH_BYTES = 1 << 20;

function optionLines(options: NativeSamplerOptions): string {
  const lines: string[] = [];
  const add = (key: string, value: number | string | undefined) => {
    if (value === undefined) return;
    if (String(value).includes("\n")) throw new InputError(`sampler: ${key} holds a line break`);
    lines.push(`${key}=${value}`);
  };
  add("rate_hz", options.rateHz);
  add("metrics", options.metrics?.join(","));
  add("pids", options.pids?.length ? options.pids.join(",") : undefined);
  add("gpu_hz", options.gpuHz);
  add("nvml", options.nvmlPath);
  add("root", options.root);
  add("ring_records", options.ringRecords);
  return lines.join("\n");
}

/**
 * A sampler in native threads. Open it, start it, drain it regularly (the ring holds two seconds),
 * stop it, drain the rest, close it.
 *
 * @example
 * ```ts
 * using sampler = new NativeSampler(library, { rateHz: 1000, metrics: ["cpu", "memory"] });
 * sampler.start();
 * await new Promise((resolve) => setTimeout(resolve, 500));
 * sampler.stop();
 * const busy = sampler.layout.fields.findIndex((field) => field.name === "cpu.busy_s");
 * for (const batch of sampler.drainAll()) {
 *   for (let i = 0; i < batch.count; i++) console.log(batch.t_ns(i), batch.value(i, busy));
 * }
 * ```
 */
export class NativeSampler implements Disposable {
  /** The fields of a record and what each source offers. */
  readonly layout: SamplerLayout;
  readonly #library: NativeLibrary;
  /** 0 once closed, because the library reuses numbers. */
  #number: number;
  readonly #room: ArrayBuffer;

  /** @throws {InputError} an option is invalid; the message names it. */
  constructor(library: NativeLibrary, options: NativeSamplerOptions = {}) {
    const lines = cString(optionLines(options));
    this.#library = library;
    this.#number = nativeCall(
      (message, bytes) => library.call.dyno_sampler_open(lines, message, bytes),
      (message) => new InputError(`sampler: ${message}`),
    );
    this.layout = JSON.parse(nativeText(
      "sampler layout",
      (room, bytes) => library.call.dyno_sampler_layout(this.#number, room, bytes),
    ));
    const records = Math.max(1, Math.floor(BATCH_BYTES / this.layout.record_bytes));
    this.#room = new ArrayBuffer(records * this.layout.record_bytes);
    forgotten.register(this, { library, number: this.#number }, this);
  }

  /**
   * Starts the threads.
   *
   * @throws {NoProcessError} the host cannot start another thread.
   * @throws {Error} it was started before.
   */
  start(): void {
    nativeCall(
      (message, bytes) => this.#library.call.dyno_sampler_start(this.#number, message, bytes),
      (message) =>
        message.startsWith("no thread")
          ? new NoProcessError("sampler")
          : new Error(`sampler: ${message}`),
    );
  }

  /**
   * The oldest records not drained yet, at most 1 MiB; count 0 if there are none. The next drain
   * reuses the batch's memory, so copy what you need to keep.
   */
  drain(): SampleBatch {
    const bytes = new Uint8Array(this.#room);
    const count = this.#library.call.dyno_sampler_drain(this.#number, bytes, bytes.length);
    if (count < 0) throw new Error("sampler: it was closed before");
    return new SampleBatch(this.layout, this.#room, count);
  }

  /** Drains until the ring is empty. Each batch is valid until the next one. */
  *drainAll(): Generator<SampleBatch> {
    for (let batch = this.drain(); batch.count > 0; batch = this.drain()) yield batch;
  }

  /** Counts, costs, update periods and ended series so far. */
  status(): SamplerStatus {
    return JSON.parse(nativeText(
      "sampler status",
      (room, bytes) => this.#library.call.dyno_sampler_status(this.#number, room, bytes),
    ));
  }

  /**
   * Stops the threads within 50 ms, unless a driver call blocks them. The ring can still be
   * drained.
   */
  stop(): void {
    this.#library.call.dyno_sampler_stop(this.#number);
  }

  /** Stops and frees. Closing it twice is allowed. */
  close(): void {
    if (this.#number === 0) return;
    forgotten.unregister(this);
    this.#library.call.dyno_sampler_close(this.#number);
    this.#number = 0;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Closes samplers that were garbage collected while their threads still ran. */
const forgotten = new FinalizationRegistry<{ library: NativeLibrary; number: number }>(
  ({ library, number }) => library.call.dyno_sampler_close(number),
);
