/** Runs as the dashboard lists them. */
import { z } from "zod";
import { inQuery } from "../query.ts";
import type { IndexedRun, RunIndex } from "../../run/index.ts";
import type { RunFilter } from "../../run/index_filter.ts";

/** A run in a list: no paths of the host. */
export type ListedRun = Omit<IndexedRun, "path"> & {
  /** As {@linkcode ownPassRate}; `modes` has those of several. */
  pass_rate: number | null;
};

export interface RunListView {
  runs: ListedRun[];
  /** How many fit. */
  total: number;
  offset: number;
  limit: number;
}

const text = z.string().max(200).optional();

/** What GET /api/runs may be asked for. */
export const runListQuerySchema = z.strictObject({
  /** Whole names. */
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

/** A page of the runs that fit, newest first. */
export async function runList(
  index: RunIndex,
  { since, until, offset, limit, ...query }: z.infer<typeof runListQuerySchema>,
): Promise<RunListView> {
  const filter: RunFilter = { ...query, since_s: since, until_s: until };
  const runs = await index.list({ ...filter, offset, limit });
  return { runs: runs.map(listedRun), total: index.count(filter), offset, limit };
}

/** The pass rate of a run that asks in one way; null for several, and where nothing was judged. */
export function ownPassRate({ modes, passed, judged }: IndexedRun): number | null {
  if (modes.length > 0) return modes.length === 1 ? modes[0].pass_rate?.value ?? null : null;
  return passed === null || judged === 0 ? null : passed / judged;
}

/** A run without its path. */
export function listedRun(indexed: IndexedRun): ListedRun {
  const { path: _path, ...run } = indexed;
  return { ...run, pass_rate: ownPassRate(indexed) };
}
