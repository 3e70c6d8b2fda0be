/**
 * Samples the host's hardware while a page watches: sampling starts with the first request and
 * stops by itself.
 */
import { z } from "zod";
import { nowNs } from "../native/clock.ts";
import { type Sampler, startSampler } from "../hardware/sampler.ts";
import { inQuery } from "./query.ts";
import type { PerformanceMetrics } from "../hardware/performance.ts";

/** The query of GET /api/hardware: points after a time, Unix seconds. */
export const hardwareQuerySchema = z.strictObject({ since: inQuery(z.coerce.number()).optional() });

/** Records per second: enough for a point per second, at almost no cost. */
const RATE_HZ = 5;
const POINT_MS = 1000;
/** Ten minutes. */
const MOST_POINTS = 600;
/** After this time without a request, sampling stops. */
const IDLE_MS = 30_000;

/** One GPU over a second; null if unknown. */
export interface GpuPoint {
  name: string;
  usage_percent: number | null;
  memory_used_bytes: number | null;
  power_w: number | null;
  temperature_celsius: number | null;
}

/** Means over a second. */
export type HardwarePoint =
  & Pick<
    PerformanceMetrics,
    | "cpu_usage_percent"
    | "cpu_per_core_percent"
    | "memory_used_gb"
    | "memory_usage_percent"
    | "disk_read_mb_per_s"
    | "disk_write_mb_per_s"
    | "network_receive_mb_per_s"
    | "network_send_mb_per_s"
    | "temperatures_celsius"
  >
  & {
    /** The end of the second, Unix seconds. */
    t_s: number;
    gpus: GpuPoint[];
  };

export interface HardwareView {
  /** In time order. */
  points: HardwarePoint[];
  /** What is not sampled and why, one sentence each. */
  unavailable: string[];
}

/** Samples on demand. */
export class HardwareWatch implements AsyncDisposable {
  readonly #onNotice: (line: string) => void;
  #points: HardwarePoint[] = [];
  #sampler: Promise<Sampler> | null = null;
  #timer: ReturnType<typeof setInterval> | null = null;
  #asked_ms = 0;
  #ending: Promise<void> = Promise.resolve();

  constructor(onNotice: (line: string) => void) {
    this.#onNotice = onNotice;
  }

  /** The points after a time. The first request gets none yet. */
  async view(since_s = -Infinity): Promise<HardwareView> {
    this.#asked_ms = performance.now();
    this.#sampler ??= this.#start();
    const sampler = await this.#sampler;
    return {
      points: this.#points.filter(({ t_s }) => t_s > since_s),
      unavailable: sampler.unavailable(),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end();
    await this.#ending;
  }

  async #start(): Promise<Sampler> {
    await this.#ending;
    this.#points = []; // a chart would join old points to new ones with a line
    const sampler = await startSampler({
      directory: null,
      rate_hz: RATE_HZ,
      onNotice: this.#onNotice,
    });
    let from_ns = nowNs();
    this.#timer = setInterval(() => {
      const to_ns = nowNs();
      this.#points.push(pointOf(sampler, from_ns, to_ns));
      if (this.#points.length > MOST_POINTS) this.#points.shift();
      from_ns = to_ns;
      if (performance.now() - this.#asked_ms > IDLE_MS) this.#end();
    }, POINT_MS);
    return sampler;
  }

  #end(): void {
    const sampler = this.#sampler;
    this.#sampler = null;
    if (sampler === null) return;
    this.#ending = sampler.then(async (started) => {
      if (this.#timer !== null) clearInterval(this.#timer);
      await started.stop();
    }, () => {}); // the requester has received the error
  }
}

function pointOf(sampler: Sampler, from_ns: number, to_ns: number): HardwarePoint {
  const { series, description } = sampler;
  const metrics = sampler.metricsOver(from_ns, to_ns);
  const devices = [
    ...new Set(
      series.names(/^gpu\d+\./).map((field) => field.slice(0, field.indexOf("."))),
    ),
  ];
  return {
    t_s: Date.now() / 1000,
    cpu_usage_percent: metrics.cpu_usage_percent,
    cpu_per_core_percent: metrics.cpu_per_core_percent,
    memory_used_gb: metrics.memory_used_gb,
    memory_usage_percent: metrics.memory_usage_percent,
    disk_read_mb_per_s: metrics.disk_read_mb_per_s,
    disk_write_mb_per_s: metrics.disk_write_mb_per_s,
    network_receive_mb_per_s: metrics.network_receive_mb_per_s,
    network_send_mb_per_s: metrics.network_send_mb_per_s,
    temperatures_celsius: metrics.temperatures_celsius,
    gpus: devices.map((device) => {
      const mean = (...fields: string[]) => {
        for (const field of fields) {
          const value = series.mean(`${device}.${field}`, from_ns, to_ns);
          if (value !== null) return value;
        }
        return null;
      };
      const model = description.gpus?.find((gpu) => gpu.series === device)?.name;
      return {
        name: model ? `${device} ${model}` : device,
        usage_percent: mean("utilization_percent"),
        memory_used_bytes: mean("memory_used_bytes"),
        power_w: mean("power_average_w", "power_instant_w", "power_w"),
        temperature_celsius: mean("temperature_celsius"),
      };
    }),
  };
}
