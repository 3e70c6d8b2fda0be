/** Known series of exporters: which figure of a GPU or host each is, and in which unit. */
import type { PageSeries } from "./page_log.ts";

/** The quantity that a figure measures. */
export type Quantity =
  | "gpu_usage_percent"
  | "gpu_memory_busy_percent"
  | "gpu_sm_active_percent"
  | "gpu_tensor_active_percent"
  | "gpu_dram_active_percent"
  | "gpu_memory_used_bytes"
  | "gpu_power_w"
  | "gpu_temperature_c"
  | "gpu_memory_temperature_c"
  | "gpu_clock_mhz"
  | "gpu_memory_clock_mhz"
  | "energy_j"
  | "cpu_usage_percent"
  | "cpu_busy_s"
  | "cpu_idle_s"
  | "memory_used_bytes"
  | "memory_available_bytes"
  | "memory_total_bytes"
  | "network_received_bytes"
  | "network_sent_bytes";

/** A series that dyno knows. */
export interface KnownSeries {
  quantity: Quantity;
  /** Whether it only grows, so that its increase is the figure. */
  counter: boolean;
  /** Factor from the series' unit to the quantity's. */
  factor: number;
  /** Of several names for one quantity of a device, the one with the lowest rank is used. */
  rank: number;
  /** The device: the GPU's number; empty for the host. */
  device: string;
  /** The host named by the series' labels; empty for none. */
  host: string;
  /**
   * Whether several series of a device are parts to add up; otherwise they report the same value,
   * and the largest is used.
   */
  adds: boolean;
}

type Known = Pick<KnownSeries, "quantity" | "counter" | "factor" | "rank">;

const gauge = (quantity: Quantity, factor = 1, rank = 0): Known => ({
  quantity,
  factor,
  rank,
  counter: false,
});
const counter = (quantity: Quantity, factor = 1): Known => ({
  quantity,
  factor,
  rank: 0,
  counter: true,
});

const MIB = 1 << 20;

/** NVIDIA: dcgm-exporter 4 (memory in MiB, energy in mJ, profiling figures as shares of 1), and Triton. */
const NVIDIA: Record<string, Known> = {
  DCGM_FI_DEV_GPU_UTIL: gauge("gpu_usage_percent"),
  DCGM_FI_PROF_GR_ENGINE_ACTIVE: gauge("gpu_usage_percent", 100, 1), // the only one for a MIG part
  DCGM_FI_DEV_MEM_COPY_UTIL: gauge("gpu_memory_busy_percent"),
  DCGM_FI_PROF_SM_ACTIVE: gauge("gpu_sm_active_percent", 100),
  DCGM_FI_PROF_PIPE_TENSOR_ACTIVE: gauge("gpu_tensor_active_percent", 100),
  DCGM_FI_PROF_DRAM_ACTIVE: gauge("gpu_dram_active_percent", 100),
  DCGM_FI_DEV_FB_USED: gauge("gpu_memory_used_bytes", MIB),
  DCGM_FI_DEV_POWER_USAGE: gauge("gpu_power_w"),
  DCGM_FI_DEV_GPU_TEMP: gauge("gpu_temperature_c"),
  DCGM_FI_DEV_MEMORY_TEMP: gauge("gpu_memory_temperature_c"),
  DCGM_FI_DEV_SM_CLOCK: gauge("gpu_clock_mhz"),
  DCGM_FI_DEV_MEM_CLOCK: gauge("gpu_memory_clock_mhz"),
  DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION: counter("energy_j", 1e-3),
  nv_gpu_utilization: gauge("gpu_usage_percent", 100),
  nv_gpu_memory_used_bytes: gauge("gpu_memory_used_bytes"),
  nv_gpu_power_usage: gauge("gpu_power_w"),
  nv_energy_consumption: counter("energy_j"),
};

/** AMD Device Metrics Exporter 1, by the label gpu_id: memory in MB of 2²⁰ bytes, energy in µJ. */
const AMD: Record<string, Known> = {
  gpu_gfx_activity: gauge("gpu_usage_percent"),
  gpu_umc_activity: gauge("gpu_memory_busy_percent"),
  gpu_used_vram: gauge("gpu_memory_used_bytes", MIB),
  gpu_package_power: gauge("gpu_power_w"),
  gpu_power_usage: gauge("gpu_power_w", 1, 1),
  gpu_average_package_power: gauge("gpu_power_w", 1, 2),
  gpu_junction_temperature: gauge("gpu_temperature_c"),
  gpu_edge_temperature: gauge("gpu_temperature_c", 1, 1),
  gpu_memory_temperature: gauge("gpu_memory_temperature_c"),
  gpu_energy_consumed: counter("energy_j", 1e-6),
};

