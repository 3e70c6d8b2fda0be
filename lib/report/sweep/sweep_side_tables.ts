/** Tables that explain a sweep's figures: the simulator's tiers, and the host. */
import { groupAt, type SweepAnalysis } from "../../sweep/analyse.ts";
import { headingOf } from "../../measures/describe.ts";
import { tierTitle } from "./sweep_charts.ts";
import { metricUnit, scaled, seedMean } from "./sweep_numbers.ts";
import { inBaseline, type TextTable, textTable } from "./sweep_tables.ts";

/**
 * Means over seeds of each provider's tiers, in the baseline, without tiers that had no attempts;
 * null if no run has tiers.
 */
export function tierTable(analysis: SweepAnalysis): TextTable | null {
  const { baseline, tier_columns } = analysis;
  const tiers = [...new Set(tier_columns.map((name) => /^.*_tier\d+/.exec(name)![0]))];
  if (tiers.length === 0) return null;
  const waits = tiers.map((tier) => metricUnit(analysis, `${tier}_queue_wait_p95_ms`).scale);
  const scale = Math.min(...waits); // one unit for the whole column
  const rows = settingsOf(analysis).flatMap(([policy, workload]) =>
    tiers.flatMap((tier) => {
      const of = (metric: string) =>
        seedMean(analysis, [policy, workload, baseline], `${tier}_${metric}`);
      const means = [
        of("utilization"),
        of("in_flight_avg"),
        scaled(of("queue_wait_p95_ms"), scale),
      ];
      if (means.every((mean) => (mean?.value ?? 0) === 0)) return [];
      return { names: [workload, policy, tierTitle(tier)], means };
    })
  );
  if (rows.length === 0) return null;
  const heads = ["utilization", "in flight", `queue wait p95, ${scale === 1 ? "ms" : "s"}`];
  return textTable(
    `tiers${inBaseline(analysis, ", in ")}`,
    ["workload", "policy", "tier"],
    heads,
    rows,
  );
}

/** Means over seeds of the host's samples, in the baseline; null if there are none. */
export function hostTable(analysis: SweepAnalysis): TextTable | null {
  const { baseline, host_columns } = analysis;
  if (host_columns.length === 0) return null;
  const rows = settingsOf(analysis).map(([policy, workload]) => ({
    names: [workload, policy],
    means: host_columns.map((name) => seedMean(analysis, [policy, workload, baseline], name)),
  }));
  const heads = host_columns.map((name) => headingOf(name.replace(/^host_/, "")));
  return textTable(`the host${inBaseline(analysis, ", in ")}`, ["workload", "policy"], heads, rows);
}

function settingsOf(analysis: SweepAnalysis): [policy: string, workload: string][] {
  const { baseline, policies, workloads } = analysis;
  return workloads.flatMap((workload) =>
    policies.filter((policy) => groupAt(analysis, policy, workload, baseline))
      .map((policy): [string, string] => [policy, workload])
  );
}
