/** NVML called directly: what `dyno doctor` says about the GPUs, and single readings for users. */
import { cString, nativeCall, type NativeLibrary, nativeText } from "./ffi.ts";

/** One device, or one part of a device in MIG mode. */
export interface GpuDescription {
  /** Its name in samples: `gpu0`, or `gpu0.mig1` for a MIG part. */
  series: string;
  /** As its maker calls it. */
  name: string | null;
  /** Its id, which stays the same at every start. */
  uuid: string | null;
  /** In MIG mode: the parts follow as their own devices. */
  mig: boolean;
  /** `00000000:07:00.0`; of a MIG part its device's. */
  pci_bus_id: string | null;
  /** What `power_w` is: the power at the moment, or its mean over the last second. */
  power_kind: "instant" | "average" | null;
  /** Of a MIG part: the id of its GPU instance. */
  gpu_instance: number | null;
  /** The temperature from which the device slows itself down. */
  slowdown_celsius: number | null;
  /** The highest temperature at which it holds its base clock. */
  gpu_max_celsius: number | null;
  /** The memory's temperature from which the device slows itself down. */
  memory_max_celsius: number | null;
  /** The same on newer devices, as values that `temperature_margin_celsius` falls below. */
  slowdown_margin_celsius: number | null;
  /** `gpu_max_celsius` as such a value. */
  gpu_max_margin_celsius: number | null;
  /** `memory_max_celsius` as such a value. */
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
  /** Why there is no device; null where NVML counts them. */
  error: string | null;
  /** Devices that NVML counts but does not hand out, and its reason. */
  failed: { series: string; error: string }[];
  /** Every metric that NVML may give, in the order of a reading. */
  metrics: { name: string; unit: string }[];
}

/** What one call of NVML answered. */
export interface NvmlCall {
  /** The device or MIG part that was asked about; null for the system. */
  device: string | null;
  /** The function, with the number of the field, sensor or clock that was asked for. */
  call: string;
  code: number;
  /** The code's name in nvml.h: `SUCCESS`, `NOT_SUPPORTED`. */
  name: string;
  /** As NVML gives it: milliwatts, millijoules, bytes; null where it is not a number or an error. */
  value: number | null;
  /** Of a field's value: `u32`, `u64` and the like. */
  type: string | null;
  /** How long the call took, microseconds. */
  us: number;
}

/** A compute process on a GPU. */
export interface GpuProcess {
  pid: number;
  memory_bytes: number | null;
}

/** Readings by metric, as `utilization_percent` or `energy_j`; null where it cannot be read. */
export type GpuReading = Record<string, number | null>;

/** Room for what one device answers, so that no call is made twice. */
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
  /** 0 once closed: the library gives numbers out again. */
  #number: number;
  readonly #values: Float64Array<ArrayBuffer>;
  readonly #codes: Int32Array<ArrayBuffer>;

  /**
   * @param path NVML's library; default the environment's DYNO_NVML, else libnvidia-ml.so.1
   * @throws {Error} saying why there is no NVML here
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
   * Reads every metric of one device now: about twenty calls of the driver, 2 µs to 4 ms each.
   *
   * @throws {Error} when there is no such device
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
   * Why metrics cannot be read on a device now: NVML's text, by metric.
   *
   * @throws {Error} when there is no such device
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
   * The compute processes on one device. In a container their ids are the host's.
   *
   * @throws {Error} when there is no such device, or NVML refuses
   */
  processes(gpu: number): GpuProcess[] {
    const { error, processes } = JSON.parse(nativeText(
      `NVML: device ${gpu}`,
      (room, bytes) => this.#library.call.dyno_nvml_processes(this.#number, gpu, room, bytes),
    ));
    if (error !== null) throw new Error(`NVML: processes of device ${gpu}: ${error}`);
    return processes;
  }

  /** Makes every call once, GPM's too, and says what each answered. */
  probe(): NvmlCall[] {
    return JSON.parse(nativeText(
      "NVML",
      (room, bytes) => this.#library.call.dyno_nvml_probe(this.#number, room, bytes),
      PROBE_BYTES * Math.max(1, this.gpus.length),
    ));
  }

  /** Ends the session. Closing twice is fine. */
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
