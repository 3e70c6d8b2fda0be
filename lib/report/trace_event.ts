/** Events of the trace event format (Google, "Trace Event Format"), which Perfetto reads. */

/** One event; times in microseconds. */
export interface TraceEvent {
  name: string;
  ph: "M" | "X" | "C" | "i";
  pid: number;
  tid: number;
  ts?: number;
  dur?: number;
  s?: "g" | "t";
  args?: Record<string, unknown>;
}

/** The requests of a run as events, with the start and end of the whole. */
export interface RequestTrace {
  /** The first request's start, CLOCK_MONOTONIC. */
  origin_ns: number;
  /** The end of the last one, seconds after the origin. */
  end_s: number;
  events: Iterable<TraceEvent>;
}

/** The process id under which requests are shown. */
export const REQUESTS_PID = 1;
export const US_PER_S = 1e6;

/** Names a process. */
export function processName(pid: number, name: string): TraceEvent {
  return { name: "process_name", ph: "M", pid, tid: 0, args: { name } };
}

/** Marks a moment; on thread 0 the mark applies to the whole trace. */
export function mark(name: string, ts: number, pid: number, tid: number): TraceEvent {
  return { name, ph: "i", pid, tid, ts, s: tid === 0 ? "g" : "t" };
}

/** Values at a moment. */
export function counter(
  pid: number,
  name: string,
  at_s: number,
  args: Record<string, number>,
): TraceEvent {
  return { name, ph: "C", pid, tid: 0, ts: at_s * US_PER_S, args };
}
