/** The columns of runs.csv. */

/** Parameters, in the order of the table. */
const PARAMETERS = [
  "policy",
  "workflows",
  "pdfs",
  "iters",
  "subqueries",
  "seed",
  "time_scale",
  "enable_model_routing",
  "heavy_tail_prob",
  "heavy_tail_mult",
];

/** Mechanisms that the flags of an ablation switch off. */
export const SWITCHES = ["disable_hedging", "disable_escalation", "disable_dag_priority"];

/** Columns of summary.csv. */
export const METRICS = [
  "makespan_mean_ms",
  "makespan_p50_ms",
  "makespan_p95_ms",
  "makespan_p99_ms",
  "cost_mean",
  "cost_p50",
];

/** The metrics of a tier that the table has, in this order. */
export const TIER_METRICS = ["queue_wait_p95_ms", "utilization", "in_flight_avg"];
const TIER_COLUMN = new RegExp(`_tier\\d+_(${TIER_METRICS.join("|")})$`);

/** The simulator's own tiers have columns even if no run wrote them. */
const PROVIDERS = ["llm_provider", "embed_provider"];
const KNOWN_TIERS = PROVIDERS.flatMap((provider) => [`${provider}_tier0`, `${provider}_tier1`]);

/** Figures of dyno's own jobs. Those that are compared come first, also in the report. */
const JOB_FIGURES = [
  "requests_per_s",
  "output_tokens_per_s",
  "pass_rate",
  "ttft_p50_ms",
  "ttft_p99_ms",
  "gap_p50_ms",
  "gap_p99_ms",
  "e2e_p50_ms",
  "goodput_share",
];

/** Figures of the host during a run, if it was sampled. */
export const HOST_FIGURES = [
  "host_cpu_usage_percent",
  "host_memory_used_gb",
  "host_cpu_energy_j",
  "host_gpu_usage_percent",
  "host_gpu_memory_used_gb",
  "host_gpu_power_watts",
  "host_gpu_energy_j",
] as const;

/** Figures of every run's process, which are the results of a program that writes no summary.csv. */
export const PROCESS_FIGURES = ["wall_time_s", "cpu_time_s", "peak_memory_bytes"];

const RUNTIME = ["exit_code", "wall_time_s", "run_dir", "start_time_unix_s", "end_time_unix_s"];
/** Columns that the original table does not have, at the end. */
const OURS = ["timed_out", "peak_memory_bytes", "cpu_time_s", "warning"];

/** Columns that dyno fills for every run, which a parameter's name may not be. */
export const OWN_COLUMNS: readonly string[] = [
  "run_id",
  "ablation_name",
  "ablation_flags",
  ...RUNTIME,
  ...OURS,
];

/** The columns that the runs have in addition to those of every table. */
export class FoundColumns {
  readonly #parameters = new Set<string>();
  readonly #metrics = new Set<string>();
  readonly #tiers: Set<string>;
  readonly #host = new Set<string>();
  readonly #simulator: boolean;

  /**
   * @param simulator whether the runs are agent_sched_sim's, whose tables have their own columns.
   */
  constructor(simulator = true) {
    this.#simulator = simulator;
    this.#tiers = new Set(simulator ? KNOWN_TIERS : []);
  }

  addParameter(name: string): void {
    this.#parameters.add(name);
  }

  addMetric(name: string): void {
    this.#metrics.add(name);
  }

  /** @param tier such as `llm_provider_tier0`. */
  addTier(tier: string): void {
    this.#tiers.add(tier);
  }

  /** @param name one of HOST_FIGURES. */
  addHost(name: string): void {
    this.#host.add(name);
  }

  /** All columns in order; a further parameter or metric with the name of a column is omitted. */
  columns(): string[] {
    const tiers = [...this.#tiers].sort(byProviderAndTier);
    const known = (names: readonly string[], own: ReadonlySet<string>) =>
      this.#simulator ? names : names.filter((name) => own.has(name));
    const fixed = [
      "run_id",
      ...known(PARAMETERS, this.#parameters),
      ...this.#simulator ? [] : [...this.#parameters].sort(),
      "ablation_name",
      "ablation_flags",
      ...this.#simulator ? SWITCHES : [],
      ...known(METRICS, this.#metrics),
      ...TIER_METRICS.flatMap((metric) => tiers.map((tier) => `${tier}_${metric}`)),
      ...RUNTIME,
    ];
    const figures = JOB_FIGURES.filter((name) => this.#metrics.has(name));
    const more = [...[...this.#parameters].sort(), ...figures, ...[...this.#metrics].sort()];
    const host = HOST_FIGURES.filter((name) => this.#host.has(name));
    const ours = [...host, ...OURS];
    return [...new Set([...fixed, ...more.filter((name) => !ours.includes(name)), ...ours])];
  }
}

/** The columns of a table that are not in every table: further parameters and metrics. */
export function furtherColumns(columns: readonly string[]): string[] {
  const fixed = new Set(new FoundColumns().columns());
  const aside = new Set<string>([...tierColumns(columns), ...HOST_FIGURES]);
  return columns.filter((name) => !fixed.has(name) && !aside.has(name));
}

/** Which of TIER_METRICS a column contains; null if it is not a tier's column. */
export function tierMetric(column: string): string | null {
  return TIER_COLUMN.exec(column)?.[1] ?? null;
}

/** The columns of a table that belong to tiers. */
export function tierColumns(columns: readonly string[]): string[] {
  return columns.filter((name) => tierMetric(name) !== null);
}

/** Sorts llm_provider first, then embed_provider, then others by name; tiers by number. */
function byProviderAndTier(a: string, b: string): number {
  const parts = (tier: string) => {
    const at = tier.lastIndexOf("_tier");
    const place = PROVIDERS.indexOf(tier.slice(0, at));
    return { place: place < 0 ? PROVIDERS.length : place, name: tier.slice(0, at), tier };
  };
  const [left, right] = [parts(a), parts(b)];
  return left.place - right.place || compare(left.name, right.name) ||
    a.length - b.length || compare(a, b);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
