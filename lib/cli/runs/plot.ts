/** dyno runs plot: writes a chart of a run's report as a picture. */
import { existsSync } from "node:fs";
import { InputError } from "../../errors.ts";
import { plotSvg } from "../../report/charts/plot.ts";
import { pngOf } from "../../report/charts/png.ts";
import { CHARTS, levelsPlot, runPlots } from "../../report/run_plots.ts";
import { runDirectoryAt } from "../../run/directory.ts";
import { resolveRun } from "../../run/find_run.ts";
import { shortPath } from "../../text/short_path.ts";
import { writeFileAtomic } from "../../write.ts";
import { EXIT } from "../ui/command.ts";
import { choice, flagHelp, number, parseFlags, text } from "../ui/flags.ts";
import { folderFlag, folderOf, onlyOne, withRuns } from "./query.ts";
import type { Plot } from "../../report/charts/plot.ts";
import type { RunDirectory } from "../../run/directory.ts";
import type { Command, CommandContext } from "../ui/command.ts";

const WIDTH = 880;

const flags = {
  ...folderFlag,
  "chart": choice(CHARTS, "which chart of the run's report (timeline; of several runs: curve)"),
  "out": {
    ...text("FILE", "a .svg or .png file; without it the SVG goes to standard output"),
    short: "o",
  },
  "width": number("PIXELS", `of the picture (${WIDTH}); a PNG has two dots for each`, {
    min: 300,
    max: 4000,
    whole: true,
  }),
};

export const command: Command = {
  flags,
  help: [
    "dyno runs plot RUN... [--chart timeline|latency|curve] [--out FILE.svg|FILE.png] [flags]",
    "",
    "Draws a chart of a run's report as a picture with its title and legend. timeline: requests over",
    "time with the host's and server's figures below; latency: the share of answers within a time;",
    "curve: throughput and latency over the stages of a load, or over several loads, as those of",
    "--concurrency 1,2,4.",
    "",
    ...flagHelp(flags),
    "",
    "  dyno runs plot latest --chart latency --out latency.png",
  ],

  async run(argv: string[], { terminal }: CommandContext): Promise<number> {
    const { values, positional } = parseFlags(flags, argv);
    const { out, width = WIDTH } = values;
    const chart = values.chart ?? (positional.length > 1 ? "curve" : "timeline");
    if (out !== undefined && !/\.(svg|png)$/i.test(out)) {
      throw new InputError(`--out: "${out}"; expected a file that ends in .svg or .png`);
    }
    if (positional.length < 2 || chart !== "curve") onlyOne("plot", positional);
    return await withRuns(values.runs ?? folderOf(positional), terminal, async (index) => {
      const directories: RunDirectory[] = [];
      for (const given of positional) {
        const directory = runDirectoryAt(await resolveRun(index, given));
        if (!existsSync(directory.results)) {
          throw new InputError(
            `${given}: has no results.json; only a finished run of dyno has charts`,
          );
        }
        directories.push(directory);
      }
      const { title, plot } = await plotOf(directories, chart, positional);
      const svg = await plotSvg(plot, title, width);
      if (out === undefined) {
        terminal.print(svg.trimEnd());
        return EXIT.good;
      }
      const picture = /\.png$/i.test(out) ? await pngOf(svg) : svg;
      if (typeof picture === "string" && picture !== svg) {
        throw new InputError(`--out ${out}: ${picture}; give a .svg file`);
      }
      writeFileAtomic(out, typeof picture === "string" ? picture : [picture]);
      terminal.say(`${chart}: ${shortPath(out)}`);
      return EXIT.good;
    });
  },
};

/** The chart of a run, or the curve of several. @throws {InputError} there is nothing to draw. */
async function plotOf(
  directories: readonly RunDirectory[],
  chart: typeof CHARTS[number],
  given: readonly string[],
): Promise<{ title: string; plot: Plot }> {
  if (directories.length > 1) {
    const { title, plot } = levelsPlot(directories);
    if (plot !== null) return { title, plot };
    throw new InputError(`--chart curve: ${given.join(", ")} have no figures to draw`);
  }
  const { title, plots } = await runPlots(directories[0]);
  const plot = plots[chart];
  if (plot !== null) return { title, plot };
  const there = CHARTS.filter((name) => plots[name] !== null);
  throw new InputError(
    `--chart ${chart}: ${given[0]} has nothing to draw there${
      chart === "curve"
        ? " (a curve is of a load with two stages or more, or of several loads)"
        : ""
    }; it has ${there.join(", ") || "no chart"}`,
  );
}
