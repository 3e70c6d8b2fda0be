/** The host's health during a run: reports each value that exceeds its threshold, once. */
import { alertSettings } from "../settings/alerts.ts";
import type { OutputOf } from "../settings/setting.ts";
import type { SampledGpu } from "./samples.ts";
import type { Series } from "./series.ts";

/** An alert is given above these limits. */
export interface HealthThresholds extends OutputOf<typeof alertSettings> {}

/** One problem. */
export interface HealthAlert {
  kind: "temperature" | "memory" | "throttling" | "error_rate";
  /** The sensor or device; null for the run as a whole. */
  device: string | null;
  value: number;
  threshold: number;
  /** One line for a person. */
  message: string;
}

/** The facts that the watch checks in addition to the samples. */
export interface HealthFacts {
  /** Used share of memory in 0..1. */
  memory: number | null;
  finished: number;
  failed: number;
  /** The sampled devices, with the temperatures at which they slow down. */
  gpus?: readonly SampledGpu[];
}

const LEAST_FINISHED = 10;

/**
 * Checks repeatedly. An alert is given when a threshold is exceeded, and again only after it was
 * not.
 */
export class HealthWatch {
  readonly #thresholds: HealthThresholds;
  #raised = new Set<string>();

  constructor(thresholds: Partial<HealthThresholds> = {}) {
    this.#thresholds = alertSettings.parse(thresholds);
  }

  /** The new alerts since the last check. `span_ns`: the time since then. */
  look(series: Series | null, span_ns: number, facts: HealthFacts): HealthAlert[] {
    const alerts = [
      ...this.#ofRun(facts),
      ...(series ? this.#ofHost(series, span_ns, facts.gpus ?? []) : []),
    ];
    const fresh = alerts.filter((alert) => !this.#raised.has(keyOf(alert)));
    this.#raised = new Set(alerts.map(keyOf));
    return fresh;
  }

  #ofRun({ memory, finished, failed }: HealthFacts): HealthAlert[] {
    const { memory_percent, error_rate_percent } = this.#thresholds;
    const used = memory === null ? 0 : 100 * memory;
    const rate = finished < LEAST_FINISHED ? 0 : 100 * failed / finished;
    return [
      ...above("memory", null, used, memory_percent, `memory ${used.toFixed(0)} % in use`),
      ...above(
        "error_rate",
        null,
        rate,
        error_rate_percent,
        `${failed} of ${finished} tests without an answer (${rate.toFixed(0)} %)`,
      ),
    ];
  }

  #ofHost(series: Series, span_ns: number, gpus: readonly SampledGpu[]): HealthAlert[] {
    const hot = series.names(/^temperature\.|temperature(_margin)?_celsius$/).flatMap((name) => {
      const value = series.latest(name);
      if (value === null) return [];
      const device = name.slice(0, name.lastIndexOf("."));
      const gpu = gpus.find(({ series }) => series === device);
      return name.startsWith("gpu")
        ? this.#ofGpu(name, value, gpu, series.latest(`${device}.temperature_margin_celsius`))
        : above(
          "temperature",
          name,
          value,
          this.#thresholds.temperature_celsius,
          said(name, value),
        );
    });
    const now_ns = series.length ? series.t_ns(series.length - 1) : 0;
    const throttled = series.names(/^gpu.*\.throttled_.*_s$/).flatMap((name) => {
      const grown_s = series.growth(name, now_ns - span_ns, now_ns) ?? 0;
      return above(
        "throttling",
        name,
        grown_s,
        0,
        `${name}: held back for ${grown_s.toFixed(2)} s`,
      );
    });
    return [...hot, ...throttled];
  }

  /** A GPU slows down at a temperature that it reports, or when no margin is left. */
  #ofGpu(
    name: string,
    value: number,
    gpu: SampledGpu | undefined,
    margin: number | null,
  ): HealthAlert[] {
    const { gpu_temperature_celsius, temperature_celsius } = this.#thresholds;
    if (name.endsWith(".temperature_margin_celsius")) {
      const limit = gpu?.slowdown_margin_celsius ?? 0;
      if (value > limit) return [];
      const message = `${name}: ${value.toFixed(0)} °C left, it slows itself down at ${limit}`;
      return [{ kind: "temperature", device: name, value, threshold: limit, message }];
    }
    const isMemory = name.endsWith(".memory_temperature_celsius");
    const own = isMemory ? gpu?.memory_max_celsius : gpu?.slowdown_celsius;
    if (own !== undefined && own !== null) {
      const message = `${said(name, value)}, it slows itself down at ${own}`;
      return value < own
        ? []
        : [{ kind: "temperature", device: name, value, threshold: own, message }];
    }
    if (!isMemory && margin !== null) return []; // the margin decides
    const limit = isMemory ? temperature_celsius : gpu_temperature_celsius;
    return above("temperature", name, value, limit, said(name, value));
  }
}

function said(name: string, celsius: number): string {
  return `${name}: ${celsius.toFixed(0)} °C`;
}

function above(
  kind: HealthAlert["kind"],
  device: string | null,
  value: number,
  threshold: number,
  text: string,
): HealthAlert[] {
  if (value <= threshold) return [];
  const limit = threshold > 0 ? `, threshold ${threshold}` : "";
  return [{ kind, device, value, threshold, message: `${text}${limit}` }];
}

function keyOf({ kind, device }: HealthAlert): string {
  return `${kind}/${device}`;
}
