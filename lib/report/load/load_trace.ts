/** A load as trace events: its requests in lanes, its stages, its probes, its server. */
import { latencies } from "../../endpoint/latency.ts";
import { type JournaledLoad, readLoadJournal } from "../../load/load_journal.ts";
import { mediaValues } from "../../run/request_record.ts";
import { inLanes } from "../charts/spans.ts";
import { counter, mark, processName, REQUESTS_PID, US_PER_S } from "../trace_event.ts";
import { serverPanels } from "./server_panels.ts";
import type { LoadResults } from "../../load/results.ts";
import type { RunDirectory } from "../../run/directory.ts";
import type { RequestRecord } from "../../run/request_record.ts";
import type { RequestTrace, TraceEvent } from "../trace_event.ts";

const STAGES = 3;
const PROBES = 4;
const SERVER = 5;
const NS_PER_S = 1e9;

/** The events of a load, from its journal. @throws {InputError} the journal cannot be read. */
export async function loadTrace(
  directory: RunDirectory,
  results: LoadResults,
): Promise<RequestTrace> {
  const load = await readLoadJournal(directory);
  const all = [...load.records, ...load.probes].filter(({ t_sent_ns }) => t_sent_ns !== null);
  const origin_ns = all.reduce((first, { t_sent_ns }) => Math.min(first, t_sent_ns!), Infinity);
  const end_ns = all.reduce((last, { t_end_ns }) => Math.max(last, t_end_ns), origin_ns);
  const end_s = all.length > 0 ? (end_ns - origin_ns) / NS_PER_S : 0;
  return { origin_ns, end_s, events: events(load, results, origin_ns, end_s) };
}

function* events(
  { records, probes, stages, server }: JournaledLoad,
  results: LoadResults,
  origin_ns: number,
  end_s: number,
): Generator<TraceEvent> {
  const at_us = (t_ns: number) => (t_ns - origin_ns) / 1000;
  yield* requestEvents(records, REQUESTS_PID, at_us);
  yield processName(STAGES, "stages");
  const warm = stages.length - results.stages.length;
  for (const [i, span] of stages.entries()) {
    if (!span) continue;
    yield {
      name: i < warm ? "warm-up" : results.stages[i - warm]?.name ?? `stage ${i - warm + 1}`,
      ph: "X",
      pid: STAGES,
      tid: 1,
      ts: at_us(span.start_ns),
      dur: (span.end_ns - span.start_ns) / 1000,
    };
  }
  if (probes.length > 0) {
    yield processName(PROBES, "probes");
    yield* requestEvents(probes, PROBES, at_us);
  }
  if (server === null) return;
  yield processName(SERVER, server.name);
  for (const { title, lines } of serverPanels(server.readings, origin_ns, end_s)) {
    for (const { name, points } of lines) {
      for (const [at_s, value] of points) {
        yield counter(SERVER, `${title}: ${name}`, at_s, { [name]: value });
      }
    }
  }
}

function* requestEvents(
  records: readonly RequestRecord[],
  pid: number,
  at_us: (t_ns: number) => number,
): Generator<TraceEvent> {
  const sent = records.filter(({ t_sent_ns }) => t_sent_ns !== null)
    .sort((a, b) => a.t_sent_ns! - b.t_sent_ns!);
  const spans = sent.map((record) => {
    const start_s = at_us(record.t_sent_ns!) / US_PER_S;
    return { record, start_s, end_s: at_us(record.t_end_ns) / US_PER_S };
  });
  for (const [{ record }, lane] of inLanes(spans).placed) {
    const { t_sent_ns, t_end_ns, t_first_token_ns, failure, session, endpoint, model } = record;
    const { ttft_ms, tpot_ms, lateness_ms } = latencies(record);
    yield {
      name: `request ${record.request}`,
      ph: "X",
      pid,
      tid: lane + 1,
      ts: at_us(t_sent_ns!),
      dur: (t_end_ns - t_sent_ns!) / 1000,
      args: {
        request_id: record.request_id ?? null,
        ...(session === undefined ? {} : { session }),
        ...(endpoint === undefined ? {} : { endpoint }),
        ...(model === undefined ? {} : { model }),
        warmup: record.warmup,
        prompt_tokens: record.prompt_tokens,
        tokens: record.completion_tokens,
        ...(record.media === undefined ? {} : mediaValues(record)),
        ttft_ms,
        tpot_ms,
        lateness_ms,
        failure,
      },
    };
    if (t_first_token_ns !== null) {
      yield mark("first token", at_us(t_first_token_ns), pid, lane + 1);
    }
  }
}
