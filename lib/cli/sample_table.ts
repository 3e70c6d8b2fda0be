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
  /** The process that is followed, and its CPU time in the span, null if unknown. */
  followed: { name: string; cpu_s: number | null } | null;
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
  { start_ns, end_ns, idle, information, followed }: Span,
): { lines: string[]; json: Record<string, unknown> } {
  const { series, description } = sampler;
  const span_s = (end_ns - start_ns) / 1e9;
  const performance = sampler.metricsOver(start_ns, end_ns);
  const energies = energiesOver(series, start_ns, series.t_ns(series.length - 1));
  const process = {
    cpu_s: followed?.cpu_s ?? null,
    rss_max_bytes: followed && series.max(`process.${followed.name}.rss_bytes`, start_ns, end_ns),
  };
  const lines = [
    `${span_s.toFixed(2)} s, ${information.records} samples at ${
      information.achieved_hz.toFixed(1)
    } Hz (${description.sampler})`,
    hostLine(performance),
    ...(followed ? [processLine(followed.name, process.cpu_s, process.rss_max_bytes)] : []),
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

function hostLine(metrics: PerformanceMetrics): string {
  const { cpu_usage_percent: cpu, cpu_usage_percent_max: most, memory_used_gb: memory } = metrics;
  const parts = [
    known(cpu, (cpu) => `CPU ${cpu.toFixed(1)} %`, "CPU: not sampled"),
    known(most, (most) => `, at most ${most.toFixed(1)} % over 100 ms`, ""),
    known(memory, (memory) => `; memory ${memory.toFixed(2)} GiB`, "; memory: not sampled"),
  ];
  return parts.join("");
}

function processLine(name: string, cpu_s: number | null, rss_max_bytes: number | null): string {
  const cpu = cpu_s === null
    ? "CPU time unknown"
    : `${cpu_s.toFixed(2)} s of CPU, ended children included`;
  const memory = rss_max_bytes === null
    ? "memory unknown"
    : `at most ${(rss_max_bytes / 2 ** 20).toFixed(1)} MiB of memory, without children`;
  return `${name === "command" ? name : "process"}: ${cpu}; ${memory}`;
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

function sum(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}

function known(
  value: number | null,
  text: (value: number) => string,
  otherwise: string,
): string {
  return value === null ? otherwise : text(value);
}
