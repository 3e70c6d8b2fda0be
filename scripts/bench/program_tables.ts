/**
 * The load bench's output about whole programs: errors, CPU per event, limits, and agreement of
 * reports.
 */
import {
  type AgreementRow,
  AGREES_WITHIN,
  CEILING_ERROR_MS,
  type ProgramRow,
  type Truth,
} from "./load_programs.ts";

const TOKENS_PER_S = 50;

const error = ({ reported, sent }: Truth, q: "p50" | "p99") => reported[q] - sent[q];
const signed = (ms: number) =>
  Number.isFinite(ms)
    ? `${ms < 0 ? "−" : "+"}${Math.abs(ms).toFixed(Math.abs(ms) < 10 ? 2 : 0)}`
    : "–";

const NAME_WIDTH = 26, CELL_WIDTH = 13;
const line = (name: string, cells: string[]) =>
  `  ${name.padEnd(NAME_WIDTH)}${cells.map((cell) => cell.padStart(CELL_WIDTH)).join("")}`;

function namesIn(rows: readonly ProgramRow[]): string[] {
  return [...new Set(rows.map(({ name }) => name))];
}

/** Errors at a number of streams, and CPU per event. */
export function levelLines(streams: number, rows: readonly ProgramRow[]): string[] {
  const of = rows.filter((row) => row.streams === streams);
  if (of.length === 0) return [];
  const { ttft, gap } = of[0];
  return [
    "",
    `whole programs, ${streams} streams at ${TOKENS_PER_S} tokens/s; error of what they report, ms`,
    `  (server's own stamps in the first: ttft ${ttft.sent.p50.toFixed(2)}, p99 ` +
    `${ttft.sent.p99.toFixed(2)}; gap ${gap.sent.p50.toFixed(2)}, p99 ${gap.sent.p99.toFixed(2)})`,
    line("", ["ttft p50", "ttft p99", "gap p50", "gap p99", "CPU µs/event"]),
    ...of.map((row) =>
      line(`· ${row.name}`, [
        signed(error(row.ttft, "p50")),
        signed(error(row.ttft, "p99")),
        signed(error(row.gap, "p50")),
        signed(error(row.gap, "p99")),
        row.cpu_us_per_event?.toFixed(1) ?? "–",
      ])
    ),
  ];
}

/** How many events per second each program can handle. */
export function ceilingLines(rows: readonly ProgramRow[]): string[] {
  return [
    "",
    `events/s on one core up to which the p99 is within ${CEILING_ERROR_MS} ms of the server's stamps`,
    line("", ["ttft", "gap"]),
    ...namesIn(rows).map((name) => {
      const of = rows.filter((row) => row.name === name);
      return line(`· ${name}`, [ceilingText(of, "ttft"), ceilingText(of, "gap")]);
    }),
  ];
}

/** The last rate that it handled and, if there is one, the next rate, at which it failed. */
function ceilingText(of: readonly ProgramRow[], figure: "ttft" | "gap"): string {
  const missed = of.findIndex((row) => !(Math.abs(error(row[figure], "p99")) <= CEILING_ERROR_MS));
  const rate = (row: ProgramRow) => (row.streams * TOKENS_PER_S).toLocaleString("en");
  if (missed < 0) return `≥ ${rate(of.at(-1)!)}`;
  return missed === 0 ? `< ${rate(of[0])}` : rate(of[missed - 1]);
}

/** Each figure of each tool, with the value from --report-as. */
export function agreementLines(rows: readonly AgreementRow[]): string[] {
  if (rows.length === 0) return [];
  const differs = ({ theirs, reported_as }: AgreementRow) => reported_as / theirs - 1;
  return [
    "",
    "--report-as beside the tools themselves, 4 streams, first token after 500 ms, then one in 50 ms; ms",
    line("", ["", "", "tool", "dyno", "differs"]),
    ...rows.map((row) =>
      line(`· ${row.tool}`, [
        "",
        "",
        row.theirs.toFixed(2),
        row.reported_as.toFixed(2),
        `${(100 * differs(row)).toFixed(1)} %`,
      ]) +
      `  ${row.figure}, ${row.statistic}${
        Math.abs(differs(row)) > AGREES_WITHIN ? "  MORE THAN 2 %" : ""
      }`
    ),
  ];
}
