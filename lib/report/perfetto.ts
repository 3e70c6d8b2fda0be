/** A run's merged timeline as a Chrome trace, for Perfetto (ui.perfetto.dev) or chrome://tracing. */
import { readSamples } from "../hardware/samples.ts";
import { seriesFrom } from "../hardware/series.ts";
import { foldJournal } from "../run/fold.ts";
import { hostPanels } from "./charts/host_panels.ts";
import { requestSpans } from "../suite/spans.ts";
import { inLanes } from "./charts/spans.ts";
import { plainText } from "../run/plain_file.ts";
import type { RunDirectory } from "../run/directory.ts";
import type { Fold } from "../run/fold.ts";
import type { SuiteResults } from "../suite/results.ts";

/** One event of the trace event format (Google, "Trace Event Format"); times in microseconds. */
interface TraceEvent {
  name: string;
  ph: "M" | "X" | "C" | "i";
  pid: number;
  tid: number;
  ts?: number;
  dur?: number;
  s?: "g" | "t";
  args?: Record<string, unknown>;
}

const REQUESTS = 1;
const HOST = 2;
const US_PER_S = 1e6;

/**
 * The trace of a run, in parts: requests in lanes with their first tokens, host samples as counters,
 * health alerts and changes of workers as marks. Time 0 is the first request's start.
 *
 * @throws the system's error when the run has no results.json.
 */
export async function* perfettoTrace(directory: RunDirectory): AsyncGenerator<string> {
  const { items, model }: SuiteResults = JSON.parse(plainText(directory.results));
  const { spans, origin_ns, end_s } = requestSpans(items);
  const series = readSamples(directory.path).map(seriesFrom);
  yield '{"displayTimeUnit":"ms","traceEvents":[\n';
  yield JSON.stringify(named(REQUESTS, `requests to ${model}`));
  yield ",\n" + JSON.stringify(named(HOST, "host"));
  for (const [span, lane] of inLanes(spans).placed) {
    const { item, start_s } = span;
    const event: TraceEvent = {
      name: item.test_name,
      ph: "X",
      pid: REQUESTS,
      tid: lane + 1,
      ts: start_s * US_PER_S,
      dur: (span.end_s - start_s) * US_PER_S,
      args: {
        test_id: item.test_id,
        category: item.category,
        tokens: item.completion_tokens,
        ttft_ms: item.ttft_ms,
        passed: item.passed,
        error: item.error,
      },
    };
    yield ",\n" + JSON.stringify(event);
    if (item.ttft_ms !== null) {
      const ts = start_s * US_PER_S + item.ttft_ms * 1000;
      yield ",\n" + JSON.stringify(mark("first token", ts, REQUESTS, lane + 1));
    }
  }
  for (const { title, lines } of hostPanels(series, origin_ns, [{ start_s: 0, end_s }])) {
    for (const { name, points } of lines) {
      for (const [at_s, value] of points) {
        const counter = `${title}: ${name}`;
        yield ",\n" + JSON.stringify(
          {
            name: counter,
            ph: "C",
            pid: HOST,
            tid: 0,
            ts: at_s * US_PER_S,
            args: { [name]: value },
          },
        );
      }
    }
  }
  const { state: marks } = await foldJournal(directory.journal, runMarks);
  for (const { text, mono_ns } of marks) {
    yield ",\n" + JSON.stringify(mark(text, (mono_ns - origin_ns) / 1000, HOST, 0));
  }
  yield "\n]}\n";
}

function named(pid: number, name: string): TraceEvent {
  return { name: "process_name", ph: "M", pid, tid: 0, args: { name } };
}

function mark(name: string, ts: number, pid: number, tid: number): TraceEvent {
  return { name, ph: "i", pid, tid, ts, s: tid === 0 ? "g" : "t" };
}

/** What a journal says of the whole run, each with its time on CLOCK_MONOTONIC. */
export const runMarks: Fold<"run", { text: string; mono_ns: number }[]> = {
  kind: "run",
  begin: () => [],
  take(marks, event) {
    const { mono_ns } = event;
    if (mono_ns === null) return;
    if (event.event === "health_alert") marks.push({ text: event.message, mono_ns });
    if (event.event === "endpoint_lost") marks.push({ text: `lost: ${event.error}`, mono_ns });
    if (event.event === "endpoint_back") marks.push({ text: `back: ${event.endpoint}`, mono_ns });
    if (event.event === "workers_changed") {
      marks.push({ text: `workers: ${event.workers} (${event.reason})`, mono_ns });
    }
  },
};
