/** The output of the load bench: a table per pace, the ratios, and which targets are met. */
import { type Cell, type ClientName, CLIENTS, DISTURBED_SHARE } from "./load_cells.ts";

const NAME_WIDTH = 22;
const CELL_WIDTH = 11;

/** Targets: ratios at every number of streams, and memory at the largest number. */
const CPU_OVER_BARE_C_MAX = 2.5;
const FETCH_OVER_CPU_MIN = 5;
const HTTPS_OVER_HTTP_MAX = 1.5;
const LAG_OVER_BARE_C_MAX = 3;
const RSS_MAX_MB = 200;
const RSS_STREAMS = 2000;
/** With fewer events than this there is no p99.9. */
const EVENTS_OF_P99_9_MIN = 1000;
const BLOCKED_MIN_S = 0.05;

type Measure = (cell: Cell) => number;

const cpu_us: Measure = ({ cpu_s, events }) => cpu_s / events * 1e6;

const MEASURES: [string, Measure, number][] = [
  ["CPU µs/event", cpu_us, 2],
  ["events/s", ({ events, seconds }) => events / seconds, 0],
  ["lag p50 µs", ({ lags }) => lags.p50 / 1e3, 0],
  ["lag p99 µs", ({ lags }) => lags.p99 / 1e3, 0],
  [
    "lag p99.9 µs",
    ({ lags, events }) => events < EVENTS_OF_P99_9_MIN ? NaN : lags.p99_9 / 1e3,
    0,
  ],
  ["lag max µs", ({ lags }) => lags.max / 1e3, 0],
  ["peak RSS MB", ({ peak_rss_bytes }) => peak_rss_bytes / 1e6, 0],
];

const numberText = (value: number, digits: number) =>
  Number.isFinite(value) ? value.toFixed(digits) : "–";

class Cells {
  constructor(readonly all: readonly Cell[]) {}

  streams(): number[] {
    return [...new Set(this.all.map(({ streams }) => streams))];
  }

  at(client: ClientName, streams: number): Cell | undefined {
    return this.all.find((cell) => cell.client === client && cell.streams === streams);
  }

  /** NaN if one of the two was not measured. */
  ratio(measure: Measure, over: ClientName, under: ClientName, streams: number): number {
    const [upper, lower] = [this.at(over, streams), this.at(under, streams)];
    return upper && lower ? measure(upper) / measure(lower) : NaN;
  }
}

const row = (name: string, cells: string[]) =>
  `  ${name.padEnd(NAME_WIDTH)}${cells.map((cell) => cell.padStart(CELL_WIDTH)).join("")}`;

function paceName(tokens_per_s: number): string {
  return tokens_per_s === 0 ? "unpaced" : `${tokens_per_s} tokens/s a stream`;
}

/** The lines of the tables for one pace. */
export function tableLines(of: readonly Cell[]): string[] {
  const cells = new Cells(of);
  const streams = cells.streams();
  const lines = ["", `${paceName(of[0].tokens_per_s)}; columns: streams`];
  const ratioRow = (measure: Measure, over: ClientName, under: ClientName) =>
    row(
      `${over} / ${under}`,
      streams.map((n) => numberText(cells.ratio(measure, over, under, n), 2)),
    );
  for (const [title, measure, digits] of MEASURES) {
    lines.push(row(title, streams.map(String)));
    for (const client of CLIENTS) {
      const found = streams.map((n) => cells.at(client, n));
      if (found.every((cell) => cell === undefined)) continue;
      lines.push(
        row(`· ${client}`, found.map((cell) => cell ? numberText(measure(cell), digits) : "–")),
      );
    }
    if (measure === cpu_us) {
      lines.push(ratioRow(measure, "wire", "bare C"), ratioRow(measure, "wire https", "wire"));
      lines.push(ratioRow(measure, "fetch", "wire"));
      lines.push(ratioRow(measure, "fetch", "bare C")); // the lowest ratio that a client can have
    } else if (title === "lag p99 µs") lines.push(ratioRow(measure, "wire", "bare C"));
  }
  for (const { client, streams, failures } of of) {
    if (failures > 0) lines.push(`  ${client}, ${streams} streams: ${failures} requests FAILED`);
  }
  for (const { client, streams, blocked_s } of of) {
    if (!blocked_s || blocked_s < BLOCKED_MIN_S) continue;
    const lasted = blocked_s.toFixed(1);
    lines.push(`  ${client}, ${streams} streams: core too slow, not reading for ${lasted} s`);
  }
  const disturbed = of.filter(({ disturbed_share }) => disturbed_share > DISTURBED_SHARE);
  for (const { client, streams, disturbed_share } of disturbed) {
    const share = (100 * disturbed_share).toFixed(0);
    lines.push(`  ${client}, ${streams} streams: others had ${share} % of its core`);
  }
  return lines;
}

function aimLine(aim: string, values: [number, number][], meets: (value: number) => boolean) {
  const known = values.filter(([, value]) => Number.isFinite(value));
  const missed = known.filter(([, value]) => !meets(value));
  if (known.length === 0) return `  not measured  ${aim}`;
  if (missed.length === 0) return `  met           ${aim}`;
  const where = missed.map(([streams, value]) => `${value.toFixed(1)} at ${streams}`);
  return `  MISSED        ${aim}: ${where.join(", ")}`;
}

/** Which targets are met at one pace. */
export function aimLines(of: readonly Cell[]): string[] {
  const cells = new Cells(of);
  const at = (value: (streams: number) => number) =>
    cells.streams().map((n): [number, number] => [n, value(n)]);
  const lines = [
    "",
    `aims, ${paceName(of[0].tokens_per_s)}`,
    aimLine(
      `CPU per event at most ${CPU_OVER_BARE_C_MAX} × bare C`,
      at((n) => cells.ratio(cpu_us, "wire", "bare C", n)),
      (ratio) => ratio <= CPU_OVER_BARE_C_MAX,
    ),
    aimLine(
      `CPU per event of fetch at least ${FETCH_OVER_CPU_MIN} × the wire's`,
      at((n) => cells.ratio(cpu_us, "fetch", "wire", n)),
      (ratio) => ratio >= FETCH_OVER_CPU_MIN,
    ),
  ];
  if (of[0].tokens_per_s !== 0) {
    lines.push(aimLine(
      `CPU per event over https at most ${HTTPS_OVER_HTTP_MAX} × http's`,
      at((n) => cells.ratio(cpu_us, "wire https", "wire", n)),
      (ratio) => ratio <= HTTPS_OVER_HTTP_MAX,
    ));
    // unpaced, this measures the depth of the socket's buffer
    lines.push(aimLine(
      `lag p99 at most ${LAG_OVER_BARE_C_MAX} × bare C`,
      at((n) => cells.ratio(({ lags }) => lags.p99, "wire", "bare C", n)),
      (ratio) => ratio <= LAG_OVER_BARE_C_MAX,
    ));
  }
  lines.push(aimLine(
    `${RSS_STREAMS} streams in less than ${RSS_MAX_MB} MB`,
    [[RSS_STREAMS, (cells.at("wire", RSS_STREAMS)?.peak_rss_bytes ?? NaN) / 1e6]],
    (mb) => mb < RSS_MAX_MB,
  ));
  return lines;
}
