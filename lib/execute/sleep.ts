/**
 * A wait that ends with its scope. `delay` of @std/async does not fit: it rejects with the signal's
 * own reason, but a scope accepts only a CancelledError as a cancellation.
 */
import { asCancelled } from "./scope.ts";

/**
 * Waits `ms` milliseconds.
 *
 * @throws {CancelledError} the signal is aborted; the timer is cleared first.
 */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(asCancelled(signal.reason));
    const onAbort = () => {
      clearTimeout(timer);
      reject(asCancelled(signal.reason));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

/** Waits until the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
