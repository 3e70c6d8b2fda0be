/** Hardware metrics over one time span: what a test's own seconds looked like. */

/** Means over the sample intervals that overlap the span. null: the host does not tell. */
export interface PerformanceMetrics {
  /** Sample intervals that overlap the span; 0 leaves every metric null. */
  samples: number;
  /** Of all cores together: 100 is every core busy. */
  cpu_usage_percent: number | null;
  /** The busiest stretch of about 100 ms, as `cpu_usage_percent`. */
  cpu_usage_percent_max: number | null;
  /** Null in the list: a core that was offline. */
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
  /** Mean over the GPUs of the time in which a kernel ran. */
  gpu_usage_percent: number | null;
  /** All GPUs together, GB of 2³⁰ bytes. */
  gpu_memory_used_gb: number | null;
  /** The hottest GPU. */
  gpu_temperature_celsius: number | null;
  /** All GPUs together, watts. */
  gpu_power_watts: number | null;
}