/** Its clocks, by the label clock_type. */
const AMD_CLOCKS: Record<string, Quantity> = {
  system: "gpu_clock_mhz",
  memory: "gpu_memory_clock_mhz",
};

/**
 * amd_smi_exporter, in the units of amdsmi: µW, m°C, Hz. The GPU is in a label with the name of the
 * metric.
 */
const AMD_SMI: Record<string, Known> = {
  gpu_use_percent: gauge("gpu_usage_percent"),
  gpu_memory_use_percent: gauge("gpu_memory_busy_percent"),
  gpu_power: gauge("gpu_power_w", 1e-6),
  gpu_current_temperature: gauge("gpu_temperature_c", 1e-3),
  gpu_SCLK: gauge("gpu_clock_mhz", 1e-6),
  gpu_MCLK: gauge("gpu_memory_clock_mhz", 1e-6),
};

/** node_exporter, and Triton's metrics of its host. */
const HOST: Record<string, Known> = {
  node_memory_MemAvailable_bytes: gauge("memory_available_bytes"),
  node_memory_MemTotal_bytes: gauge("memory_total_bytes"),
  node_network_receive_bytes_total: counter("network_received_bytes"),
  node_network_transmit_bytes_total: counter("network_sent_bytes"),
  nv_cpu_utilization: gauge("cpu_usage_percent", 100),
  nv_cpu_memory_used_bytes: gauge("memory_used_bytes"),
};

/** RAPL in node_exporter: the domain of a package includes its cores. */
const RAPL: Record<string, string> = {
  node_rapl_package_joules_total: "CPU package",
  node_rapl_dram_joules_total: "DRAM",
};

/** Loopback, and interfaces on top of others, whose bytes would count twice. */
const INNER =
  /^(lo|veth|docker|br-|cni|flannel|cali|cilium|lxc|tunl|tun|tap|wg|virbr|bond|vlan|vxlan|dummy|kube|ifb|gre|sit|ovs)/;

/** Quantities of a board's sensors, which cover the whole board even for a part of it. */
const OF_BOARD: ReadonlySet<Quantity> = new Set([
  "gpu_power_w",
  "energy_j",
  "gpu_temperature_c",
  "gpu_memory_temperature_c",
]);

/** Returns what a series is; null for one that is only recorded. */
export function knownSeries({ name, labels }: PageSeries): KnownSeries | null {
  const host = labels.Hostname ?? labels.hostname ?? labels.instance ?? "";
  const ofHost = (known: Known, adds: boolean, device = ""): KnownSeries => ({
    ...known,
    device,
    host,
    adds,
  });
  if (name === "node_cpu_seconds_total") {
    const idle = labels.mode === "idle" || labels.mode === "iowait";
    return ofHost(counter(idle ? "cpu_idle_s" : "cpu_busy_s"), true);
  }
  const zone = own(RAPL, name);
  if (zone) return ofHost(counter("energy_j"), false, `${zone} ${labels.index ?? ""}`.trim());
  const known = own(HOST, name);
  if (known) {
    const isNetwork = known.quantity.startsWith("network_");
    return isNetwork && INNER.test(labels.device ?? "") ? null : ofHost(known, isNetwork);
  }
  const found = gpuSeries(name, labels);
  if (found === null) return null;
  const { gpu, part } = found;
  if (part !== "" && OF_BOARD.has(found.known.quantity)) return null;
  return { ...found.known, device: `GPU ${gpu}${part && `/${part}`}`, host, adds: false };
}

/** A GPU's series, with its number and part of the board; null if it is not a GPU's. */
function gpuSeries(
  name: string,
  labels: PageSeries["labels"],
): { known: Known; gpu: string; part: string } | null {
  const nvidia = own(NVIDIA, name);
  if (nvidia) {
    const gpu = labels.gpu ?? labels.gpu_uuid ?? "";
    return { known: nvidia, gpu, part: labels.GPU_I_ID ?? "" };
  }
  const plain = name.replace(/^amd_(?=gpu_)/, ""); // some installations have the prefix
  const clock = plain === "gpu_clock" ? own(AMD_CLOCKS, labels.clock_type ?? "") : undefined;
  const amd = clock ? gauge(clock) : own(AMD, plain);
  if (amd && labels.gpu_id !== undefined) {
    const part = labels.gpu_partition_id ?? "";
    return { known: amd, gpu: labels.gpu_id, part: /^[1-9]/.test(part) ? part : "" };
  }
  const smi = own(AMD_SMI, plain);
  const gpu = labels[plain];
  return smi && gpu !== undefined ? { known: smi, gpu, part: "" } : null;
}

function own<Value>(table: Record<string, Value>, name: string): Value | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
