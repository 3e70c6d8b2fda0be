/** What a load run is compared by: its latencies in the order of time, and its throughput in slices. */
import { latencies, tpotMs } from "../endpoint/latency.ts";
import { InputError } from "../errors.ts";
import { readRecords } from "../load/load_journal.ts";
import { isInside, momentIn } from "../load/window.ts";
import { runDirectoryAt } from "../run/directory.ts";
import { readRunDirectory } from "../run/read_run.ts";
import { blockEdges } from "../stats/block_bootstrap.ts";
import { plainText } from "../run/plain_file.ts";
import type { LoadResults, StageResults } from "../load/results.ts";
import type { RunItem, RunSummary } from "../run/summary.ts";
import type { BlockedSample } from "../stats/quantile_difference.ts";
import type { RequestRecord } from "../run/request_record.ts";

const NS_PER_S = 1e9;
const SLICES = 40;
/** A shorter slice holds too little. */
const LEAST_SLICE_S = 0.1;

/** Latencies that loads are compared by. */
export type LatencyName = "ttft_ms" | "tpot_ms" | "e2e_ms";

/** Amounts by slice of the measured window. */
export interface Slices {
  /** Requests, or tokens. */
  numerator: number;
  /** Seconds. */
  denominator: number;
}

/** What a load run is compared by. */
export interface LoadSample {
  /** The run's id. */
  run_id: string;
  /** Measured stages. */
  stages: number;
  /** Requests that count in their windows. */
  requests: number;
  /** Of them, those without a good answer. */
  failed: number;
  /** Of answered requests; blocks are stretches of neighbours. */
  latencies: Record<LatencyName, BlockedSample>;
  /**
   * By slice of each stage's window: answered requests that count in it, as in the run's own
   * results, and output tokens spread evenly from the first to the last.
   */
  rates: Record<"requests_per_s" | "output_tokens_per_s", Slices[][]>;
}

/**
 * Reads the requests that count in a load's measured windows; of an imported load, all that its
 * source told.
 *
 * @throws {InputError} an imported load whose source told of no single requests.
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
  return sampleOf(run_id, records.filter(({ warmup }) => !warmup), stages);
}

/**
 * Reads the requests that count in a load's measured windows, as {@linkcode readLoadSample}.
 *
 * @throws {InputError} also where the load was cut off before its results were written.
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

/** The sample of a load's records. */
export function sampleOf(
  run_id: string,
  records: readonly RequestRecord[],
  stages: readonly StageResults[],
): LoadSample {
  const inside = records
    .filter((record) => stages[record.stage] && isInside(record, stages[record.stage].window))
    .sort((a, b) => a.t_intended_ns - b.t_intended_ns);
  const answered = inside.filter(({ failure }) => failure === null);
  const values = answered.map(latencies);
  const sample = (name: LatencyName) =>
    blocked(values.flatMap((value) => value[name] === null ? [] : [value[name]]));
  return {
    run_id,
    stages: stages.length,
    requests: inside.length,
    failed: inside.length - answered.length,
    latencies: { ttft_ms: sample("ttft_ms"), tpot_ms: sample("tpot_ms"), e2e_ms: sample("e2e_ms") },
    rates: ratesOf(records.filter(({ failure }) => failure === null), stages),
  };
}

/** The sample of an imported load: its rates are totals, as when tokens came is not known. */
function sampleOfItems(summary: RunSummary, items: readonly RunItem[]): LoadSample {
  const { run_id, source_form, duration_s, successful, output_tokens_per_s } = summary;
  if (items.length === 0) {
    throw new InputError(
      `${run_id}: its source (${source_form}) tells figures but no single requests, which loads are ` +
        "compared by; let that tool save its requests in detail, and import again",
    );
  }
  const answered = items.filter(({ success }) => success);
  const values = (pick: (item: RunItem) => number | null) =>
    blocked(answered.flatMap((item) => pick(item) ?? []));
  const total = (perSecond: number | null) =>
    perSecond === null ? [] : [[{ numerator: perSecond, denominator: 1 }]];
  return {
    run_id,
    stages: 1,
    requests: items.length,
    failed: items.length - answered.length,
    latencies: {
      ttft_ms: values(({ ttft_ms }) => ttft_ms),
      // when the last token came is not told: the end stands for it
      tpot_ms: values(({ ttft_ms, latency_ms, completion_tokens }) =>
        ttft_ms === null || latency_ms === null
          ? null
          : tpotMs(latency_ms - ttft_ms, completion_tokens)
      ),
      e2e_ms: values(({ latency_ms }) => latency_ms),
    },
    rates: {
      requests_per_s: total(duration_s ? successful / duration_s : null),
      output_tokens_per_s: total(output_tokens_per_s),
    },
  };
}

function blocked(values: number[]): BlockedSample {
  const edges = blockEdges(values.length);
  if (edges === null) return { values };
  const blocks = new Array<number>(values.length);
  edges.slice(1).forEach((end, block) => blocks.fill(block, edges[block], end));
  return { values, blocks };
}

function ratesOf(records: readonly RequestRecord[], stages: readonly StageResults[]) {
  const requests: Slices[][] = [], tokens: Slices[][] = [];
  for (const [stage, { window }] of stages.entries()) {
    const { start_ns, end_ns } = window;
    const duration_s = (end_ns - start_ns) / NS_PER_S;
    if (!(duration_s > 0)) continue;
    const count = Math.max(1, Math.min(SLICES, Math.floor(duration_s / LEAST_SLICE_S)));
    const width_ns = (end_ns - start_ns) / count;
    const slices = () =>
      Array.from({ length: count }, () => ({ numerator: 0, denominator: width_ns / NS_PER_S }));
    const [counted, made] = [slices(), slices()];
    for (const record of records) {
      if (record.stage === stage && isInside(record, window)) {
        // one that counts at the very end is in the last slice
        const at = Math.floor((momentIn(record, window) - start_ns) / width_ns);
        counted[Math.min(at, count - 1)].numerator++;
      }
      spread(record, start_ns, width_ns, made);
    }
    requests.push(counted);
    tokens.push(made);
  }
  return { requests_per_s: requests, output_tokens_per_s: tokens };
}

/** Adds a request's tokens to the slices in which they came. */
function spread(
  { t_first_token_ns, t_last_token_ns, completion_tokens }: RequestRecord,
  start_ns: number,
  width_ns: number,
  slices: Slices[],
): void {
  if (t_first_token_ns === null || t_last_token_ns === null || !completion_tokens) return;
  const took_ns = t_last_token_ns - t_first_token_ns;
  const first = Math.floor((t_first_token_ns - start_ns) / width_ns);
  const last = Math.floor((t_last_token_ns - start_ns) / width_ns);
  for (let at = Math.max(0, first); at <= Math.min(last, slices.length - 1); at++) {
    const from = Math.max(t_first_token_ns, start_ns + at * width_ns);
    const to = Math.min(t_last_token_ns, start_ns + (at + 1) * width_ns);
    slices[at].numerator += took_ns > 0
      ? completion_tokens * (to - from) / took_ns
      : completion_tokens;
  }
}
