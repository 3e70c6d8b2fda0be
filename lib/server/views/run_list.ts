/** The dashboard's list of runs. */
import { z } from "zod";
import { inQuery } from "../query.ts";
import type { IndexedRun, RunIndex } from "../../run/index.ts";
import type { RunFilter } from "../../run/index_filter.ts";

/** A run in a list, without paths of the host. */
export type ListedRun = Omit<IndexedRun, "path"> & {
  /** The same as {@linkcode ownPassRate}; `modes` has the rates of several modes. */
  pass_rate: number | null;
};

export interface RunListView {
  runs: ListedRun[];
  /** The number of matching runs. */
  total: number;
  offset: number;
  limit: number;
}

const text = z.string().max(200).optional();

/** The query of GET /api/runs. */
export const runListQuerySchema = z.strictObject({
  /** Matches whole names. */
  model: text,
  suite: text,
  kind: z.enum(["suite", "load", "batch", "sweep"]).optional(),
  status: z.enum(["complete", "incomplete", "failed"]).optional(),
  /** Unix seconds. */
  since: inQuery(z.coerce.number()).optional(),
  until: inQuery(z.coerce.number()).optional(),
  offset: inQuery(z.coerce.number().int().min(0).max(1e9).default(0)),
  limit: inQuery(z.coerce.number().int().min(1).max(200).default(50)),
});

/** A page of the matching runs, newest first. */
export async function runList(
  index: RunIndex,
  { since, until, offset, limit, ...query }: z.infer<typeof runListQuerySchema>,
): Promise<RunListView> {
  const filter: RunFilter = { ...query, since_s: since, until_s: until };
  const runs = await index.list({ ...filter, offset, limit });
  return { runs: runs.map(listedRun), total: index.count(filter), offset, limit };
}

/**
 * The pass rate of a run with one mode of asking; null for several modes, and if nothing was
 * judged.
 */
export function ownPassRate({ modes, passed, judged }: IndexedRun): number | null {
  if (modes.length > 0) return modes.length === 1 ? modes[0].pass_rate?.value ?? null : null;
  return passed === null || judged === 0 ? null : passed / judged;
}

/** A run without its path. */
export function listedRun(indexed: IndexedRun): ListedRun {
  const { path: _path, ...run } = indexed;
  return { ...run, pass_rate: ownPassRate(indexed) };
}
