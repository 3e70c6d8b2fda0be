/** Direct calls of NVML: what `dyno doctor` says about the GPUs, and single readings for users. */
import { cString, nativeCall, type NativeLibrary, nativeText } from "./ffi.ts";

/** One device, or one part of a device in MIG mode. */
export interface GpuDescription {
  /** Its name in samples: `gpu0`, or `gpu0.mig1` for a MIG part. */
  series: string;
  /** The manufacturer's name for it. */
  name: string | null;
  /** Its id, which is the same after every restart. */
  uuid: string | null;
  /** Whether it is in MIG mode: its parts then follow as separate devices. */
  mig: boolean;
  /** Such as `00000000:07:00.0`; for a MIG part, its device's. */
  pci_bus_id: string | null;
  /** Whether `power_w` is the power at the moment, or its mean over the last second. */
  power_kind: "instant" | "average" | null;
  /** The id of a MIG part's GPU instance; null for a whole device. */
  gpu_instance: number | null;
  /** The temperature at which the device begins to slow down. */
  slowdown_celsius: number | null;
  /** The highest temperature at which it holds its base clock. */
  gpu_max_celsius: number | null;
  /** The memory temperature at which the device begins to slow down. */
  memory_max_celsius: number | null;
  /** The slowdown threshold of newer devices: `temperature_margin_celsius` falls below it. */
  slowdown_margin_celsius: number | null;
  /** `gpu_max_celsius` as a margin. */
  gpu_max_margin_celsius: number | null;
  /** `memory_max_celsius` as a margin. */
  memory_max_margin_celsius: number | null;
  /** Metrics that the device does not offer, and NVML's reason. */
  absent: Record<string, string>;
}

/** NVML on this host. */
export interface NvmlDescription {
  path: string | null;
  driver_version: string | null;
  nvml_version: string | null;
  gpus: GpuDescription[];
  /** Why there is no device; null if NVML could count them. */
  error: string | null;
  /** Devices that NVML counts but cannot open, and its reason. */
  failed: { series: string; error: string }[];
  /** Every metric that NVML can provide, in the order of a reading. */
  metrics: { name: string; unit: string }[];
}

/** The answer to one NVML call. */
export interface NvmlCall {
  /** The device or MIG part of the call; null for a call about the system. */
  device: string | null;
  /** The function, and the number of the field, sensor or clock in its arguments. */
  call: string;
  code: number;
  /** The code's name in nvml.h: `SUCCESS`, `NOT_SUPPORTED`. */
  name: string;
  /** In NVML's own units: milliwatts, millijoules, bytes; null if not a number or on an error. */
  value: number | null;
  /** The type of a field's value: `u32`, `u64` and the like. */
  type: string | null;
  /** The duration of the call, microseconds. */
  us: number;
}

/** A compute process on a GPU. */
export interface GpuProcess {
  pid: number;
  memory_bytes: number | null;
}

/** Values by metric, such as `utilization_percent` or `energy_j`; null if unreadable. */
export type GpuReading = Record<string, number | null>;

/** Room for one device's answers, so that no call is made twice. */
const PROBE_BYTES = 32 * 1024;

/**
 * A session with NVML.
 *
 * @example
 * ```ts
 * using nvml = new Nvml(library);
 * for (const [i, gpu] of nvml.gpus.entries()) {
 *   const now = nvml.read(i);
 *   console.log(gpu.name, now.power_w, gpu.power_kind, now.temperature_celsius);
 * }
 * ```
 */
export class Nvml implements Disposable {
  /** Library, driver, devices and metrics, read once. */
  readonly description: NvmlDescription;
  readonly #library: NativeLibrary;
  /** 0 once closed, because the library reuses numbers. */
  #number: number;
  readonly #values: Float64Array<ArrayBuffer>;
  readonly #codes: Int32Array<ArrayBuffer>;

  /**
   * @param path NVML's library; default: the environment's DYNO_NVML, else libnvidia-ml.so.1
   * @throws {Error} NVML is not available; the message says why.
   */
  constructor(library: NativeLibrary, path = "") {
    this.#library = library;
    this.#number = nativeCall(
      (message, bytes) => library.call.dyno_nvml_open(cString(path), message, bytes),
      (message) => new Error(`NVML: ${message}`),
    );
    this.description = JSON.parse(nativeText(
      "NVML",
      (room, bytes) => library.call.dyno_nvml_describe(this.#number, room, bytes),
    ));
    this.#values = new Float64Array(this.description.metrics.length);
    this.#codes = new Int32Array(this.description.metrics.length);
  }

  /** The devices and MIG parts, in the order of their numbers in the other calls. */
  get gpus(): readonly GpuDescription[] {
    return this.description.gpus;
  }

  /**
   * Reads every metric of one device now: about twenty driver calls, 2 µs to 4 ms each.
   *
   * @throws {Error} there is no such device.
   */
  read(gpu: number): GpuReading {
    this.#readInto(gpu);
    return Object.fromEntries(
      this.description.metrics.map(({ name }, i) => [
        name,
        Number.isNaN(this.#values[i]) ? null : this.#values[i],
      ]),
    );
  }

  /**
   * Why some metrics cannot be read on a device now: NVML's text, by metric.
   *
   * @throws {Error} there is no such device.
   */
  refusals(gpu: number): Record<string, string> {
    this.#readInto(gpu);
    const refused: Record<string, string> = {};
    this.description.metrics.forEach(({ name }, i) => {
      if (this.#codes[i] !== 0) refused[name] = this.#errorText(this.#codes[i]);
    });
    return refused;
  }

  /**
   * The compute processes on one device. In a container the process ids are the host's.
   *
   * @throws {Error} there is no such device, or NVML refuses.
   */
  processes(gpu: number): GpuProcess[] {
    const { error, processes } = JSON.parse(nativeText(
      `NVML: device ${gpu}`,
      (room, bytes) => this.#library.call.dyno_nvml_processes(this.#number, gpu, room, bytes),
    ));
    if (error !== null) throw new Error(`NVML: processes of device ${gpu}: ${error}`);
    return processes;
  }

  /** Makes every call once, including GPM, and returns each answer. */
  probe(): NvmlCall[] {
    return JSON.parse(nativeText(
      "NVML",
      (room, bytes) => this.#library.call.dyno_nvml_probe(this.#number, room, bytes),
      PROBE_BYTES * Math.max(1, this.gpus.length),
    ));
  }

  /** Ends the session. Closing it twice is allowed. */
  close(): void {
    if (this.#number === 0) return;
    this.#library.call.dyno_nvml_close(this.#number);
    this.#number = 0;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #readInto(gpu: number): void {
    const { call } = this.#library;
    const count = this.#values.length;
    const done = call.dyno_nvml_read(this.#number, gpu, this.#values, this.#codes, count);
    if (done < 0) {
      throw new Error(
        this.#number > 0
          ? `NVML: there is no device ${gpu}; devices are 0 to ${this.gpus.length - 1}`
          : "NVML: the session was closed before",
      );
    }
  }

  #errorText(code: number): string {
    return nativeText(
      "NVML",
      (room, bytes) => this.#library.call.dyno_nvml_error(this.#number, code, room, bytes),
    );
  }
}
