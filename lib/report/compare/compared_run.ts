/** A run in a report on several runs: its letter, its colour, and the data to draw. */
import { type LoadSample, readLoadSample } from "../../compare/load_sample.ts";
import { type RunDirectory, runDirectoryAt } from "../../run/directory.ts";
import { asObject, objectsIn, textAt } from "../../json_fields.ts";
import { costOfSums } from "../../compare/cost.ts";
import { sortedCopy } from "../../stats/quantile.ts";
import { plainText } from "../../run/plain_file.ts";
import type { ComparedRun } from "../../compare/compare.ts";
import type { LoadResults } from "../../load/results.ts";
import type { RunItem } from "../../run/summary.ts";

/** There are distinguishable colours for this many runs. */
export const MOST_RUNS = 6;

/** A run to report on. */
export interface ReportedRun extends ComparedRun {
  /** A, B, …: its name in columns and legends. */
  letter: string;
  /** The name of a CSS variable, without its dashes. */
  colour: string;
  directory: RunDirectory;
  /** For a load; `metrics` are null for an imported one, whose items have its latencies. */
  load: { sample: LoadSample; metrics: LoadResults["total"]["metrics"] | null } | null;
  /** The base names of tests' files, by test id. */
  file_stems: ReadonlyMap<string, string>;
  /** By item id; if there are several of one id, the last one. */
  by_id: ReadonlyMap<string, RunItem>;
}

/**
 * Prepares a run for a report.
 *
 * @param place position among the runs of the report, from 0.
 * @throws the system's error if a load has no results or no journal.
 */
export async function reportedRun(run: ComparedRun, place: number): Promise<ReportedRun> {
  const directory = runDirectoryAt(run.summary.path);
  const isLoad = run.summary.kind === "load";
  return {
    ...run,
    letter: String.fromCharCode(65 + place),
    colour: `k${place + 1}`,
    directory,
    load: isLoad
      ? {
        sample: await readLoadSample(run.summary),
        metrics: JSON.parse(plainText(directory.results)).total?.metrics ?? null,
      }
      : null,
    file_stems: isLoad ? new Map() : fileStems(directory),
    by_id: new Map(run.items.map((item) => [item.item_id, item])),
  };
}

function fileStems({ results }: RunDirectory): Map<string, string> {
  try {
    const found = asObject(JSON.parse(plainText(results)));
    return new Map(
      objectsIn(found?.items).flatMap((item) => {
        const id = textAt(item, "test_id") ?? textAt(item, "package_id");
        const stem = textAt(item, "file_stem");
        return id !== null && stem !== null ? [[id, stem]] : [];
      }),
    );
  } catch {
    return new Map(); // an interrupted run, or another program's: there are no texts
  }
}

/** The latencies whose distribution can be drawn. */
export type LatencyKind = "ttft_ms" | "tpot_ms" | "e2e_ms";

/** Latencies of a run's answers, ms, in ascending order. */
export function sortedLatencies({ items, load }: ReportedRun, kind: LatencyKind): Float64Array {
  if (load) return sortedCopy(load.sample.latency(kind).values);
  return sortedCopy(items.flatMap((item) => latencyOf(item, kind) ?? []));
}

function latencyOf(item: RunItem, kind: LatencyKind): number | null {
  const { success, ttft_ms, latency_ms, completion_tokens } = item;
  if (!success) return null;
  if (kind === "ttft_ms") return ttft_ms;
  if (kind === "e2e_ms") return latency_ms;
  if (ttft_ms === null || latency_ms === null || (completion_tokens ?? 0) < 2) return null;
  const tpot_ms = (latency_ms - ttft_ms) / (completion_tokens! - 1);
  return tpot_ms >= 0 ? tpot_ms : null;
}

/** Tokens per second of an answer, from sending to its end; null if one of them is unknown. */
export function answerRate({ success, latency_ms, completion_tokens }: RunItem): number | null {
  if (!success || !latency_ms || completion_tokens === null) return null;
  return completion_tokens / (latency_ms / 1000);
}

/**
 * The cost of a run, USD: as recorded with it, or from its tokens and the price; null if unknown.
 */
export function costOf({ summary, price }: ReportedRun): number | null {
  return summary.cost_usd ?? costOfSums(summary, summary.requests, price).cost_usd;
}
