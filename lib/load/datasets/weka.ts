/**
 * Agents' sessions in the form of Weka's kv-cache-tester (github.com/callanjfox/kv-cache-tester),
 * as read by AIPerf's weka_trace and inference-perf's weka_trace_replay: one session a file or a
 * line. Main requests follow one another. A sub-agent starts after the main request before it, and
 * the first main request that started after the sub-agent's end waits for it. Prompts are blocks of
 * the session, which include the recorded answers.
 */
import { UNKNOWN_REQUEST, UNKNOWN_ROW } from "./row.ts";
import type { RowFields } from "./row_fields.ts";
import type { DatasetForm, DatasetRow, RowRequest, RowStep } from "./row.ts";

/** Times that differ by less count as equal, seconds. */
const EQUAL_S = 1e-6;

/** A recorded request, on the session's clock in seconds. */
interface Recorded {
  request: RowRequest;
  start_s: number;
  end_s: number;
  /** Seconds for which its agent waited before it; null where the trace does not say. */
  think_s: number | null;
  agent?: string;
  /** The requests that it waits for. */
  after: Recorded[];
}

interface SubAgent {
  start_s: number;
  end_s: number;
  /** Lists of requests that do not overlap; several lists run in parallel. */
  streams: Recorded[][];
}

/** The form of Weka's agent traces. */
export const wekaForm: DatasetForm = {
  name: "weka",
  has: (names) => names.has("requests") && names.has("block_size"),
  begin(note) {
    const global = new Map<number, number>();
    let blocks = 0;
    return (fields) => {
      const id = fields.name("id");
      const size = fields.count("block_size");
      if (size === null || size === 0) throw fields.complaint("no block_size; expected tokens");
      const scope = fields.text("hash_id_scope") ?? "local";
      if (scope !== "local" && scope !== "global") {
        throw fields.complaint(`hash_id_scope: "${scope}"; expected local or global`);
      }
      fields.value("tool_tokens"); // they are part of the first blocks
      fields.value("system_tokens");
      const own = scope === "global" ? global : new Map<number, number>();
      const numbersOf = (ids: readonly number[]) =>
        ids.map((hash) => {
          const known = own.get(hash) ?? blocks++;
          own.set(hash, known);
          return known;
        });
      const read = (each: RowFields, agent?: string): Recorded =>
        recorded(each, size, numbersOf, note, agent);
      const main: Recorded[] = [];
      const agents: SubAgent[] = [];
      for (const each of fields.objects("requests")) {
        const type = each.text("type");
        if (type === "n" || type === "s") main.push(read(each));
        else if (type === "subagent") agents.push(subAgent(each, note, read));
        else throw each.complaint(`type: "${type}"; expected n, s or subagent`);
        tellUnread(each, type === "subagent" ? "a sub-agent" : "requests", note);
      }
      if (main.length === 0) throw fields.complaint("requests: none of the main agent's");
      return sessionOf(id, main, agents);
    };
  },
};

function recorded(
  fields: RowFields,
  tokens: number,
  numbersOf: (ids: readonly number[]) => number[],
  note: (text: string) => void,
  agent?: string,
): Recorded {
  const start_s = needed(fields, "t", fields.time("t", "seconds"));
  const input_tokens = needed(fields, "in", fields.count("in"));
  const output_tokens = needed(fields, "out", fields.count("out"));
  const api_s = fields.time("api_time", "seconds");
  const given = fields.counts("hash_ids") ?? [];
  const ids = given.slice(0, Math.ceil(input_tokens / tokens));
  if (ids.length < given.length) note("hash_ids beyond a prompt's length are not used");
  return {
    request: {
      ...UNKNOWN_REQUEST,
      input_tokens: Math.max(1, input_tokens),
      output_tokens: Math.max(1, output_tokens),
      blocks: ids.length === 0 ? null : { ids: numbersOf(ids), tokens },
    },
    start_s,
    end_s: start_s + Math.max(0, api_s ?? 0),
    think_s: api_s === null ? fields.time("think_time", "seconds") : null,
    ...(agent === undefined ? {} : { agent }),
    after: [],
  };
}

function subAgent(
  fields: RowFields,
  note: (text: string) => void,
  read: (each: RowFields, agent: string) => Recorded,
): SubAgent {
  const start_s = needed(fields, "t", fields.time("t", "seconds"));
  const name = fields.name("agent_id");
  if (name === null) throw fields.complaint("a sub-agent without agent_id");
  const duration_ms = fields.time("duration_ms", "milliseconds");
  const requests = fields.objects("requests").map((each) => {
    const type = each.text("type");
    if (type !== "n" && type !== "s") throw each.complaint(`type: "${type}"; expected n or s`);
    const request = read(each, name);
    tellUnread(each, "requests", note);
    // older traces count from the start of the sub-agent
    const shift_s = request.start_s + EQUAL_S < start_s ? start_s : 0;
    return {
      ...request,
      start_s: request.start_s + shift_s,
      end_s: request.end_s + shift_s,
    };
  }).sort((a, b) => a.start_s - b.start_s);
  const streams: Recorded[][] = [];
  for (const request of requests) {
    const free = streams.find((stream) => stream.at(-1)!.end_s <= request.start_s + EQUAL_S);
    if (free) free.push(request);
    else streams.push([request]);
  }
  const end_s = duration_ms === null
    ? Math.max(start_s, ...requests.map((request) => request.end_s))
    : start_s + Math.max(0, duration_ms) / 1000;
  return { start_s, end_s, streams };
}

/** Links the requests, and sorts them by their starts. */
function sessionOf(id: string | null, main: Recorded[], agents: SubAgent[]): DatasetRow {
  main.slice(1).forEach((each, i) => each.after.push(main[i]));
  const children: Recorded[] = [];
  for (const { start_s, end_s, streams } of agents) {
    const parent = main.findLast((each) => each.start_s <= start_s + EQUAL_S) ?? null;
    const joins = main.find((each) =>
      parent !== null && each.start_s > parent.start_s && each.start_s >= end_s - EQUAL_S
    );
    for (const stream of streams) {
      stream.forEach((each, i) =>
        each.after.push(...i > 0 ? [stream[i - 1]] : parent ? [parent] : [])
      );
      joins?.after.push(stream.at(-1)!);
      children.push(...stream);
    }
  }
  const order = [...main, ...children].sort((a, b) => a.start_s - b.start_s);
  const first = order.indexOf(main[0]);
  order.unshift(...order.splice(first, 1)); // a session starts with its main agent's first request
  const places = new Map(order.map((each, i) => [each, i]));
  const later = order.slice(1).map((each): RowStep => ({
    ...each.request,
    after: each.after.map((one) => ({ step: places.get(one)!, wait_s: waitOf(each) })),
    history: null,
    ...(each.agent === undefined ? {} : { agent: each.agent }),
  }));
  return { ...UNKNOWN_ROW, ...order[0].request, later, session: id };
}

/** Recorded seconds from the end of the requests that it waits for to its start. */
function waitOf({ after, start_s, think_s }: Recorded): number {
  if (think_s !== null) return Math.max(0, think_s);
  return after.length === 0
    ? 0
    : Math.max(0, start_s - Math.max(...after.map(({ end_s }) => end_s)));
}

function tellUnread(fields: RowFields, of: string, note: (text: string) => void): void {
  for (const name of fields.unread()) note(`"${name}" of ${of} is not used`);
}

function needed(fields: RowFields, name: string, value: number | null): number {
  if (value !== null) return value;
  throw fields.complaint(`no "${name}"; expected a number`);
}
