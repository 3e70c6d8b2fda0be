/** Summarises several loads: intervals between runs of each, and the curve over their levels. */
import { columnFigure } from "../../text/figure.ts";
import { join } from "node:path";
import { writeCurvePage } from "../../report/load/curve_page.ts";
import { levelsSection } from "../../report/load/levels_section.ts";
import { type Level, type LevelFigures, levelFigures, levelMarks } from "../../load/levels.ts";
import { isNarrow, REPEATED_FIGURES, repeatedFigure } from "../../load/repeats.ts";
import { shortPath } from "../../text/short_path.ts";
import { percentText } from "../../text/percent.ts";
import { tableLines } from "../ui/table.ts";
import type { LoadResults } from "../../load/results.ts";
import type { RepeatedFigure, Until } from "../../load/repeats.ts";
import type { CommandContext } from "../ui/command.ts";

/** A load of an experiment, with all its runs. */
export interface LoadPoint extends Level {
  /** Empty if it is the only one. */
  name: string;
  /** The values that it varies besides concurrency and rate: only loads of the same ones are one curve. */
  others: string;
  runs: LoadResults[];
}

interface PointsShown {
  out: string;
  until: Until | null;
  gpus: number | null;
}

/**
 * Shows the intervals between runs of one load, and the curve of levels; writes the levels' report.
 *
 * @returns the result for JSON output; empty for one run of one load.
 */
export async function showPoints(
  points: readonly LoadPoint[],
  { out, until, gpus }: PointsShown,
  { terminal }: CommandContext,
): Promise<Record<string, unknown>> {
  const begun = points.filter(({ runs }) => runs.length > 0);
  const repeats = begun.filter(({ runs }) => runs.length > 1).map(({ name, runs }) => ({
    name,
    runs: runs.map(({ run_id }) => run_id),
    figures: REPEATED_FIGURES.flatMap((figure) => repeatedFigure(figure, runs) ?? []),
    ...(until === null ? {} : { exact_enough: isNarrow(until, runs) }),
  }));
  for (const { name, runs, figures, exact_enough } of repeats) {
    terminal.say();
    terminal.say([name, `${runs.length} runs`].filter(Boolean).join(", "));
    repeatTable(figures, terminal).forEach((line) => terminal.say(line));
    if (exact_enough === false) {
      terminal.warn(
        `${until!.figure} is not exact to ${percentText(until!.share)}: more runs may do`,
      );
    }
  }
  if (begun.length < 2) return repeats.length ? { repeats } : {};
  const levels = levelFigures(begun, gpus);
  terminal.say();
  levelTable(levels, terminal).forEach((line) => terminal.say(line));
  const runs = begun.flatMap((point) => point.runs);
  const path = join(out, "curves", `${runs[0].run_id}.html`);
  const lines = repeats.length > 0
    ? [`runs of each level: ${begun.map((point) => point.runs.length).join(", ")}`]
    : [];
  const curves = [...Map.groupBy(begun, ({ others }) => others)].map(([heading, points]) => ({
    heading,
    runs: points.flatMap((point) => point.runs),
  }));
  const section = levelsSection(levels);
  const drawn = await writeCurvePage(path, runs[0].benchmark, lines, curves, section);
  if (drawn) terminal.say(`curve   ${terminal.paint.accent(shortPath(path))}`);
  return {
    ...(repeats.length ? { repeats } : {}),
    levels,
    levels_report: drawn ? path : null,
  };
}

type Terminal = CommandContext["terminal"];

function repeatTable(figures: readonly RepeatedFigure[], { paint }: Terminal): string[] {
  const columns = ["", "mean", "95 % between runs", "variance between runs"]
    .map((title, i) => ({ title, align: i === 0 ? "left" as const : "right" as const }));
  return tableLines(
    columns,
    figures.map(({ name, mean, interval, between_share }) => [
      name,
      columnFigure(mean),
      interval ? `${columnFigure(interval.low)} to ${columnFigure(interval.high)}` : "–",
      percentText(between_share, 0),
    ]),
    paint,
  );
}

function levelTable(levels: readonly LevelFigures[], { paint }: Terminal): string[] {
  const known = levels.some(({ tokens_per_s_per_gpu }) => tokens_per_s_per_gpu !== null);
  const titles = [
    "level",
    "req/s",
    "output tok/s",
    ...(known ? ["tok/s a GPU"] : []),
    "tok/s a user",
    "e2e ms mean",
    "",
  ];
  return tableLines(
    titles.map((title, i) => ({ title, align: i === 0 ? "left" as const : "right" as const })),
    levels.map((level) => [
      level.name,
      columnFigure(level.requests_per_s),
      columnFigure(level.output_tokens_per_s),
      ...(known ? [columnFigure(level.tokens_per_s_per_gpu)] : []),
      columnFigure(level.tokens_per_s_per_user),
      columnFigure(level.e2e_mean_ms),
      levelMarks(level),
    ]),
    paint,
  );
}
