/** The speed of a running load, and the time it still needs. */
import type { DriveProgress } from "../run/request_record.ts";
import type { LoadStage } from "./stages.ts";

/** The progress of a running load. */
export interface LoadProgress extends DriveProgress {
  /** Requests ended per second since the stage began; null before the first. */
  requests_per_s: number | null;
  /** Seconds until the plan is done, without the wait for what is in flight then; null where unknown. */
  left_s: number | null;
}

/** When the current stage of a load began. */
export interface StageBegin {
  start_ns: number;
  /** How many requests had ended by then. */
  ended: number;
}

/**
 * Adds the rate and the time left to a progress: for stages with a duration what remains of it, for
 * stages with a count of requests the time that the remaining ones need at the current rate.
 */
export function withTimeLeft(
  progress: DriveProgress,
  stages: readonly LoadStage[],
  { start_ns, ended }: StageBegin,
  now_ns: number,
): LoadProgress {
  const since_s = Math.max(0, (now_ns - start_ns) / 1e9);
  const done = progress.ended - ended;
  const requests_per_s = done > 0 && since_s > 0 ? done / since_s : null;
  const lefts = stages.slice(progress.stage).map((stage, i): number | null => {
    const [past_s, past] = i === 0 ? [since_s, done] : [0, 0];
    const times = [];
    if (stage.duration_s !== null) times.push(stage.duration_s - past_s);
    if (stage.requests !== null) {
      const rate_per_s = stage.rate === null
        ? requests_per_s
        : (stage.rate.from_per_s + stage.rate.to_per_s) / 2;
      if (rate_per_s !== null) times.push((stage.requests - past) / rate_per_s);
      else if (stage.duration_s === null) return null;
    }
    if (stage.times_s !== null) times.push((stage.times_s.at(-1) ?? 0) - past_s);
    return times.length === 0 ? null : Math.max(0, Math.min(...times));
  });
  const left_s = lefts.includes(null) ? null : (lefts as number[]).reduce((a, b) => a + b, 0);
  return { ...progress, requests_per_s, left_s };
}
