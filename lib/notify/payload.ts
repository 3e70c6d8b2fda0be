/** The content of callbacks. */

/** The most errors in a callback. */
const ERRORS = 10;

/** A task, run, sweep or batch has ended. */
export interface EndPayload {
  event: "ended";
  /** Null if it was started from the command line. */
  task_id: string | null;
  status: "completed" | "failed" | "cancelled";
  duration_seconds: number | null;
  run_id: string | null;
  agent: string | null;
  /** "mock" where the answers come from dyno's mock endpoint; null elsewhere. */
  simulation_mode: "mock" | null;
  metrics: Record<string, unknown> | null;
  /** At most ten errors. */
  error_summary: string[];
  /** Unix seconds. */
  timestamp: number;
}

/** A budget is nearly or completely spent. */
export interface AlertPayload {
  event: "budget_alert";
  task_id: string | null;
  run_id: string | null;
  message: string;
  timestamp: number;
}

export type Payload = EndPayload | AlertPayload;

/** Returns the payload for an end; `timestamp` is now. */
export function endPayload(
  end: Omit<EndPayload, "event" | "simulation_mode" | "timestamp">,
): EndPayload {
  return {
    event: "ended",
    task_id: end.task_id,
    status: end.status,
    duration_seconds: end.duration_seconds,
    run_id: end.run_id,
    agent: end.agent,
    simulation_mode: end.agent === "mock" ? "mock" : null,
    metrics: end.metrics,
    error_summary: end.error_summary.slice(0, ERRORS),
    timestamp: Date.now() / 1000,
  };
}

/** Returns the payload for the warning of a budget. */
export function alertPayload(
  alert: Omit<AlertPayload, "event" | "timestamp">,
): AlertPayload {
  return { event: "budget_alert", ...alert, timestamp: Date.now() / 1000 };
}
