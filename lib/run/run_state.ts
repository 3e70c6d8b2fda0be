/** The state of any run, from its journal, in constant memory. */
import type { Recorded, RunEvent } from "./events.ts";
import type { Fold } from "./fold.ts";

/** The start of the year 10,000, after which no run starts. */
const LAST_TIME_S = 253_402_300_800;

/** Whether a number of seconds since 1970 is plausible; a damaged one is not. */
export function isTime(unix_s: number): boolean {
  return unix_s >= 0 && unix_s < LAST_TIME_S;
}

/** The state of a run. */
export interface RunState {
  /** Unix seconds of its first event; all fields are null before one. */
  first_s: number | null;
  /** Unix seconds of its newest event. */
  last_s: number | null;
  /** The newest event's time on CLOCK_MONOTONIC. */
  last_mono_ns: number | null;
  /** Unix seconds of the first event in its newest session. */
  session_s: number | null;
  load: boolean;
  /** Number of tests in its plan; null for a load. */
  planned: number | null;
  /** Tests that are running; for a load, requests in flight at the last report. */
  under_way: number;
  /** How its newest session ended; null: not recorded. */
  ended: "complete" | "interrupted" | null;
}

/** Folds a journal into the state of its run. */
export const runState: Fold<"run", RunState> = {
  kind: "run",
  begin: () => ({
    first_s: null,
    last_s: null,
    last_mono_ns: null,
    session_s: null,
    load: false,
    planned: null,
    under_way: 0,
    ended: null,
  }),
  take(state, event) {
    const time_s = isTime(event.t) ? event.t : null;
    state.first_s ??= time_s;
    state.session_s ??= time_s;
    state.last_s = time_s ?? state.last_s;
    state.last_mono_ns = event.mono_ns ?? state.last_mono_ns;
    change(state, event);
  },
};

function change(state: RunState, event: Recorded<RunEvent>): void {
  switch (event.event) {
    case "run_resumed":
      state.under_way = 0;
      state.session_s = state.last_s;
      state.planned = event.planned ?? state.planned;
      state.ended = null;
      break;
    case "run_started":
      state.planned = event.planned ?? state.planned;
      break;
    case "package_started":
      state.under_way++;
      break;
    case "package_finished":
      state.under_way = Math.max(0, state.under_way - 1);
      break;
    case "load_started":
      state.load = true;
      break;
    case "load_progress":
      state.under_way = event.in_flight;
      break;
    case "run_finished":
      state.ended = "complete";
      break;
    case "run_interrupted":
      state.ended = "interrupted";
      break;
    case "load_measured":
      state.under_way = 0;
      break;
    case "load_finished":
      state.ended = event.complete ? "complete" : "interrupted";
  }
  if (state.ended !== null) state.under_way = 0;
}
