/** A run as experiment trackers store it: its settings, its figures, its files. */

/** The data that both MLflow and Weights & Biases can store. */
export interface TrackedRun {
  /** dyno's run id, by which the run is recognised. */
  run_id: string;
  /** Its name in lists. */
  name: string;
  /** Milliseconds since 1970; null if unknown. */
  started_ms: number | null;
  ended_ms: number | null;
  status: "complete" | "incomplete" | "failed";
  /** Its settings, by dotted names. */
  params: Record<string, string>;
  /** Its figures, by the names of lib/measures. */
  metrics: Record<string, number>;
  tags: Record<string, string>;
  /** Files to store with it. */
  files: { name: string; path: string }[];
}

/** Settings as dotted names and texts; lists become JSON, and null values are omitted. */
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
