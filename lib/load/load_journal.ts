/** Reads a load from its journal: all that results.json is computed from, even if the load was cut off. */
import { InputError, messageOf } from "../errors.ts";
import { foldJournal } from "../run/fold.ts";
import { ledgerOf } from "../run/ledger.ts";
import type { Ledger } from "../run/ledger.ts";
import type { RunDirectory } from "../run/directory.ts";
import type { LoadMeasured, LoadStarted, StageSpan } from "../run/events.ts";
import type { Fold } from "../run/fold.ts";
import type {
  ClientReading,
  PageCount,
  RequestRecord,
  ServerMetricsReading,
  ShardFacts,
} from "../run/request_record.ts";

/** All that a load's journal holds. */
export interface JournaledLoad {
  started: LoadStarted & { transport: string; api: NonNullable<LoadStarted["api"]> };
  /** The stages that began, warm-up first. A stage that was cut off ends with the journal. */
  stages: StageSpan[];
  /** Every request, in the order in which they ended. */
  records: RequestRecord[];
  /** Every probe request. */
  probes: RequestRecord[];
  /** The cost of all requests, including those before the load. */
  ledger: Ledger;
  /** The server's own metrics; null where it has none. */
  server: { name: string; readings: ServerMetricsReading[] } | null;
  /**
   * How recorded metrics pages were read; left out where there were none, or where the load was cut
   * off.
   */
  telemetry?: { pages: PageCount[]; series: number; left_out: number };
  /** The processes that sent it together; empty for one process. */
  shards: ShardFacts[];
  /** Null: the load was cut off. */
  measured: LoadMeasured | null;
  /** The client's cost at its last report; null: cut off before anything was sent. */
  client: ClientReading | null;
}

/** Folds a journal into the records of a load's requests, in the order in which they ended. */
export const requestRecords: Fold<"run", RequestRecord[]> = {
  kind: "run",
  begin: () => [],
  take(records, event) {
    if (event.event === "request_finished") records.push(event.result);
  },
};

/** A load's state from its events, before they are known to be complete. */
export interface LoadState extends Omit<JournaledLoad, "started"> {
  started: LoadStarted | null;
  /** Time of the newest event, on CLOCK_MONOTONIC. */
  last_ns: number;
}

/** Folds a journal into the state of a load. A stage that has not ended ends at Infinity. */
export const loadState: Fold<"run", LoadState> = {
  kind: "run",
  begin: () => ({
    started: null,
    stages: [],
    records: requestRecords.begin(),
    probes: [],
    ledger: ledgerOf.begin(),
    server: null,
    shards: [],
    measured: null,
    client: null,
    last_ns: 0,
  }),
  take(load, event) {
    load.last_ns = event.mono_ns ?? load.last_ns;
    requestRecords.take(load.records, event);
    ledgerOf.take(load.ledger, event);
    switch (event.event) {
      case "load_started":
        load.started = event;
        break;
      case "stage_started":
      case "stage_finished":
        load.stages[event.stage] = {
          start_ns: event.start_ns,
          end_ns: event.end_ns ?? Infinity,
        };
        break;
      case "probe_finished":
        load.probes.push(event.result);
        break;
      case "server_reading":
        load.server ??= { name: event.server, readings: [] };
        load.server.readings.push(event.reading);
        break;
      case "telemetry_read":
        load.telemetry = { pages: event.pages, series: event.series, left_out: event.left_out };
        break;
      case "shard_gathered":
        load.shards.push(event.shard);
        break;
      case "load_progress":
        load.client = event.client;
        break;
      case "load_measured":
        load.measured = event;
        load.client = event.client;
    }
  },
};

/** Returns the records of a load's requests. @throws the system's error when there is no journal. */
export async function readRecords({ journal }: RunDirectory): Promise<RequestRecord[]> {
  return (await foldJournal(journal, requestRecords)).state;
}

/**
 * Reads a load's journal.
 *
 * @throws {InputError} the journal cannot be read, is not a load's, or comes from a dyno that
 * journaled less.
 */
export async function readLoadJournal({ journal }: RunDirectory): Promise<JournaledLoad> {
  const { started, last_ns, ...load } = await foldWhole(journal);
  if (started === null) throw new InputError(`${journal}: this is not a load's journal`);
  const { transport, api } = started;
  if (started.schema_version !== 2 || transport === null || api === null) {
    throw new InputError(
      `${journal}: written by an earlier dyno, which journaled too little to sum it up; measure again`,
    );
  }
  for (const span of load.stages) if (span) span.end_ns = Math.min(span.end_ns, last_ns);
  return { started: { ...started, transport, api }, ...load };
}

async function foldWhole(path: string): Promise<LoadState> {
  try {
    return (await foldJournal(path, loadState)).state;
  } catch (error) {
    throw new InputError(
      `${path}: cannot be read (${messageOf(error)}); was it removed? measure again`,
    );
  }
}
