/**
 * Waiting that ends with the scope. Not `delay` of @std/async: it rejects with the signal's reason as it
 * is, and what a scope lets through as a cancellation must be a CancelledError, whoever aborted it.
 */
import { asCancelled } from "./scope.ts";

/**
 * Waits `ms` milliseconds.
 *
 * @throws {CancelledError} as soon as the signal is aborted; the timer is gone then.
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
