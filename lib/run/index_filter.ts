/** Selects the runs for a query. */
import type { RunSummary } from "./summary.ts";

/** A filter for runs; all given conditions must hold. */
export interface RunFilter {
  /** Part of the model's name, in any case. */
  model?: string;
  /** Part of the name of the suite or load. */
  suite?: string;
  /** The mode of asking, e.g. "iterative". */
  mode?: string;
  /** Tags that the run must all have. */
  tags?: string[];
  /** How the run ended. */
  status?: RunSummary["status"];
  /** The kind of run. */
  kind?: RunSummary["kind"];
  /** Unix seconds, inclusive. */
  since_s?: number;
  /** Unix seconds, exclusive. */
  until_s?: number;
  /** Only runs with these ids. */
  run_ids?: string[];
  /** At most this many runs, the newest. */
  limit?: number;
  /** With a limit: skips this many of the newest runs. */
  offset?: number;
}

/** Returns the WHERE clause of a query over `runs` for a filter. */
export function whereOf(filter: RunFilter): { where: string; values: (string | number)[] } {
  const conditions: string[] = [];
  const values: (string | number)[] = [];
  const add = (condition: string, value: string | number | undefined) => {
    if (value === undefined) return;
    conditions.push(condition);
    values.push(value);
  };
  add("instr(lower(model), ?) > 0", filter.model?.toLowerCase());
  add("instr(lower(benchmark), ?) > 0", filter.suite?.toLowerCase());
  add("lower(mode) = ?", filter.mode?.toLowerCase());
  for (const tag of filter.tags ?? []) {
    add("EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?)", tag);
  }
  add("status = ?", filter.status);
  add("kind = ?", filter.kind);
  add("started_at_unix_seconds >= ?", filter.since_s);
  add("started_at_unix_seconds < ?", filter.until_s);
  if (filter.run_ids) {
    add("run_id IN (SELECT value FROM json_each(?))", JSON.stringify(filter.run_ids));
  }
  return { where: conditions.length ? ` WHERE ${conditions.join(" AND ")}` : "", values };
}
