/** A report's note on how the host was sampled. */
import type { Samples } from "../hardware/samples.ts";

/** Whether the times of all sessions can be compared. */
export function onOneClock(sessions: readonly Samples[]): boolean {
  const [first, ...others] = sessions.map(({ description }) => description);
  return others.every(({ clock, boot_id }) =>
    clock === "CLOCK_MONOTONIC" && clock === first.clock && boot_id === first.boot_id
  );
}

/** The rate, the sampler, and what was not sampled; plain text, not HTML. */
export function samplingNote(sessions: readonly Samples[]): string {
  if (sessions.length === 0) return "The host was not sampled in this run.";
  const { rate_hz, sampler, sources } = sessions[0].description;
  const missing = sources.filter((source) => !source.available)
    .map(({ name, note }) => note ? `${name} (${note})` : name);
  const without = missing.length ? ` Not sampled: ${missing.join("; ")}.` : "";
  return `Host samples at ${rate_hz} Hz (${sampler}), on the clock of the requests.${without}`;
}
