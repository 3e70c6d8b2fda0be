/** Which runs a query is about. */
import type { RunSummary } from "./summary.ts";

/** Everything that is given must hold. */
export interface RunFilter {
  /** A part of the model's name, in any letter case. */
  model?: string;
  /** A part of the suite's or the load's name. */
  suite?: string;
  /** How items were asked, e.g. "iterative". */
  mode?: string;
  /** Every one of them. */
  tags?: string[];
  /** How the run ended. */
  status?: RunSummary["status"];
  /** What kind of run. */
  kind?: RunSummary["kind"];
  /** Unix seconds, inclusive. */
  since_s?: number;
  /** Unix seconds, exclusive. */
  until_s?: number;
  /** Only these. */
  run_ids?: string[];
  /** At most so many, the newest. */
  limit?: number;
  /** With a limit: leaves out this many of the newest. */
  offset?: number;
}

/** A filter as the WHERE of a query over `runs`. */
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
