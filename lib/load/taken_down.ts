/** An answer, taken down event by event as it comes. */
import { cutsNow } from "./cancel.ts";
import type { ExchangeListener } from "../endpoint/transport.ts";
import type { LogHistogram } from "../stats/histogram.ts";
import type { Flight } from "./flight.ts";

/**
 * The part of a listener that hears of a request before its end.
 *
 * @param counts counts its events.
 * @param lags of reads after the kernel's receipt, ns.
 * @param cancel cuts the request off, after its last token or what is wrong with its answer.
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
        if (cutsNow(flight)) cancel(); // an answer that is whole by then is an answer
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
