/** A run in a report of several: its letter, its colour, and what is drawn of it. */
import { type LoadSample, readLoadSample } from "../../compare/load_sample.ts";
import { type RunDirectory, runDirectoryAt } from "../../run/directory.ts";
import { asObject, objectsIn, textAt } from "../../json_fields.ts";
import { costOfTokens as priced } from "../../run/ledger_entry.ts";
import { sortedCopy } from "../../stats/quantile.ts";
import { plainText } from "../../run/plain_file.ts";
import type { ComparedRun } from "../../compare/compare.ts";
import type { LoadResults } from "../../load/results.ts";
import type { RunItem } from "../../run/summary.ts";

/** This many runs have colours that can be told apart. */
export const MOST_RUNS = 6;

/** A run to report on. */
export interface ReportedRun extends ComparedRun {
  /** A, B, …: what columns and curves are called. */
  letter: string;
  /** A CSS variable's name, without its dashes. */
  colour: string;
  directory: RunDirectory;
  /** Of a load; `metrics` are null of an imported one, whose items tell its latencies. */
  load: { sample: LoadSample; metrics: LoadResults["total"]["metrics"] | null } | null;
  /** What tests' files are called, by their ids. */
  file_stems: ReadonlyMap<string, string>;
  /** By item id, the last one of several. */
  by_id: ReadonlyMap<string, RunItem>;
}

/**
 * Makes a run ready for a report.
 *
 * @param place among the runs of the report, from 0.
 * @throws the system's error when a load has no results or no journal.
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
    return new Map(); // cut off, or another program's: without texts
  }
}

/** What a distribution is drawn of. */
export type LatencyKind = "ttft_ms" | "tpot_ms" | "e2e_ms";

/** Latencies of a run's answers, ms, ascending. */
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

/** Tokens a second of an answer, from sending to its end; null where one is unknown. */
export function answerRate({ success, latency_ms, completion_tokens }: RunItem): number | null {
  if (!success || !latency_ms || completion_tokens === null) return null;
  return completion_tokens / (latency_ms / 1000);
}

/** What a run cost, USD: as recorded with it, or by its tokens and the price; null is unknown. */
export function costOf({ summary, price }: ReportedRun): number | null {
  return summary.cost_usd ?? priced(summary, price).cost_usd;
}
