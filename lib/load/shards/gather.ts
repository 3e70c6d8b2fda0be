/**
 * Merges the journals of shards into the journal of their load: every record, with its times on one
 * clock, so that all figures cover all records. The journal has another name until it is complete.
 */
import { copyFileSync, existsSync, renameSync, rmSync } from "node:fs";
import { runDirectoryAt } from "../../run/directory.ts";
import { Journal } from "../../run/journal.ts";
import { Redactor } from "../../run/redact.ts";
import { TokenFile, tokenFilePath, TokenFileReader } from "../../run/token_file.ts";
import { messageOf } from "../../errors.ts";
import { movePages } from "../telemetry/page_log.ts";
import { shardEnergy } from "../load_energy.ts";
import { loadState, readLoadJournal } from "../load_journal.ts";
import { concludeRun, journalEnd, planOfLoad } from "../conclude_run.ts";
import { budgetShare, readShardPlan, shardFolder, shardPaths, shardRunId, told } from "./plan.ts";
import { both, foldJournal } from "../../run/fold.ts";
import { shardsText } from "./figures.ts";
import type { BudgetLimits } from "../../run/budget.ts";
import type { LedgerEntry } from "../../run/ledger_entry.ts";
import type { Fold } from "../../run/fold.ts";
import type { LoadMeasured, StageSpan } from "../../run/events.ts";
import type { ClientReading, RequestRecord, ShardFacts } from "../../run/request_record.ts";
import type { RunDirectory } from "../../run/directory.ts";
import type { LoadRun } from "../conclude_run.ts";
import type { LoadState } from "../load_journal.ts";
import type { LoadResults } from "../results.ts";
import type { ShardEnd, ShardReady } from "./plan.ts";

/** Collects the requests made before a load, which are in no record. */
const booked: Fold<"run", LedgerEntry[]> = {
  kind: "run",
  begin: () => [],
  take(entries, event) {
    if (event.event === "request_booked") entries.push(event.entry);
  },
};

/** What arrived from a shard. */
interface Arrived {
  directory: RunDirectory;
  facts: ShardFacts;
  /** Nanoseconds to add to its times. */
  offset_ns: number;
  load: LoadState;
  entries: LedgerEntry[];
}

/**
 * Makes a load's journal and results from those of its shards. Shards whose journal is missing or
 * cut off are named.
 *
 * @param lost how shards ended that did not finish.
 * @throws {InputError} nothing arrived, or the run's files cannot be written.
 */
export async function gatherShards(
  directory: RunDirectory,
  lost: ReadonlyMap<number, string> = new Map(),
): Promise<LoadRun> {
  const { started } = await readLoadJournal(directory);
  const { count } = started.shards!;
  const arrived: Arrived[] = [];
  for (let shard = 0; shard < count; shard++) {
    arrived.push(await arrivedOf(directory, shard, lost.get(shard) ?? null));
  }
  const draft = `${directory.journal}.tmp`;
  copyFileSync(directory.journal, draft);
  rmSync(tokenFilePath(directory), { force: true });
  {
    using journal = new Journal(draft, new Redactor());
    using tokens = new TokenFile(directory);
    writeAll(journal, tokens, arrived);
  }
  movePages(arrived[0].directory, directory, arrived[0].offset_ns);
  renameSync(draft, directory.journal);
  const load = await readLoadJournal(directory);
  const energy = shardEnergy(directory, load.shards);
  const run = concludeRun(directory, load, await planOfLoad(directory, load), energy);
  using journal = new Journal(directory.journal, new Redactor());
  journalEnd(journal, run);
  return run;
}

