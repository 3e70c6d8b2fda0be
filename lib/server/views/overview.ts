/** The content of the dashboard's first page: a summary of the folder of runs. */
import { type ListedRun, listedRun, ownPassRate } from "./run_list.ts";
import type { RunIndex } from "../../run/index.ts";

const NEWEST = 12;
/** Points of the chart over time. */
const POINTS = 400;
const DAY_S = 86_400;

/** A run as a point of a chart. */
export interface RunPoint {
  run_id: string;
  benchmark: string;
  model: string;
  kind: string;
  started_at_unix_seconds: number;
  /**
   * Null if nothing was judged, or if there are several modes of asking, each with its own rate.
   */
  pass_rate: number | null;
  /** Items excluded from the rate because their evaluator failed. */
  not_judged: number;
  output_tokens_per_s: number | null;
}

export interface OverviewView {
  total: number;
  last_day: number;
  failed: number;
  models: { value: string; runs: number }[];
  benchmarks: { value: string; runs: number }[];
  kinds: { value: string; runs: number }[];
  newest: ListedRun[];
  /** The newest runs, in order from old to new. */
  points: RunPoint[];
}

/** Counts, the newest runs, and the results of runs over time. */
export async function overview(index: RunIndex, now_s: number): Promise<OverviewView> {
  const runs = await index.list({ limit: POINTS });
  return {
    total: index.count(),
    last_day: index.count({ since_s: now_s - DAY_S }),
    failed: index.count({ status: "failed" }),
    models: index.values("model"),
    benchmarks: index.values("benchmark"),
    kinds: index.values("kind"),
    newest: runs.slice(0, NEWEST).map(listedRun),
    points: runs.reverse().flatMap((run) => {
      const { started_at_unix_seconds, output_tokens_per_s } = run;
      const pass_rate = ownPassRate(run);
      if (started_at_unix_seconds === null) return [];
      if (pass_rate === null && output_tokens_per_s === null) return [];
      const { run_id, benchmark, model, kind, not_judged } = run;
      return [{
        run_id,
        benchmark,
        model,
        kind,
        started_at_unix_seconds,
        pass_rate,
        not_judged,
        output_tokens_per_s,
      }];
    }),
  };
}
