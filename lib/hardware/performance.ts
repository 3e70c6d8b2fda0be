/** Performance metrics of a time span, from the series of samples. */
import { meanPower } from "./energy.ts";
import type { Series } from "./series.ts";

/** Means over the sample intervals that overlap the span. null: the host does not report it. */
export interface PerformanceMetrics {
  /** Sample intervals that overlap the span; 0 leaves every metric null. */
  samples: number;
  /** Over all cores: 100 means that every core is busy. */
  cpu_usage_percent: number | null;
  /** The maximum of `cpu_usage_percent` over stretches of about 100 ms. */
  cpu_usage_percent_max: number | null;
  /** Null in the list: the core was offline. */
  cpu_per_core_percent: (number | null)[] | null;
  /** Mean clock of the cores, MHz. */
  cpu_frequency_mhz: number | null;
  /** Memory that is not available to programs, GB of 2³⁰ bytes. */
  memory_used_gb: number | null;
  /** Memory in use as a share of the host's. */
  memory_usage_percent: number | null;
  /** All disks together, MB (10⁶ bytes) a second. */
  disk_read_mb_per_s: number | null;
  /** All disks together, MB (10⁶ bytes) a second. */
  disk_write_mb_per_s: number | null;
  /** All interfaces but loopback, MB (10⁶ bytes) a second. */
  network_receive_mb_per_s: number | null;
  /** All interfaces but loopback, MB (10⁶ bytes) a second. */
  network_send_mb_per_s: number | null;
  /** Traffic on the loopback interface, MB (10⁶ bytes) a second. */
  loopback_mb_per_s: number | null;
  /** Highest reading of each sensor, by name. */
  temperatures_celsius: Record<string, number> | null;
  /** Share of time in which a kernel ran, as a mean over the GPUs. */
  gpu_usage_percent: number | null;
  /** Sum over all GPUs, GB of 2³⁰ bytes. */
  gpu_memory_used_gb: number | null;
  /** Temperature of the hottest GPU. */
  gpu_temperature_celsius: number | null;
  /** Sum over all GPUs, watts. */
  gpu_power_watts: number | null;
}

const NS_PER_S = 1e9;
const BYTES_PER_GB = 1024 ** 3;
const BYTES_PER_MB = 1e6;
/**
 * The kernel counts CPU time in steps of 4 to 10 ms, so a shorter stretch would only show the
 * steps.
 */
const PEAK_STRETCH_NS = 1e8;

/** Metrics over [from_ns, to_ns]. */
export function performanceOver(
  series: Series,
  from_ns: number,
  to_ns: number,
): PerformanceMetrics {
  const [first, end] = series.overlapping(from_ns, to_ns);
  const known = end > first;
  const over = <T>(pick: (from_ns: number, to_ns: number) => T): T | null =>
    known ? pick(...widened(series, from_ns, to_ns, first, end)) : null;
  const mean = (name: string) => known ? series.mean(name, from_ns, to_ns) : null;
  const perSecond = (pattern: RegExp) => over((from, to) => growthRate(series, pattern, from, to));
  const { used, total } = memoryUse(mean);
  const cores = series.names(/^cpu\d+\.busy_s$/).map((name) => name.slice(0, -".busy_s".length));
  const gpu = gpuMetrics(series, from_ns, to_ns);
  return {
    samples: Math.max(0, end - first),
    cpu_usage_percent: over((from, to) => cpuPercent(series, "cpu", from, to)),
    cpu_usage_percent_max: over((from, to) => cpuPeak(series, from, to)),
    cpu_per_core_percent: over((from, to) => {
      const each = cores.map((core) => cpuPercent(series, core, from, to));
      return each.some((value) => value !== null) ? each : null;
    }),
    cpu_frequency_mhz: average(series.names(/^cpu\d+\.frequency_mhz$/).map(mean)),
    memory_used_gb: used === null ? null : used / BYTES_PER_GB,
    memory_usage_percent: used === null ? null : 100 * used / total!,
    disk_read_mb_per_s: perSecond(hostFigure(series, "disk", "read_bytes")),
    disk_write_mb_per_s: perSecond(hostFigure(series, "disk", "written_bytes")),
    network_receive_mb_per_s: perSecond(hostFigure(series, "network", "received_bytes")),
    network_send_mb_per_s: perSecond(hostFigure(series, "network", "sent_bytes")),
    loopback_mb_per_s: perSecond(/^network\.lo\.received_bytes$/),
    temperatures_celsius: temperatures(series, from_ns, to_ns),
    ...gpu,
  };
}

/**
 * Memory in use and its total: the control group's if its limit is below the host's total. The
 * group's use does not include cached files that the kernel drops first.
 */
