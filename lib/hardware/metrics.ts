/** Hardware metrics over one time span: what a test's own seconds looked like. */

/** Means over the sample intervals that overlap the span. null: the host does not tell. */
export interface PerformanceMetrics {
  /** Sample intervals that overlap the span; 0 leaves every metric null. */
  samples: number;
  cpu_usage_percent: number | null;
  cpu_usage_percent_max: number | null;
  /** Null in the list: a core that was offline. */
  cpu_per_core_percent: (number | null)[] | null;
  cpu_frequency_mhz: number | null;
  memory_used_gb: number | null;
  memory_usage_percent: number | null;
  disk_read_mb_per_s: number | null;
  disk_write_mb_per_s: number | null;
  network_receive_mb_per_s: number | null;
  network_send_mb_per_s: number | null;
  loopback_mb_per_s: number | null;
  /** Highest reading of each sensor, by name. */
  temperatures_celsius: Record<string, number> | null;
  gpu_usage_percent: number | null;
  gpu_memory_used_gb: number | null;
  gpu_temperature_celsius: number | null;
  gpu_power_watts: number | null;
}
