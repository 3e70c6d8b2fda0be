/**
 * Requests over time, one row per place, coloured by the gaps between their tokens. A stall of the
 * server shows in all rows at the same time, a stall of one request only in its own row.
 */
import { grouped } from "../../text/grouped.ts";
import { durationLabel, timeLabel, timeStep } from "../charts/scales.ts";
import { type LoadSpan, loadSpan, type SentRequest } from "./load_series.ts";
import type { GapsOf } from "../../load/rates.ts";
import type { LoadResults } from "../../load/results.ts";
import type { RequestRecord } from "../../run/request_record.ts";

const NS_PER_S = 1e9;
/** The number of rows, and of cells per row: the picture stays small for any load. */
const MOST_ROWS = 32;
const CELLS = { wide: 400, narrow: 160 };
const WIDTHS = { wide: 880, narrow: 380 };
const ROW_HEIGHT = 7;
const AXIS_HEIGHT = 22;
const MOST_TICKS = { wide: 9, narrow: 4 };
/** A gap of at least this multiple of the median is unusual. */
const SLOW = 1.5;
const STALLED = 3;

/** The kinds of cells; if several apply to one cell, the last of them is drawn. */
const KINDS = ["none", "waiting", "usual", "slow", "stalled"] as const;
const COLOURS = ["", "var(--rule)", "var(--c1)", "var(--amber)", "var(--bad)"];

/** The figure with its legend, as HTML; null if no gap is known. */
export function gapTimeline(
  { total }: Pick<LoadResults, "total">,
  records: readonly RequestRecord[],
  gapsOf: GapsOf,
): string | null {
  const span = loadSpan(records);
  const median_ms = total.metrics.gap_ms?.p50 ?? null;
  if (span === null || median_ms === null || !(median_ms > 0)) return null;
  const { rows, drawn } = inRows(span);
  const kinds = (ms: number) => ms > STALLED * median_ms ? 4 : ms > SLOW * median_ms ? 3 : 2;
  const label = "Requests over time, coloured by the gaps between their tokens";
  const svgs = (["wide", "narrow"] as const).map((size) => {
    const cells = rows.map((row) => cellsOf(row, span, CELLS[size], kinds, gapsOf));
    return svgOf(size, cells, span.length_s, label);
  });
  const [usual, slow] = [SLOW, STALLED].map((times) => durationLabel(times * median_ms));
  const legend = [
    "waiting for the first token",
    `gap up to ${usual} (${SLOW} × the median)`,
    `gap up to ${slow} (${STALLED} × the median)`,
    "longer gap",
  ].map((text, i) => `<li><i class="key" style="background:${COLOURS[i + 1]}"></i>${text}</li>`);
  const left = drawn < span.sent.length
    ? ` Drawn are ${grouped(drawn)} of ${
      grouped(span.sent.length)
    } requests: those that found one of ${MOST_ROWS} rows free.`
    : "";
  return `<h3>Gaps over time</h3><ul class="legend">${legend.join("")}</ul><figure>${
    svgs.join("")
  }</figure><p class="note">A row is one slot of the concurrency: its requests follow one another. A cell shows its longest gap.${left}</p>`;
}

/** Puts each request in the first free row; requests for which no row is free are left out. */
function inRows({ sent }: LoadSpan): { rows: SentRequest[][]; drawn: number } {
  const rows: SentRequest[][] = [];
  let drawn = 0;
  for (const request of sent) {
    const free = rows.find((row) => row.at(-1)!.t_end_ns <= request.t_sent_ns);
    if (free) free.push(request);
    else if (rows.length < MOST_ROWS) rows.push([request]);
    else continue;
    drawn++;
  }
  return { rows, drawn };
}

function cellsOf(
  row: readonly SentRequest[],
  { origin_ns, length_s }: LoadSpan,
  count: number,
  kindOf: (gap_ms: number) => number,
  gapsOf: GapsOf,
): Uint8Array {
  const cells = new Uint8Array(count);
  const at = (t_ns: number) => (t_ns - origin_ns) / NS_PER_S / length_s * count;
  const fill = (from_ns: number, to_ns: number, kind: number) => {
    const last = Math.min(count, Math.max(Math.ceil(at(to_ns)), Math.floor(at(from_ns)) + 1));
    for (let i = Math.floor(at(from_ns)); i < last; i++) cells[i] = Math.max(cells[i], kind);
  };
  for (const request of row) {
    const { t_sent_ns, t_first_token_ns, t_end_ns } = request;
    fill(t_sent_ns, t_first_token_ns ?? t_end_ns, 1);
    if (t_first_token_ns === null) continue;
    let t_ns = t_first_token_ns;
    for (const gap_ms of gapsOf(request)) {
      const next_ns = t_ns + gap_ms * 1e6;
      fill(t_ns, next_ns, kindOf(gap_ms));
      t_ns = next_ns;
    }
  }
  return cells;
}

function svgOf(
  size: keyof typeof WIDTHS,
  rows: readonly Uint8Array[],
  length_s: number,
  label: string,
): string {
  const width = WIDTHS[size], height = rows.length * ROW_HEIGHT;
  const cell = width / CELLS[size];
  const paths = KINDS.map(() => "");
  for (const [i, cells] of rows.entries()) {
    const y = i * ROW_HEIGHT + ROW_HEIGHT / 2;
    for (let from = 0, to = 0; from < cells.length; from = to) {
      while (to < cells.length && cells[to] === cells[from]) to++;
      if (cells[from] === 0) continue;
      paths[cells[from]] += `M${short(from * cell)} ${y}h${short((to - from) * cell)}`;
    }
  }
  const drawn = paths.flatMap((path, kind) =>
    path === ""
      ? []
      : [`<path d="${path}" stroke="${COLOURS[kind]}" stroke-width="${ROW_HEIGHT - 1}"/>`]
  );
  const step_s = timeStep(length_s, MOST_TICKS[size]);
  const ticks: string[] = [];
  for (let n = 0; n * step_s <= length_s; n++) {
    const x = n * step_s / length_s * width;
    const anchor = n === 0 ? "start" : x > width - 20 ? "end" : "middle";
    ticks.push(
      `<path d="M${short(x)} ${height}v4" stroke="var(--rule)"/><text x="${short(x)}" y="${
        height + 16
      }" text-anchor="${anchor}">${timeLabel(n * step_s, step_s)}</text>`,
    );
  }
  return `<svg class="${size}" role="img" aria-label="${label}" viewBox="0 0 ${width} ${
    height + AXIS_HEIGHT
  }" fill="none"><path d="M0 ${height}h${width}" stroke="var(--rule)"/>${
    drawn.join("")
  }<g fill="var(--soft)" font-size="11" font-family="system-ui, sans-serif">${
    ticks.join("")
  }</g></svg>`;
}

function short(value: number): string {
  return String(Number(value.toFixed(1)));
}