export function memoryUse(
  mean: (name: string) => number | null,
): { used: number | null; total: number | null } {
  const total = mean("memory.total_bytes"), available = mean("memory.available_bytes");
  const limit = mean("cgroup.memory_limit_bytes"), used = mean("cgroup.memory_bytes");
  if (limit !== null && used !== null && limit < (total ?? Infinity)) {
    return { total: limit, used: used - (mean("cgroup.memory_inactive_file_bytes") ?? 0) };
  }
  return { total, used: total === null || available === null ? null : total - available };
}

/**
 * The counters that make up a host's figure: the sampler's own total, in which each byte counts
 * once. Samples of version 0.1.0 have no total: there it is the sum over the devices.
 */
export function hostFigure(series: Series, kind: "disk" | "network", name: string): RegExp {
  return series.index.has(`${kind}.${name}`)
    ? new RegExp(`^${kind}\\.${name}$`)
    : new RegExp(`^${kind}\\.(?!lo\\.).*\\.${name}$`);
}

/** The busy share of CPU time, for the whole host ("cpu") or a core ("cpu0"), percent. */
export function cpuPercent(
  series: Series,
  name: string,
  from_ns: number,
  to_ns: number,
): number | null {
  const busy = series.growth(`${name}.busy_s`, from_ns, to_ns);
  const idle = series.growth(`${name}.idle_s`, from_ns, to_ns);
  const waiting = series.growth(`${name}.iowait_s`, from_ns, to_ns) ?? 0;
  if (busy === null || idle === null || busy + idle + waiting <= 0) return null;
  return 100 * busy / (busy + idle + waiting);
}

/** Growth of all matching counters, in MB per second. */
function growthRate(
  series: Series,
  pattern: RegExp,
  from_ns: number,
  to_ns: number,
): number | null {
  const grown = series.names(pattern).flatMap((name) => series.growth(name, from_ns, to_ns) ?? []);
  if (grown.length === 0 || to_ns <= from_ns) return null;
  return grown.reduce((a, b) => a + b) / BYTES_PER_MB / ((to_ns - from_ns) / NS_PER_S);
}

function cpuPeak(series: Series, from_ns: number, to_ns: number): number | null {
  const stretches = Math.max(1, Math.floor((to_ns - from_ns) / PEAK_STRETCH_NS));
  const width_ns = (to_ns - from_ns) / stretches;
  const each = Array.from(
    { length: stretches },
    (_, i) => cpuPercent(series, "cpu", from_ns + i * width_ns, from_ns + (i + 1) * width_ns),
  ).filter((value) => value !== null);
  return each.length === 0 ? null : each.reduce((a, b) => Math.max(a, b));
}

/** A span shorter than 100 ms is widened to whole sample intervals, for the same reason. */
function widened(
  series: Series,
  from_ns: number,
  to_ns: number,
  first: number,
  end: number,
): [from_ns: number, to_ns: number] {
  if (to_ns - from_ns >= PEAK_STRETCH_NS) return [from_ns, to_ns];
  let start = first - 1;
  while (start > 0 && series.t_ns(end - 1) - series.t_ns(start) < PEAK_STRETCH_NS) start--;
  return [series.t_ns(start), series.t_ns(end - 1)];
}

function temperatures(
  series: Series,
  from_ns: number,
  to_ns: number,
): Record<string, number> | null {
  const highest = series.names(/^temperature\./).flatMap((name) => {
    const value = series.max(name, from_ns, to_ns);
    return value === null
      ? []
      : [[name.slice("temperature.".length).replace("_celsius", ""), value]];
  });
  return highest.length === 0 ? null : Object.fromEntries(highest);
}

/** Whole devices, such as `gpu0`. */
export function gpuNames(series: Series): string[] {
  return [...new Set(series.names(/^gpu\d+\./).map((name) => name.slice(0, name.indexOf("."))))];
}

/** Means over the GPUs; memory and power are sums. MIG parts are included in their GPU. */
function gpuMetrics(series: Series, from_ns: number, to_ns: number) {
  const each = (metrics: string) =>
    series.names(new RegExp(`^gpu\\d+\\.(${metrics})$`)).flatMap((name) =>
      series.mean(name, from_ns, to_ns) ?? []
    );
  const sum = (values: number[]) => values.length ? values.reduce((a, b) => a + b) : null;
  const memory = sum(each("memory_used_bytes"));
  const hottest = series.names(/^gpu\d+\.temperature_celsius$/).flatMap((name) =>
    series.max(name, from_ns, to_ns) ?? []
  );
  return {
    gpu_usage_percent: average(each("utilization_percent")),
    gpu_memory_used_gb: memory === null ? null : memory / BYTES_PER_GB,
    gpu_temperature_celsius: hottest.length ? hottest.reduce((a, b) => Math.max(a, b)) : null,
    gpu_power_watts: sum(
      gpuNames(series).flatMap((gpu) => meanPower(series, gpu, from_ns, to_ns) ?? []),
    ),
  };
}

function average(values: (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((a, b) => a + b) / known.length;
}
