/** dyno calibrate: measures how accurately this host measures. */
import { InputError } from "../../errors.ts";
import { grouped } from "../../text/grouped.ts";
import { calibrate, type CalibrationCell } from "../../load/calibrate.ts";
import { calibrationPath, keepCalibration } from "../../load/calibration_file.ts";
import { nativeLibrary } from "../../native/library.ts";
import { EXIT } from "../ui/command.ts";
import { flagHelp, number, otherwise, parseOnlyFlags, toggle } from "../ui/flags.ts";
import { tableLines } from "../ui/table.ts";
import type { Command, CommandContext } from "../ui/command.ts";
import type { Palette } from "../ui/terminal.ts";

const flags = {
  "seconds": otherwise(3, number("S", "of each load", { min: 0.1 })),
  "json": toggle("one JSON object on standard output at the end"),
};

export const command: Command = {
  flags,
  help: [
    "dyno calibrate [flags]",
    "",
    "Measures streams of a native server in this process whose every event says when it was sent, and",
    "prints how far the client's ttft and gaps are off, what an event costs, and where trust ends. The",
    "server shares this host's cores: with the server elsewhere the client does better. dyno load cites",
    "the newest calibration of the host.",
    "",
    ...flagHelp(flags),
  ],

  async run(argv: string[], { terminal, signal }: CommandContext): Promise<number> {
    const values = parseOnlyFlags("dyno calibrate", flags, argv);
    const { library, reason } = await nativeLibrary((line) => terminal.say(line));
    if (!library) throw new InputError(`dyno calibrate needs libdyno: ${reason}`);
    const calibration = await calibrate(library, values.seconds, signal, (cell) => {
      if (terminal.live) terminal.say(terminal.paint.dim(cellText(cell)));
    });
    const better = keepCalibration(calibration);
    terminal.say();
    table(calibration.cells, terminal.paint).forEach((line) => terminal.say(line));
    terminal.say();
    terminal.say(
      `trusted up to ${grouped(Math.round(calibration.ceiling_events_per_s))} events/s ` +
        `(errors up to 1 ms at p99), thread scheduling: ${calibration.scheduling}`,
    );
    if (better === null) terminal.say(`kept in ${calibrationPath()}`);
    else {
      terminal.warn(
        `not kept: the calibration of ${better.measured_at} was trusted up to ` +
          `${
            grouped(Math.round(better.ceiling_events_per_s))
          } events/s; was the host busy? If it has ` +
          `changed, remove ${calibrationPath()} and calibrate again`,
      );
    }
    if (values.json) terminal.out(JSON.stringify(calibration));
    return EXIT.good;
  },
};

function cellText({ streams, tokens_per_s, lag_ms }: CalibrationCell): string {
  return `${streams} streams at ${tokens_per_s} tokens/s: lag p99 ${us(lag_ms.p99)} µs`;
}

function table(cells: readonly CalibrationCell[], paint: Palette): string[] {
  const titles = [
    "streams",
    "tok/s a stream",
    "events/s",
    "ttft error µs p50",
    "p99",
    "max",
    "gap error µs p50",
    "p99",
    "max",
    "CPU µs/event",
    "",
  ];
  return tableLines(
    titles.map((title) => ({ title, align: "right" as const })),
    cells.map((cell) => [
      String(cell.streams),
      String(cell.tokens_per_s),
      String(Math.round(cell.events_per_s)),
      us(cell.ttft_error_ms.p50),
      us(cell.ttft_error_ms.p99),
      us(cell.ttft_error_ms.max),
      us(cell.gap_error_ms.p50),
      us(cell.gap_error_ms.p99),
      us(cell.gap_error_ms.max),
      cell.cpu_us_per_event.toFixed(1),
      cell.trusted ? paint.good("trusted") : paint.bad("not trusted"),
    ]),
    paint,
  );
}

function us(ms: number): string {
  return String(Math.round(ms * 1000));
}
