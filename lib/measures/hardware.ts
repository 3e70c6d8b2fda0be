/** Measures of the host during a run, from hardware samples over a span of time. */
import { type Measure, of } from "./measure.ts";

type Figure = Pick<Measure, "name" | "term" | "definition" | "needs"> & Partial<Measure>;

const figure = (kind: Measure["kind"], fields: Figure): Measure =>
  of(kind, ["hardware"], { better: null, of: "sample", ...fields });

/** The measures, in the order of tables; names are those of `performance_metrics` in results. */
export const HARDWARE: readonly Measure[] = [
  figure("percent", {
    name: "cpu_usage_percent",
    term: "CPU in use",
    formula: "Δbusy / Δ(busy + idle + iowait)",
    definition: "busy time / all time, of all cores together: 100 is every core busy",
    needs: "its counters",
  }),
  figure("percent", {
    name: "cpu_usage_percent_max",
    term: "CPU in use, at most",
    definition: "the busiest stretch of about 100 ms",
    needs: "its counters",
  }),
  figure("frequency", {
    name: "cpu_frequency_mhz",
    term: "CPU clock",
    definition: "the mean clock of the cores",
    needs: "a kernel that tells it",
  }),
  figure("bytes", {
    name: "memory_used_gb",
    term: "memory in use",
    unit: "GiB",
    better: "lower",
    formula: "total − available",
    definition:
      "memory that programs cannot have: of the host, or of the control group where that may have less",
    needs: "its counters",
  }),
  figure("percent", {
    name: "memory_usage_percent",
    term: "memory in use",
    definition: "memory in use as a share of what there is",
    needs: "its counters",
  }),
  figure("bytes", {
    name: "disk_read_mb_per_s",
    term: "disk, read",
    unit: "MB/s",
    definition: "bytes read from all disks, 10⁶ a second",
    needs: "its counters",
  }),
  figure("bytes", {
    name: "disk_write_mb_per_s",
    term: "disk, written",
    unit: "MB/s",
    definition: "bytes written to all disks, 10⁶ a second",
    needs: "its counters",
  }),
  figure("bytes", {
    name: "network_receive_mb_per_s",
    term: "network, received",
    unit: "MB/s",
    definition: "bytes received by all interfaces but loopback, 10⁶ a second",
    needs: "its counters",
  }),
  figure("bytes", {
    name: "network_send_mb_per_s",
    term: "network, sent",
    unit: "MB/s",
    definition: "bytes sent by all interfaces but loopback, 10⁶ a second",
    needs: "its counters",
  }),
  figure("bytes", {
    name: "loopback_mb_per_s",
    term: "loopback",
    unit: "MB/s",
    definition: "bytes that the host sent to itself, 10⁶ a second",
    needs: "its counters",
  }),
  figure("temperature", {
    name: "temperatures_celsius",
    term: "temperature",
    better: "lower",
    definition: "the highest reading of each sensor",
    needs: "a sensor",
  }),
  figure("energy", {
    name: "cpu_energy_j",
    term: "CPU energy",
    better: "lower",
    definition: "of all CPU packages, idle power included",
    needs: "RAPL, which is for root",
  }),
  figure("percent", {
    name: "gpu_usage_percent",
    term: "GPU in use",
    definition: "the share of time in which a kernel ran, mean over the GPUs",
    needs: "NVML",
  }),
  figure("bytes", {
    name: "gpu_memory_used_gb",
    term: "GPU memory",
    unit: "GiB",
    better: "lower",
    definition: "memory in use, of all GPUs together",
    needs: "NVML",
  }),
  figure("temperature", {
    name: "gpu_temperature_celsius",
    term: "GPU temperature",
    better: "lower",
    definition: "of the hottest GPU",
    needs: "NVML",
  }),
  figure("power", {
    name: "gpu_power_watts",
    term: "GPU power",
    better: "lower",
    definition: "mean draw, of all GPUs together",
    needs: "NVML",
  }),
  figure("energy", {
    name: "gpu_energy_j",
    term: "GPU energy",
    better: "lower",
    formula: "∫ power, or a counter's difference",
    definition: "of all GPUs, idle power included",
    needs: "NVML",
  }),
];