async function arrivedOf(
  run: RunDirectory,
  shard: number,
  why: string | null,
): Promise<Arrived> {
  const paths = shardPaths(shardFolder(run));
  const directory = runDirectoryAt(`${paths.folder}/${shardRunId(shard)}`);
  const ready = told<ShardReady>(paths.ready(shard));
  const end = told<ShardEnd>(paths.end(shard));
  const start_ns = told<{ start_ns: number }>(paths.start)?.start_ns ?? null;
  let [load, entries] = [loadState.begin(), booked.begin()];
  let unread: string | null = null;
  try {
    [load, entries] = (await foldJournal(directory.journal, both(loadState, booked))).state;
  } catch (error) {
    unread = `its journal did not arrive (${messageOf(error)})`;
  }
  const offset_ns = ready?.offset_ns ?? 0;
  const first = load.stages[load.started?.settings.warmup ? 1 : 0];
  const results = told<LoadResults>(directory.results);
  if (load.measured === null) load.ledger.cutOff();
  const { requests_cut_off } = load.ledger.books().total;
  const drift = end?.offset_ns == null || ready === null ? null : end.offset_ns - ready.offset_ns;
  return {
    directory,
    offset_ns,
    load,
    entries,
    facts: {
      shard,
      host: ready?.host ?? null,
      offset_ns: ready?.offset_ns ?? null,
      error_ns: ready?.error_ns ?? null,
      drift_ns: drift,
      drift_error_ns: drift === null ? null : (end?.error_ns ?? 0) + ready!.error_ns,
      late_ns: first && start_ns !== null ? first.start_ns + offset_ns - start_ns : null,
      ...(requests_cut_off > 0 ? { requests_cut_off } : {}),
      lost: unread ?? (load.measured === null ? end?.error ?? why ?? "it was cut off" : null),
      stopped: load.measured?.stopped_because ?? null,
      budget_left: budgetLeft(run, shard, load),
      verdict: results?.verdict
        ? { verdict: results.verdict.verdict, reasons: results.verdict.reasons }
        : null,
    },
  };
}

/** What a shard has left of its budget; null without a limit, or where its spending is unknown. */
function budgetLeft(run: RunDirectory, shard: number, { ledger }: LoadState): BudgetLimits {
  const plan = readShardPlan(shardFolder(run));
  if (plan === null) return { usd: null, tokens: null };
  const part = budgetShare(plan, shard);
  const { total_cost_usd, prompt_tokens, completion_tokens } = ledger.books().total;
  const left = (limit: number | null, spent: number | null) =>
    limit === null || spent === null ? null : Math.max(0, limit - spent);
  const tokens = prompt_tokens === null || completion_tokens === null
    ? null
    : prompt_tokens + completion_tokens;
  return { usd: left(part.usd, total_cost_usd), tokens: left(part.tokens, tokens) };
}

function writeAll(journal: Journal, tokens: TokenFile, arrived: readonly Arrived[]): void {
  for (const { facts } of arrived) journal.append({ event: "shard_gathered", shard: facts });
  for (const entry of arrived.flatMap(({ entries }) => entries)) {
    journal.append({ event: "request_booked", entry });
  }
  spansOf(arrived).forEach(({ start_ns, end_ns }, stage) => {
    journal.append({ event: "stage_started", stage, start_ns, end_ns: null });
    journal.append({ event: "stage_finished", stage, start_ns, end_ns });
  });
  writeOnce(journal, arrived[0]);
  writeRecords(journal, tokens, arrived);
  const measured = measuredOf(arrived);
  if (measured !== null) journal.append({ event: "load_measured", ...measured });
}

/** Copies what only the first shard did: probes, and metrics of the server and of other pages. */
function writeOnce(journal: Journal, { load, offset_ns }: Arrived): void {
  for (const probe of load.probes) {
    journal.append({ event: "probe_finished", result: moved(probe, offset_ns) });
  }
  const { name: server = "", readings = [] } = load.server ?? {};
  for (const { t_ns, ...reading } of readings) {
    const on_time = { ...reading, t_ns: t_ns + offset_ns };
    journal.append({ event: "server_reading", server, reading: on_time });
  }
  if (load.telemetry) journal.append({ event: "telemetry_read", ...load.telemetry });
}

