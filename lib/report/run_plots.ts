/** The charts of a run's report, by name. */
import { readRecords } from "../load/load_journal.ts";
import { readSamples } from "../hardware/samples.ts";
import { seriesFrom } from "../hardware/series.ts";
import { plainText } from "../run/plain_file.ts";
import { latencyPlot } from "./charts/latency_chart.ts";
import { timelinePlot } from "./charts/timeline_chart.ts";
import { InputError } from "../errors.ts";
import { levelsCurvePlot, loadCurvePlot } from "./load/load_curve.ts";
import { loadLatencyPlot } from "./load/load_latency.ts";
import { timelineOf } from "./load/load_timeline.ts";
import { onOneClock } from "./sampling.ts";
import type { LoadResults } from "../load/results.ts";
import type { RunDirectory } from "../run/directory.ts";
import type { SuiteResults } from "../suite/results.ts";
import type { Plot } from "./charts/plot.ts";

/** The charts that a run's report can have. */
export const CHARTS = ["timeline", "latency", "curve"] as const;

/** A run's charts; null if there is nothing to draw: no answer, no sent request, a single stage. */
export interface RunPlots {
  /** The run's title above a chart. */
  title: string;
  plots: Record<typeof CHARTS[number], Plot | null>;
}

/** Reads the data of a run's charts. @throws the system's error if it has no results.json. */
export async function runPlots(directory: RunDirectory): Promise<RunPlots> {
  const results: SuiteResults | LoadResults = JSON.parse(plainText(directory.results));
  const sessions = readSamples(directory.path);
  const title = `${results.benchmark} on ${results.model}`;
  if (results.kind === "load") {
    const records = await readRecords(directory);
    const timeline = timelineOf(results, records, sessions, directory);
    const plots = {
      timeline,
      latency: loadLatencyPlot(results, records),
      curve: loadCurvePlot(results),
    };
    return { title, plots };
  }
  const timeline = onOneClock(sessions)
    ? timelinePlot(results.items, sessions.map(seriesFrom))
    : null;
  return { title, plots: { timeline, latency: latencyPlot(results.items), curve: null } };
}

/**
 * Reads several loads, such as those of --concurrency 1,2,4, and returns the curve over them.
 *
 * @throws {InputError} one of them is not a load.
 */
export function levelsPlot(
  directories: readonly RunDirectory[],
): { title: string; plot: Plot | null } {
  const runs = directories.map(({ results, path }): LoadResults => {
    const found: SuiteResults | LoadResults = JSON.parse(plainText(results));
    if (found.kind === "load") return found;
    throw new InputError(`${path}: is a suite; a curve of several runs is one of loads`);
  });
  const models = [...new Set(runs.map(({ model }) => model))].join(", ");
  return { title: `${runs[0].benchmark} on ${models}`, plot: levelsCurvePlot(runs) };
}
