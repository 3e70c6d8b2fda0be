/** A run as trackers of experiments keep it: what it was given, what it found, its files. */

/** What MLflow and Weights & Biases both have a place for. */
export interface TrackedRun {
  /** dyno's id of it: by it a run is known again. */
  run_id: string;
  /** What people see in lists. */
  name: string;
  /** Milliseconds since 1970; null is unknown. */
  started_ms: number | null;
  ended_ms: number | null;
  status: "complete" | "incomplete" | "failed";
  /** Its settings, by dotted names. */
  params: Record<string, string>;
  /** Its figures, by the names of lib/measures. */
  metrics: Record<string, number>;
  tags: Record<string, string>;
  /** Files to keep beside it. */
  files: { name: string; path: string }[];
}

/** Settings as dotted names and texts; lists are JSON, and what is null is left out. */
export function flatParams(value: unknown, prefix = ""): Record<string, string> {
  if (value === null || value === undefined) return {};
  if (typeof value !== "object" || Array.isArray(value)) {
    return { [prefix]: typeof value === "string" ? value : JSON.stringify(value) };
  }
  return Object.assign(
    {},
    ...Object.entries(value).map(([name, inner]) =>
      flatParams(inner, prefix === "" ? name : `${prefix}.${name}`)
    ),
  );
}