/** Copies every record with its gaps, in the order in which the requests ended. */
function writeRecords(journal: Journal, tokens: TokenFile, arrived: readonly Arrived[]): void {
  const readers = arrived.map(({ directory }) =>
    existsSync(tokenFilePath(directory)) ? new TokenFileReader(directory) : null
  );
  try {
    const records = arrived.flatMap(({ load, facts, offset_ns }) =>
      load.records.map((record) => ({ ...moved(record, offset_ns), shard: facts.shard }))
    );
    records.sort((a, b) => a.t_end_ns - b.t_end_ns);
    for (const record of records) {
      const gaps_ms = readers[record.shard]?.gapsOf(record) ?? new Float32Array();
      const gaps_at = tokens.append(gaps_ms);
      journal.append({ event: "request_finished", result: { ...record, gaps_at } });
    }
  } finally {
    for (const reader of readers) reader?.[Symbol.dispose]();
  }
}

/** Moves all times of a record, named t_…_ns, to another clock. */
function moved(record: RequestRecord, offset_ns: number): RequestRecord {
  if (offset_ns === 0) return record;
  const times = Object.entries(record).filter(([name, value]) =>
    /^t_\w+_ns$/.test(name) && typeof value === "number"
  );
  return {
    ...record,
    ...Object.fromEntries(times.map(([name, value]) => [name, value + offset_ns])),
  };
}

/** The stages of the whole load: each from the earliest start to the latest end of all shards. */
function spansOf(arrived: readonly Arrived[]): StageSpan[] {
  const spans: StageSpan[] = [];
  for (const { load, offset_ns } of arrived) {
    load.stages.forEach((span, stage) => {
      const start_ns = span.start_ns + offset_ns;
      const end_ns = Math.min(span.end_ns, load.last_ns) + offset_ns;
      const known = spans[stage] ?? { start_ns, end_ns };
      spans[stage] = {
        start_ns: Math.min(known.start_ns, start_ns),
        end_ns: Math.max(known.end_ns, end_ns),
      };
    });
  }
  return spans;
}

/** How the whole load ended; null where nothing was measured. */
function measuredOf(arrived: readonly Arrived[]): LoadMeasured | null {
  const clients = arrived.flatMap(({ load }) => load.client ?? []);
  if (clients.length === 0) return null;
  const ends = arrived.map(({ load }) => load.measured);
  const stopped = Map.groupBy(
    arrived.filter(({ facts }) => facts.stopped),
    ({ facts }) => facts.stopped,
  );
  return {
    complete: ends.every((end) => end?.complete === true),
    stopped_because: stopped.size > 0
      ? [...stopped].map(([why, those]) => `${shardsText(those.map(({ facts }) => facts))}: ${why}`)
        .join("; ")
      : null,
    out_of_prompts: ends.some((end) => end?.out_of_prompts === true),
    client: worstOf(clients),
  };
}

/** Combines the readings of clients: the worst value of each figure, and the sum of events. */
function worstOf(clients: readonly ClientReading[]): ClientReading {
  const most = (of: (client: ClientReading) => number | null) => {
    const known = clients.flatMap((client) => of(client) ?? []);
    return known.length ? Math.max(...known) : null;
  };
  const busiest = clients.reduce((worst, each) =>
    each.cpu_cores / each.cores > worst.cpu_cores / worst.cores ? each : worst
  );
  return {
    ...busiest,
    read_lag_p99_ms: most((client) => client.read_lag_p99_ms),
    read_lag_max_ms: most((client) => client.read_lag_max_ms),
    thread_cpu_cores: most((client) => client.thread_cpu_cores),
    ring_use: most((client) => client.ring_use),
    blocked_ms: most((client) => client.blocked_ms),
    stalled_ms: most((client) => client.stalled_ms)!,
    events_per_s: clients.reduce((sum, { events_per_s }) => sum + events_per_s, 0),
  };
}
