/** The summary of a sampling, for people and for programs. */
import { measure } from "../measures/describe.ts";
import { aboveIdle, energiesOver, type Energy, type IdlePower } from "../hardware/energy.ts";
import type { Information } from "../hardware/csv.ts";
import type { Sampler } from "../hardware/sampler.ts";
import type { PerformanceMetrics } from "../hardware/performance.ts";

interface Span {
  start_ns: number;
  end_ns: number;
  idle: IdlePower;
  information: Information;
  /** The process that is followed. */
  pid: number | undefined;
}

/** The newest figures on one line. */
export function liveLine(metrics: PerformanceMetrics): string {
  const { unit: rate } = measure("disk_read_mb_per_s");
  const of = (name: keyof PerformanceMetrics, word: string, digits: number) =>
    [word, metrics[name] as number | null, measure(name).unit, digits] as const;
  const parts = [
    of("cpu_usage_percent", "CPU", 0),
    of("cpu_frequency_mhz", "", 0),
    of("memory_used_gb", "memory", 2),
    ["disk", sum(metrics.disk_read_mb_per_s, metrics.disk_write_mb_per_s), rate, 1] as const,
    [
      "network",
      sum(metrics.network_receive_mb_per_s, metrics.network_send_mb_per_s),
      rate,
      1,
    ] as const,
    of("gpu_usage_percent", "GPU", 0),
    of("gpu_power_watts", "", 0),
    of("gpu_temperature_celsius", "", 0),
  ];
  return parts.filter(([, value]) => value !== null)
    .map(([name, value, unit, digits]) => `${name} ${value!.toFixed(digits)} ${unit}`.trim())
    .join(" · ");
}

/** The summary, as lines and as JSON. */
export function sampleSummary(
  sampler: Sampler,
  { start_ns, end_ns, idle, information, pid }: Span,
): { lines: string[]; json: Record<string, unknown> } {
  const { series, description } = sampler;
  const span_s = (end_ns - start_ns) / 1e9;
  const performance = sampler.metricsOver(start_ns, end_ns);
  const energies = energiesOver(series, start_ns, series.t_ns(series.length - 1));
  const process = {
    cpu_s: pid === undefined ? null : lastKnown(sampler, `process.${pid}.cpu_s`),
    rss_max_bytes: pid === undefined
      ? null
      : series.max(`process.${pid}.rss_bytes`, start_ns, end_ns),
  };
  const lines = [
    `${span_s.toFixed(2)} s, ${information.records} samples at ${
      information.achieved_hz.toFixed(1)
    } Hz (${description.sampler})`,
    (performance.cpu_usage_percent === null
      ? "CPU: not sampled; "
      : `CPU ${shown(performance.cpu_usage_percent, 1)} %, at most ${
        shown(performance.cpu_usage_percent_max, 1)
      } % over 100 ms; `) +
    `memory ${shown(performance.memory_used_gb, 2)} GiB`,
    ...(process.cpu_s === null ? [] : [processLine(process.cpu_s, process.rss_max_bytes)]),
    ...energies.map((energy) => energyLine(energy, idle, span_s)),
    ...(energies.length
      ? []
      : ["energy: no source on this host (RAPL is for root, GPUs need NVML)"]),
    informationLine(information),
    ...sampler.unavailable().map((line) => `not sampled: ${line}`),
  ];
  const json = {
    span_s,
    performance,
    process,
    energies,
    idle_w: idle,
    information,
    unavailable: sampler.unavailable(),
  };
  return { lines, json };
}

function processLine(cpu_s: number, rss_max_bytes: number | null): string {
  const memory = rss_max_bytes === null ? "unknown" : `${(rss_max_bytes / 1e6).toFixed(1)} MB`;
  return `process: ${
    cpu_s.toFixed(2)
  } s of CPU (its children not counted), at most ${memory} of memory`;
}

function energyLine(energy: Energy, idle: IdlePower, span_s: number): string {
  const above_j = aboveIdle(energy, idle, span_s);
  const above = above_j === null ? "" : `, ${above_j.toFixed(1)} J above idle`;
  return `${energy.device}: ${energy.energy_j.toFixed(1)} ± ${energy.error_j.toFixed(1)} J, ` +
    `${energy.power_w.toFixed(1)} W (${energy.method})${above}`;
}

/** Says up to which rate samples contain new information. */
function informationLine({ changes_hz, achieved_hz }: Information): string {
  const rates = Object.entries(changes_hz).filter(([, rate]) => rate > 0)
    .sort((a, b) => b[1] - a[1]).map(([source, rate]) =>
      `${source} ${rate.toFixed(rate < 10 ? 1 : 0)}`
    );
  const highest = Math.max(0, ...Object.values(changes_hz));
  const more = highest < 0.7 * achieved_hz ? "; a higher rate would only repeat values" : "";
  return `changes a second: ${rates.join(", ")}${more}`;
}

function lastKnown({ series }: Sampler, name: string): number | null {
  for (let i = series.length - 1; i >= 0; i--) {
    const value = series.value(i, name);
    if (!Number.isNaN(value)) return value;
  }
  return null;
}

function sum(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}

function shown(value: number | null, digits: number): string {
  return value === null ? "unknown" : value.toFixed(digits);
}
