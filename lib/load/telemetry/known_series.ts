/** Which series of exporters are a GPU's or a host's figures, and in which unit. */
import type { PageSeries } from "./page_log.ts";

/** What a figure is of. */
export type Quantity =
  | "gpu_usage_percent"
  | "gpu_memory_used_bytes"
  | "gpu_power_w"
  | "gpu_temperature_c"
  | "gpu_clock_mhz"
  | "energy_j"
  | "cpu_busy_s"
  | "cpu_idle_s"
  | "memory_available_bytes"
  | "memory_total_bytes"
  | "network_received_bytes"
  | "network_sent_bytes";

/** A series that is understood. */
export interface KnownSeries {
  quantity: Quantity;
  /** It only grows: what it grew by is the figure. */
  counter: boolean;
  /** From the series' unit to the quantity's. */
  factor: number;
  /** The device: the GPU by its number, the interface by its name; empty for the host. */
  device: string;
}

type Known = Omit<KnownSeries, "device">;

const gauge = (quantity: Quantity, factor = 1): Known => ({ quantity, factor, counter: false });
const counter = (quantity: Quantity, factor = 1): Known => ({ quantity, factor, counter: true });

const MIB = 1 << 20;

/**
 * By name. NVIDIA: dcgm-exporter's default counters, whose memory is in MiB and energy in mJ. AMD: the
 * device metrics exporter, memory in MB, energy in µJ. Hosts: node_exporter.
 */
const KNOWN: Record<string, Known> = {
  DCGM_FI_DEV_GPU_UTIL: gauge("gpu_usage_percent"),
  DCGM_FI_DEV_FB_USED: gauge("gpu_memory_used_bytes", MIB),
  DCGM_FI_DEV_POWER_USAGE: gauge("gpu_power_w"),
  DCGM_FI_DEV_GPU_TEMP: gauge("gpu_temperature_c"),
  DCGM_FI_DEV_SM_CLOCK: gauge("gpu_clock_mhz"),
  DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION: counter("energy_j", 1e-3),
  gpu_gfx_activity: gauge("gpu_usage_percent"),
  gpu_used_vram: gauge("gpu_memory_used_bytes", MIB),
  gpu_package_power: gauge("gpu_power_w"),
  gpu_average_package_power: gauge("gpu_power_w"),
  gpu_junction_temperature: gauge("gpu_temperature_c"),
  gpu_edge_temperature: gauge("gpu_temperature_c"),
  gpu_energy_consumed: counter("energy_j", 1e-6),
  node_memory_MemAvailable_bytes: gauge("memory_available_bytes"),
  node_memory_MemTotal_bytes: gauge("memory_total_bytes"),
  node_network_receive_bytes_total: counter("network_received_bytes"),
  node_network_transmit_bytes_total: counter("network_sent_bytes"),
};

/** Of two names for one quantity of a device, this one is left. */
const SECOND_CHOICE = new Set(["gpu_average_package_power", "gpu_edge_temperature"]);

/** Whether another series of the device says the same, and better. */
export function isSecondChoice({ name }: PageSeries): boolean {
  return SECOND_CHOICE.has(plainName(name));
}

/** What a series is; null for one that is only kept. */
export function knownSeries({ name, labels }: PageSeries): KnownSeries | null {
  if (name === "node_cpu_seconds_total") {
    const idle = labels.mode === "idle" || labels.mode === "iowait";
    return { ...counter(idle ? "cpu_idle_s" : "cpu_busy_s"), device: "" };
  }
  const known = Object.hasOwn(KNOWN, plainName(name)) ? KNOWN[plainName(name)] : undefined;
  if (known === undefined) return null;
  if (known.quantity.startsWith("network_")) {
    // loopback and what lies on another interface would count bytes twice
    if (/^(lo|veth|docker|br-|cni|flannel|cali|tunl|virbr|bond|vlan)/.test(labels.device ?? "")) {
      return null;
    }
    return { ...known, device: "" };
  }
  const isMig = labels.GPU_I_ID !== undefined && labels.GPU_I_ID !== "";
  // a part of a board has its own memory and usage, and the whole board's power
  if (isMig && ["gpu_power_w", "energy_j", "gpu_temperature_c"].includes(known.quantity)) {
    return null;
  }
  const gpu = labels.gpu ?? labels.gpu_id ?? "";
  const part = isMig ? `/${labels.GPU_I_ID}` : "";
  return { ...known, device: known.quantity.startsWith("memory_") ? "" : `GPU ${gpu}${part}` };
}

/** AMD's exporter puts a prefix before its names in some installations. */
function plainName(name: string): string {
  return name.replace(/^amd_(?=gpu_)/, "");
}
