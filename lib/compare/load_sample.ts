/**
 * The data by which a load run is compared: its latencies in order of time, and its throughput in slices.
 */
import { tpotMs } from "../endpoint/latency.ts";
import { existsSync } from "node:fs";
import { InputError } from "../errors.ts";
import { readRecords } from "../load/load_journal.ts";
import { loadSettingsOf } from "./load_differences.ts";
import { turnoverOf } from "../load/rates.ts";
import { latencyValues } from "../load/summarise.ts";
import { isInside } from "../load/window.ts";
import { runDirectoryAt } from "../run/directory.ts";
import { tokenFilePath, TokenFileReader } from "../run/token_file.ts";
import { readRunDirectory } from "../run/read_run.ts";
import { blockEdges } from "../stats/block_bootstrap.ts";
import { plainText } from "../run/plain_file.ts";
import { failureClass } from "../run/request_record.ts";
import type { GapsOf, Turnover } from "../load/rates.ts";
import type { LoadResults, StageResults } from "../load/results.ts";
import type { RunItem, RunSummary } from "../run/summary.ts";
import type { BlockedSample } from "../stats/quantile_difference.ts";
import type { RequestRecord } from "../run/request_record.ts";

/** Opens the gaps of a run's requests while they are being read. */
export type ReadGaps = <Result>(read: (gapsOf: GapsOf) => Result) => Result;

/** The data by which a load run is compared. */
export interface LoadSample {
  /** The run's id. */
  run_id: string;
  /** The settings that its figures depend on; null where they are unknown. */
  settings: Record<string, unknown> | null;
  /** Measured stages. */
  stages: number;
  /**
   * Requests that count in their windows and were answered or failed; those that this client cut off are
   * neither.
   */
  requests: number;
  /** The failed ones among them. */
  failed: number;
  /**
   * The values of a latency of lib/measures by its name, from answered requests; blocks are intervals of
   * neighbouring requests. Empty when the run does not have it.
   */
  latency: (name: string) => BlockedSample;
  /**
   * The data for rates, as in the run's own results: per stage; for an imported load, whose source does
   * not report when its requests ran, the totals.
   */
  rates: Turnover[] | Partial<Record<string, number | null>>;
}

/**
 * Reads the requests that count in a load's measured windows; for an imported load, all that its source
 * reported.
 *
 * @throws {InputError} an imported load whose source does not list single requests.
 * @throws the system's error when the run has no results.json or no journal.
 */
export async function readLoadSample(summary: RunSummary): Promise<LoadSample> {
  const { run_id, path } = summary;
  if (summary.source_form !== "dyno") {
    return sampleOfItems(summary, (await readRunDirectory(path)).items);
  }
  const directory = runDirectoryAt(path);
  const { stages }: LoadResults = JSON.parse(plainText(directory.results));
  const records = await readRecords(directory);
  const readGaps: ReadGaps = (read) => {
    // without it, as in a folder that was copied in part, the drain is not corrected
    using tokens = existsSync(tokenFilePath(directory)) ? new TokenFileReader(directory) : null;
    return read((record) => tokens?.gapsOf(record) ?? new Float32Array());
  };
  const measured = records.filter(({ warmup }) => !warmup);
  return sampleOf(run_id, measured, stages, readGaps, loadSettingsOf(directory));
}

/**
 * Reads the requests that count in a load's measured windows, like {@linkcode readLoadSample}.
 *
 * @throws {InputError} also when the load was interrupted before its results were written.
 */
export async function loadSampleOf(summary: RunSummary): Promise<LoadSample> {
  try {
    return await readLoadSample(summary);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(
      `${summary.run_id}: its results.json or events.jsonl is missing or damaged; ` +
        "loads are compared by their measured windows, which are there",
    );
  }
}

/** The sample from a load's records. */
export function sampleOf(
  run_id: string,
  records: readonly RequestRecord[],
  stages: readonly Pick<StageResults, "window">[],
  readGaps: ReadGaps,
  settings: LoadSample["settings"],
): LoadSample {
  const inside = records
    .filter((record) => stages[record.stage] && isInside(record, stages[record.stage].window))
    .sort((a, b) => a.t_intended_ns - b.t_intended_ns);
  const answered = inside.filter(({ failure }) => failure === null);
  const failed = inside.filter((record) => failureClass(record) !== null).length;
  const found = new Map<string, BlockedSample>(); // several metrics are of one latency
  const latency = (name: string): BlockedSample => {
    const values = () => readGaps((gapsOf) => latencyValues(name, answered, gapsOf));
    if (!found.has(name)) found.set(name, blocked(values().filter((ms) => ms !== null)));
    return found.get(name)!;
  };
  return {
    run_id,
    settings,
    stages: stages.length,
    requests: answered.length + failed,
    failed,
    latency,
    rates: readGaps((gapsOf) =>
      stages.map(({ window }, stage) =>
        turnoverOf(records.filter((record) => record.stage === stage), window, gapsOf).ends
      )
    ),
  };
}

/** The sample of an imported load: its rates are totals, because the times of tokens are unknown. */
function sampleOfItems(summary: RunSummary, items: readonly RunItem[]): LoadSample {
  const { run_id, source_form, duration_s, successful, output_tokens_per_s } = summary;
  if (items.length === 0) {
    throw new InputError(
      `${run_id}: its source (${source_form}) tells figures but no single requests, which loads are ` +
        "compared by; let that tool save its requests in detail, and import again",
    );
  }
  const answered = items.filter(({ success }) => success);
  const told: Record<string, (item: RunItem) => number | null> = {
    ttft_ms: ({ ttft_ms }) => ttft_ms,
    // the time of the last token is unknown: the end is used instead
    tpot_ms: ({ ttft_ms, latency_ms, completion_tokens }) =>
      ttft_ms === null || latency_ms === null
        ? null
        : tpotMs(latency_ms - ttft_ms, completion_tokens),
    e2e_ms: ({ latency_ms }) => latency_ms,
  };
  return {
    run_id,
    settings: null,
    stages: 1,
    requests: items.length,
    failed: items.length - answered.length,
    latency: (name) => blocked(answered.flatMap((item) => told[name]?.(item) ?? [])),
    rates: { requests_per_s: duration_s ? successful / duration_s : null, output_tokens_per_s },
  };
}

function blocked(values: number[]): BlockedSample {
  const edges = blockEdges(values.length);
  if (edges === null) return { values };
  const blocks = new Array<number>(values.length);
  edges.slice(1).forEach((end, block) => blocks.fill(block, edges[block], end));
  return { values, blocks };
}
