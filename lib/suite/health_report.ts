/** The health report of a run: how the host and the endpoint performed, and what to do about problems. */
import { join } from "node:path";
import { writeFileAtomic } from "../write.ts";
import { mean } from "../stats/quantile.ts";
import type { RunDirectory } from "../run/directory.ts";
import type { ResultItem, SuiteResults } from "./results.ts";
import type { HealthAlert } from "../hardware/health.ts";
import type { PerformanceMetrics } from "../hardware/performance.ts";

/** The content of health.json. */
export interface HealthReport {
  schema_version: 1;
  system_status: "healthy" | "degraded" | "unknown";
  resource_utilization: PerformanceMetrics | null;
  performance_trends: {
    /**
     * Mean normalized latency (e2e / tokens) of the first and the last third of the answered tests, by
     * send time; null below 30 tests, where differences between the tests would look like a trend.
     */
    normalized_latency_first_third_ms: number | null;
    normalized_latency_last_third_ms: number | null;
    /** (last − first) / first, percent. */
    normalized_latency_change_percent: number | null;
  };
  error_analysis: {
    errors: number;
    tests: number;
    by_class: Record<string, number>;
    /** The number of answers whose evaluator failed, and the reason of the first. */
    not_judged: number;
    not_judged_because: string | null;
  };
  alerts: HealthAlert[];
  recommendations: string[];
}

const NOTEWORTHY_CHANGE_PERCENT = 25;
const LEAST_FOR_TREND = 30;

/**
 * Summarises a run's health. `resources`: the host's use over the whole session; null if it was not
 * sampled.
 */
export function healthReport(
  { aggregate, items }: SuiteResults,
  resources: PerformanceMetrics | null,
  alerts: readonly HealthAlert[],
): HealthReport {
  const performance_trends = trends(items);
  const unknown = resources === null && alerts.length === 0;
  const report: HealthReport = {
    schema_version: 1,
    system_status: alerts.length || aggregate.not_judged
      ? "degraded"
      : unknown
      ? "unknown"
      : "healthy",
    resource_utilization: resources,
    performance_trends,
    error_analysis: {
      errors: aggregate.errors,
      tests: aggregate.tests,
      by_class: aggregate.errors_by_class,
      not_judged: aggregate.not_judged,
      not_judged_because: aggregate.not_judged_because,
    },
    alerts: [...alerts],
    recommendations: [],
  };
  report.recommendations = recommendations(report);
  return report;
}

/** Writes health.json. */
export function writeHealthReport(directory: RunDirectory, report: HealthReport): void {
  writeFileAtomic(join(directory.path, "health.json"), JSON.stringify(report, null, 2) + "\n");
}

function trends(items: readonly ResultItem[]): HealthReport["performance_trends"] {
  const answered = items.filter((item) => item.success && item.t_sent_ns !== null)
    .toSorted((a, b) => a.t_sent_ns! - b.t_sent_ns!)
    .flatMap(({ e2e_ms, completion_tokens }) =>
      e2e_ms !== null && completion_tokens ? e2e_ms / completion_tokens : []
    );
  const third = answered.length < LEAST_FOR_TREND ? 0 : Math.floor(answered.length / 3);
  const first = third ? mean(answered.slice(0, third)) : null;
  const last = third ? mean(answered.slice(-third)) : null;
  return {
    normalized_latency_first_third_ms: first,
    normalized_latency_last_third_ms: last,
    normalized_latency_change_percent: first && last ? 100 * (last - first) / first : null,
  };
}

function recommendations(report: HealthReport): string[] {
  const { alerts, error_analysis, performance_trends, resource_utilization } = report;
  const { by_class, not_judged, not_judged_because } = error_analysis;
  const kinds = new Set(alerts.map((alert) => alert.kind));
  const slower = performance_trends.normalized_latency_change_percent ?? 0;
  const advice: [boolean, string][] = [
    [not_judged > 0, `${not_judged} not judged: fix the evaluator (${not_judged_because})`],
    [kinds.has("temperature"), "cool the device: a hot one is slower"],
    [kinds.has("throttling"), "the GPU was throttled: timings are those of a lower clock"],
    [kinds.has("memory"), "use fewer --workers, or add memory"],
    [
      (by_class.http_429 ?? 0) > 0,
      "the endpoint limits the rate: use fewer --workers, or --workers auto",
    ],
    [
      (by_class.timeout ?? 0) > 0,
      "some answers took longer than --timeout: raise it, or use fewer --workers",
    ],
    [(by_class.connect ?? 0) > 0, "connections failed: look at the server's log"],
    [
      slower > NOTEWORTHY_CHANGE_PERCENT,
      `a token took ${slower.toFixed(0)} % longer at the end than at the start`,
    ],
    [
      (resource_utilization?.cpu_usage_percent ?? 0) > 90,
      "the CPU was above 90 %: if dyno and the server share it, they slow each other down",
    ],
  ];
  return advice.flatMap(([holds, text]) => holds ? [text] : []);
}
