/** What the host was doing beside a run, in a few figures. */
import { energiesOver } from "../hardware/energy.ts";
import { performanceOver } from "../hardware/performance.ts";
import { readSamples } from "../hardware/samples.ts";
import { seriesFrom } from "../hardware/series.ts";
import type { HOST_FIGURES } from "./columns.ts";

type HostFigure = typeof HOST_FIGURES[number];

/**
 * Means over a run's hardware samples, of the whole host; null where it was not sampled. A figure
 * that the host does not tell is null.
 *
 * @throws the samples cannot be read.
 */
export function hostFigures(folder: string): Record<HostFigure, number | null> | null {
  const [samples] = readSamples(folder);
  if (samples === undefined) return null;
  const series = seriesFrom(samples);
  if (series.length < 2) return null;
  const [from_ns, to_ns] = [series.t_ns(0), series.t_ns(series.length - 1)];
  const means = performanceOver(series, from_ns, to_ns);
  const energies = energiesOver(series, from_ns, to_ns);
  const joules = (device: RegExp) => {
    const each = energies.filter((energy) => device.test(energy.device));
    return each.length > 0 ? each.reduce((sum, { energy_j }) => sum + energy_j, 0) : null;
  };
  return {
    host_cpu_usage_percent: means.cpu_usage_percent,
    host_memory_used_gb: means.memory_used_gb,
    host_cpu_energy_j: joules(/^rapl\.package/),
    host_gpu_usage_percent: means.gpu_usage_percent,
    host_gpu_memory_used_gb: means.gpu_memory_used_gb,
    host_gpu_power_watts: means.gpu_power_watts,
    host_gpu_energy_j: joules(/^gpu/),
  };
}
