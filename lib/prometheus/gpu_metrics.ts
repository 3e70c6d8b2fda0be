/** GPU samples under the names that NVIDIA's DCGM exporter uses for the same quantities. */

/** How a field of the samples is exposed: the exporter's name, and the factor to its unit. */
export interface GpuMetric {
  name: string;
  help: string;
  factor: number;
  kind: "gauge" | "counter";
}

const MIB = 2 ** -20;

const metric = (
  name: string,
  help: string,
  factor = 1,
  kind: GpuMetric["kind"] = "gauge",
): GpuMetric => ({ name, help, factor, kind });

/** By the field's name without its device; units are those of the exporter. */
export const GPU_METRICS: Readonly<Record<string, GpuMetric>> = {
  utilization_percent: metric("DCGM_FI_DEV_GPU_UTIL", "GPU utilization (in %)."),
  memory_utilization_percent: metric("DCGM_FI_DEV_MEM_COPY_UTIL", "Memory utilization (in %)."),
  power_w: metric("DCGM_FI_DEV_POWER_USAGE", "Power draw (in W)."),
  power_instant_w: metric("DCGM_FI_DEV_POWER_USAGE_INSTANT", "Power draw at this moment (in W)."),
  power_limit_w: metric(
    "DCGM_FI_DEV_ENFORCED_POWER_LIMIT",
    "Limit of the power draw that is enforced (in W).",
  ),
  power_requested_limit_w: metric(
    "DCGM_FI_DEV_POWER_MGMT_LIMIT",
    "Limit of the power draw that was asked for (in W).",
  ),
  energy_j: metric(
    "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION",
    "Energy since the driver was loaded (in mJ); only grows.",
    1e3,
    "counter",
  ),
  sm_clock_mhz: metric("DCGM_FI_DEV_SM_CLOCK", "SM clock frequency (in MHz)."),
  memory_clock_mhz: metric("DCGM_FI_DEV_MEM_CLOCK", "Memory clock frequency (in MHz)."),
  memory_total_bytes: metric("DCGM_FI_DEV_FB_TOTAL", "Frame buffer memory (in MiB).", MIB),
  memory_used_bytes: metric("DCGM_FI_DEV_FB_USED", "Frame buffer memory in use (in MiB).", MIB),
  memory_reserved_bytes: metric(
    "DCGM_FI_DEV_FB_RESERVED",
    "Frame buffer memory that the driver keeps (in MiB).",
    MIB,
  ),
  memory_free_bytes: metric("DCGM_FI_DEV_FB_FREE", "Frame buffer memory free (in MiB).", MIB),
  temperature_celsius: metric("DCGM_FI_DEV_GPU_TEMP", "GPU temperature (in C)."),
  memory_temperature_celsius: metric("DCGM_FI_DEV_MEMORY_TEMP", "Memory temperature (in C)."),
  fan_percent: metric("DCGM_FI_DEV_FAN_SPEED", "Fan speed (in %)."),
  throttle_reasons: metric(
    "DCGM_FI_DEV_CLOCK_THROTTLE_REASONS",
    "Why the clocks are held down (bits of NVML).",
  ),
  gpm_graphics_percent: metric(
    "DCGM_FI_PROF_GR_ENGINE_ACTIVE",
    "Share of time in which the graphics engine was active.",
    0.01,
  ),
  gpm_sm_percent: metric(
    "DCGM_FI_PROF_SM_ACTIVE",
    "Share of cycles in which an SM had a warp.",
    0.01,
  ),
  gpm_occupancy_percent: metric(
    "DCGM_FI_PROF_SM_OCCUPANCY",
    "Active warps on an SM as a share of the most it can hold.",
    0.01,
  ),
  gpm_tensor_percent: metric(
    "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE",
    "Share of cycles in which the tensor pipe was active.",
    0.01,
  ),
  gpm_dram_percent: metric(
    "DCGM_FI_PROF_DRAM_ACTIVE",
    "Share of cycles in which the device's memory was in use.",
    0.01,
  ),
  gpm_pcie_sent_bytes_per_s: metric("DCGM_FI_PROF_PCIE_TX_BYTES", "Bytes a second sent by PCIe."),
  gpm_pcie_received_bytes_per_s: metric(
    "DCGM_FI_PROF_PCIE_RX_BYTES",
    "Bytes a second received by PCIe.",
  ),
  gpm_nvlink_sent_bytes_per_s: metric(
    "DCGM_FI_PROF_NVLINK_TX_BYTES",
    "Bytes a second sent by NVLink.",
  ),
  gpm_nvlink_received_bytes_per_s: metric(
    "DCGM_FI_PROF_NVLINK_RX_BYTES",
    "Bytes a second received by NVLink.",
  ),
};

/**
 * Converts a device's fields to the exporter's definitions. Power is the first available reading.
 * Memory in use excludes memory reserved by the driver, which the exporter reports separately.
 */
export function asExporter(fields: ReadonlyMap<string, number>): Map<string, number> {
  const told = new Map(fields);
  const power = ["power_w", "power_average_w", "power_instant_w"].map((name) => fields.get(name))
    .find((value) => value !== undefined);
  if (power !== undefined) told.set("power_w", power);
  const used = fields.get("memory_used_bytes");
  const reserved = fields.get("memory_reserved_bytes");
  if (used !== undefined && reserved !== undefined) told.set("memory_used_bytes", used - reserved);
  return told;
}
