/** The figures of parts of a load: of each of several endpoints, of each of several models. */
import { type StageTurnover, turnoverOfPart } from "./rates.ts";
import { summarise, type SummaryContext } from "./summarise.ts";
import type { RequestRecord } from "../run/request_record.ts";
import type { StageResults } from "./results.ts";

/** What a part's figures are made of: all of the load's, and which it takes. */
export interface PartsContext extends Omit<SummaryContext, "name" | "warmup"> {
  turnovers: readonly StageTurnover[];
  /** The whole load's. */
  total: Pick<StageResults, "concurrency">;
  warmup: readonly RequestRecord[];
}

/**
 * The figures of each part by the rules of the total's, whose rates and counts they add up to; requests
 * that were never sent belong to none.
 *
 * @param measured all of the load but the warm-up.
 * @param partOf the name of a request's part; undefined for none.
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
    // a place is the load's, whoever takes it: its time is shared out by what was in flight
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
