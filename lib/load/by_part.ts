/** The figures of parts of a load: per endpoint or per model. */
import { type StageTurnover, turnoverOfPart } from "./rates.ts";
import { summarise, type SummaryContext } from "./summarise.ts";
import type { RequestRecord } from "../run/request_record.ts";
import type { StageResults } from "./results.ts";

/** What the figures of parts are computed from: those of the whole load. */
export interface PartsContext extends Omit<SummaryContext, "name" | "warmup"> {
  turnovers: readonly StageTurnover[];
  /** The figures of the whole load. */
  total: Pick<StageResults, "concurrency">;
  warmup: readonly RequestRecord[];
}

/**
 * Returns the figures of each part, computed by the same rules as the total: the rates and counts
 * of the parts add up to it. Requests that were never sent belong to no part.
 *
 * @param measured every request of the load except the warm-up.
 * @param partOf returns the name of a request's part; undefined for none.
 */
export function figuresByPart(
  names: readonly string[],
  measured: readonly RequestRecord[],
  partOf: (record: RequestRecord) => string | undefined,
  { warmup, total, turnovers, ...context }: PartsContext,
): StageResults[] {
  const all_ns = timeInFlight(measured);
  return names.map((name) => {
    const isPart = (record: RequestRecord) => partOf(record) === name;
    const own = measured.filter(isPart);
    const figures = summarise(own, {
      ...context,
      name,
      turnovers: turnovers.map((turnover) => turnoverOfPart(turnover, isPart)),
      requested_rate_per_s: null,
      warmup: warmup.filter(isPart).length,
    });
    const { max } = figures.concurrency;
    // all parts share the load's places, so their time is split by the time each part was in flight
    const mean = all_ns > 0 ? total.concurrency.mean * timeInFlight(own) / all_ns : 0;
    return { ...figures, concurrency: { mean, max } };
  });
}

function timeInFlight(records: readonly RequestRecord[]): number {
  return records.reduce(
    (sum, { t_sent_ns, t_end_ns }) => sum + (t_sent_ns === null ? 0 : t_end_ns - t_sent_ns),
    0,
  );
}
