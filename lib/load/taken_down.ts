/** Records an answer event by event as it arrives. */
import { cutsNow } from "./cancel.ts";
import type { ExchangeListener } from "../endpoint/transport.ts";
import type { LogHistogram } from "../stats/histogram.ts";
import type { Flight } from "./flight.ts";

/**
 * Returns the part of a listener that handles a request's events before its end.
 *
 * @param counts the load's counters, which it updates.
 * @param lags collects how long after the kernel received data it was read, ns.
 * @param cancel cancels the request, once it has its last token or its answer is faulty.
 */
export function takenDown(
  flight: Flight,
  counts: { events: number },
  lags: LogHistogram,
  cancel: () => void,
): Omit<ExchangeListener, "onEnd"> {
  const fail = (error: unknown) => {
    flight.error = error as Error;
    cancel();
  };
  return {
    onEvent(data, t_ns, lag_ns) {
      counts.events++;
      if (lag_ns !== null) lags.add(lag_ns);
      if (flight.error !== null) return;
      try {
        flight.reply.event(data, t_ns, lag_ns);
        if (cutsNow(flight)) cancel(); // an answer that is complete by then still counts as one
      } catch (error) {
        fail(error);
      }
    },
    onErrorEvent(data) {
      counts.events++;
      try {
        if (flight.error === null) flight.reply.errorEvent(data);
      } catch (error) {
        fail(error);
      }
    },
    begun: () => flight.reply.tokens.count > 0,
  };
}
