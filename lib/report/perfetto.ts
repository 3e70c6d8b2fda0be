/** A run's merged timeline as a Chrome trace, for Perfetto (ui.perfetto.dev) or chrome://tracing. */
import { readSamples } from "../hardware/samples.ts";
import { seriesFrom } from "../hardware/series.ts";
import { type Fold, foldJournal } from "../run/fold.ts";
import { hostPanels } from "./charts/host_panels.ts";
import { type RequestSpan, requestSpans } from "../suite/spans.ts";
import { inLanes } from "./charts/spans.ts";
import { plainText } from "../run/plain_file.ts";
import type { RunDirectory } from "../run/directory.ts";
import { loadTrace } from "./load/load_trace.ts";
import { counter, mark, processName, REQUESTS_PID, US_PER_S } from "./trace_event.ts";
import type { LoadResults } from "../load/results.ts";
import type { ResultItem, SuiteResults } from "../suite/results.ts";
import type { RequestTrace, TraceEvent } from "./trace_event.ts";

const HOST = 2;

/**
 * The trace of a suite or of a load, in parts: requests in lanes with their first tokens, host
 * samples as counters, health alerts and changes of workers as marks; for a load also its stages,
 * its probes and the server's own metrics. Time 0 is the start of the first request.
 *
 * @throws the system's error if the run has no results.json.
 */
export async function* perfettoTrace(directory: RunDirectory): AsyncGenerator<string> {
  const results: SuiteResults | LoadResults = JSON.parse(plainText(directory.results));
  const { origin_ns, end_s, events } = results.kind === "load"
    ? await loadTrace(directory, results)
    : suiteTrace(results);
  const series = readSamples(directory.path).map(seriesFrom);
  yield '{"displayTimeUnit":"ms","traceEvents":[\n';
  yield JSON.stringify(processName(REQUESTS_PID, `requests to ${results.model}`));
  yield ",\n" + JSON.stringify(processName(HOST, "host"));
  for (const event of events) yield ",\n" + JSON.stringify(event);
  for (const { title, lines } of hostPanels(series, origin_ns, [{ start_s: 0, end_s }])) {
    for (const { name, points } of lines) {
      for (const [at_s, value] of points) {
        yield ",\n" + JSON.stringify(counter(HOST, `${title}: ${name}`, at_s, { [name]: value }));
      }
    }
  }
  const { state: marks } = await foldJournal(directory.journal, runMarks);
  for (const { text, mono_ns } of marks) {
    yield ",\n" + JSON.stringify(mark(text, (mono_ns - origin_ns) / 1000, HOST, 0));
  }
  yield "\n]}\n";
}

/** The requests of a suite's tests. */
function suiteTrace({ items }: SuiteResults): RequestTrace {
  const { spans, origin_ns, end_s } = requestSpans(items);
  return { origin_ns, end_s, events: suiteEvents(spans) };
}

function* suiteEvents(spans: readonly RequestSpan<ResultItem>[]): Generator<TraceEvent> {
  for (const [span, lane] of inLanes(spans).placed) {
    const { item, start_s } = span;
    const event: TraceEvent = {
      name: item.test_name,
      ph: "X",
      pid: REQUESTS_PID,
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
    yield event;
    if (item.ttft_ms === null) continue;
    yield mark(
      "first token",
      start_s * US_PER_S + item.ttft_ms * 1000,
      REQUESTS_PID,
      lane + 1,
    );
  }
}

/** Marks from a journal that concern the whole run, each with its time on CLOCK_MONOTONIC. */
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
