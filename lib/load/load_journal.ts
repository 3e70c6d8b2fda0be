/** A load as its journal tells it: what results.json is made of, also where the load was cut off. */
import { InputError, messageOf } from "../errors.ts";
import { readJournal } from "../run/journal.ts";
import type { APIConfiguration } from "../endpoint/api.ts";
import type { LoadSettings } from "../settings/load.ts";
import type { RunDirectory } from "../run/directory.ts";
import type { JournalEvent } from "../run/journal.ts";
import type { ClientReading } from "./client_watch.ts";
import type { RequestRecord } from "./results.ts";
import type { ServerMetricsReading } from "./server/server_reading.ts";

/** The journal's `load_started`. */
export interface LoadStarted {
  schema_version: 2;
  name: string;
  settings: LoadSettings;
  /** Which transport ran. */
  transport: string;
  /** The endpoint that was asked. */
  api: Pick<APIConfiguration, "endpoint" | "model" | "api_type">;
}

/** From `stage_started` and `stage_finished`; CLOCK_MONOTONIC nanoseconds. */
export interface StageSpan {
  start_ns: number;
  end_ns: number;
}

/** The journal's `load_measured`: nothing more is sent. */
export interface LoadMeasured {
  /** False when it was interrupted. */
  complete: boolean;
  /** Why it ended before its plan; null when it did not. */
  stopped_because: string | null;
  /** There was no prompt left for a request that was to be sent. */
  out_of_prompts: boolean;
  client: ClientReading;
}

/** All that a load's journal tells. */
export interface JournaledLoad {
  started: LoadStarted;
  /** Of each stage that began, warm-up first; one that was cut off ends with the journal. */
  stages: StageSpan[];
  /** Every request, in the order in which they ended. */
  records: RequestRecord[];
  /** The server's own metrics; null where it exposes none. */
  server: { name: string; readings: ServerMetricsReading[] } | null;
  /** Null: it was cut off. */
  measured: LoadMeasured | null;
  /** The client's cost when it was told last; null: cut off before anything was sent. */
  client: ClientReading | null;
  /** Requests that were in flight when it was told last. */
  in_flight: number;
}

/** The records of a load's requests, in the order in which they ended. */
export async function readRecords({ journal }: RunDirectory): Promise<RequestRecord[]> {
  const records: RequestRecord[] = [];
  await readJournal(journal, ({ event, result }) => {
    if (event === "request_finished") records.push(result as RequestRecord);
  });
  return records;
}

/**
 * Reads a load's journal.
 *
 * @throws {InputError} it cannot be read, is no load's, or is one of a dyno that journaled less.
 */
export async function readLoadJournal({ journal }: RunDirectory): Promise<JournaledLoad> {
  const load: Omit<JournaledLoad, "started"> = {
    stages: [],
    records: [],
    server: null,
    measured: null,
    client: null,
    in_flight: 0,
  };
  let started: LoadStarted | null = null;
  let last_ns = 0;
  await readWhole(journal, (line) => {
    last_ns = line.mono_ns;
    switch (line.event) {
      case "load_started":
        started = fieldsOf<LoadStarted>(line);
        break;
      case "stage_started":
      case "stage_finished":
        load.stages[line.stage as number] = spanOf(line);
        break;
      case "request_finished":
        load.records.push(line.result as RequestRecord);
        break;
      case "server_reading":
        load.server ??= { name: line.server as string, readings: [] };
        load.server.readings.push(line.reading as ServerMetricsReading);
        break;
      case "load_progress":
        load.client = line.client as ClientReading;
        load.in_flight = line.in_flight as number;
        break;
      case "load_measured":
        load.measured = fieldsOf<LoadMeasured>(line);
        load.client = load.measured.client;
    }
  });
  const known = started as LoadStarted | null;
  if (known === null) throw new InputError(`${journal}: this is no load's journal`);
  if (known.schema_version !== 2) {
    throw new InputError(
      `${journal}: written by an earlier dyno, which journaled too little to sum it up; measure anew`,
    );
  }
  for (const span of load.stages) span.end_ns = Math.min(span.end_ns, last_ns);
  return { started: known, ...load };
}

async function readWhole(
  path: string,
  onEvent: (event: JournalEvent) => void,
): Promise<void> {
  try {
    await readJournal(path, onEvent);
  } catch (error) {
    throw new InputError(
      `${path}: cannot be read (${messageOf(error)}); was it removed? measure anew`,
    );
  }
}

function fieldsOf<Fields>(line: JournalEvent): Fields {
  return line as unknown as Fields;
}

/** A stage without an end lasts as long as the journal. */
function spanOf({ start_ns, end_ns }: JournalEvent): StageSpan {
  return { start_ns: start_ns as number, end_ns: end_ns as number | null ?? Infinity };
}
