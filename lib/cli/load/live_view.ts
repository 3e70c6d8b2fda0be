/**
 * The live view of a load: a block of rows at the end of the output, which is redrawn in place. It
 * does not use the alternate screen. Notices stay in order in the scroll-back, the summary replaces
 * the block, and no mode of the terminal is changed, so even a killed process leaves a usable
 * terminal with the last figures on it. If the window becomes narrower than the block, a torn copy
 * stays above. Below 60 columns, in a low window, on a dumb terminal or with NO_COLOR there is one
 * line instead.
 */
import { durationText } from "../../text/duration.ts";
import { textWidth } from "../../text/width.ts";
import { grouped } from "../../text/grouped.ts";
import { type LiveFigures, type LiveLatency, MINUTE_S } from "../../load/live_load.ts";
import { barText, progressText, rateText } from "../ui/progress_line.ts";
import type { LoadProgress } from "../../load/time_left.ts";
import type { Verdict } from "../../load/verdict.ts";
import type { Palette, Terminal } from "../ui/terminal.ts";

const LEAST_COLUMNS = 60;
/** The most rows of the block. */
const MOST_ROWS = 11;
const MOST_COLUMNS = 78;
const MOST_BAR = 30;
const LABEL = 10;
const NUMBER = 9;
const MOST_ERRORS = 4;
const LEVELS = "▁▂▃▄▅▆▇█";

/** The view of a load: the block if there is room for it, else one line. */
export function loadRows(
  figures: LiveFigures,
  terminal: Terminal,
  bar: boolean,
): string | string[] {
  if (!terminal.fits(LEAST_COLUMNS, MOST_ROWS)) return loadLine(figures, figures.elapsed_s, bar);
  return liveBlock(figures, terminal.paint, Math.min(terminal.columns, MOST_COLUMNS));
}

/** `████░░░░ 1,234 requests · 3 failed · 12.3/s · 1 min 12 s left · 16 in flight`. */
export function loadLine(progress: LoadProgress, elapsed_s: number, bar: boolean): string {
  const { ended, failed, requests_per_s, left_s, in_flight } = progress;
  return progressText({
    noun: "requests",
    done: ended,
    total: null,
    failed,
    rate_per_s: requests_per_s,
    left_s,
    in_flight,
    share: shareDone(elapsed_s, left_s),
  }, bar);
}

/** The block: at most `columns` wide. Its last row is empty, for the cursor. */
export function liveBlock(
  figures: LiveFigures,
  paint: Palette,
  columns: number,
): string[] {
  const { ttft, gap, errors, server, host } = figures;
  const row = (label: string, text: string) => `${paint.dim(label.padEnd(LABEL))}${text}`;
  const cells = cellsIn(columns);
  const latency = (label: string, of: LiveLatency | null) =>
    row(label, of === null ? "–" : latencyText(of, cells));
  const heads = ["p50", "p90", "p99"].map((head) => head.padStart(NUMBER)).join("");
  return [
    timeRow(figures, columns),
    row("requests", requestsText(figures, paint)),
    row("", paint.dim(`${heads}  mean, last ${MINUTE_S} s`)),
    latency("ttft, ms", ttft),
    latency("gap, ms", gap),
    ...(errors.length ? [row("errors", paint.bad(errorsText(errors)))] : []),
    ...(server ? [row("server", serverText(server))] : []),
    ...gpuTexts(host).map((text) => row("GPU", text)),
    row("client", clientText(figures.verdict, paint)),
    "",
  ];
}

function shareDone(elapsed_s: number, left_s: number | null): number | null {
  return left_s === null ? null : elapsed_s / Math.max(elapsed_s + left_s, 1e-9);
}

function timeRow({ stage, stages, elapsed_s, left_s }: LiveFigures, columns: number): string {
  const share = shareDone(elapsed_s, left_s);
  const parts = [
    share === null ? "" : `${Math.round(100 * share)} %`,
    left_s === null ? `${durationText(elapsed_s)} so far` : `${durationText(left_s)} left`,
    stages > 1 ? `stage ${stage + 1} of ${stages}` : "",
  ].filter(Boolean).join(" · ");
  const room = columns - 2 - textWidth(parts);
  return share === null ? parts : `${barText(share, Math.min(MOST_BAR, room))} ${parts}`;
}

function requestsText(figures: LiveFigures, paint: Palette): string {
  const { ended, failed, in_flight, requests_per_s, events_per_s } = figures;
  return [
    `${grouped(ended)} ended`,
    failed > 0 ? paint.bad(`${grouped(failed)} failed`) : "",
    `${grouped(in_flight)} in flight`,
    requests_per_s === null ? "" : `${rateText(requests_per_s)}/s`,
    events_per_s === null ? "" : `${grouped(Math.round(events_per_s))} events/s`,
  ].filter(Boolean).join(" · ");
}

/** Cells of the history: each is a whole number of seconds, and they fill the width. */
function cellsIn(columns: number): number {
  const room = columns - 1 - LABEL - 3 * NUMBER - 2 - NUMBER;
  return [30, 20, 15, 12].find((cells) => cells <= room) ?? 10;
}

function latencyText({ p50_ms, p90_ms, p99_ms, by_second_ms }: LiveLatency, cells: number): string {
  const numbers = [p50_ms, p90_ms, p99_ms].map((ms) => shown(ms).padStart(NUMBER)).join("");
  const means = inCells(by_second_ms, cells);
  const most = Math.max(...means.map((mean) => mean ?? 0));
  const top = most > 0 ? ` ≤ ${shown(most)}` : "";
  return `${numbers}  ${means.map((mean) => levelOf(mean, most)).join("")}${top}`;
}

function inCells(by_second: readonly (number | null)[], cells: number): (number | null)[] {
  const each = by_second.length / cells;
  return Array.from({ length: cells }, (_, i) => {
    const known = by_second.slice(i * each, (i + 1) * each).filter((value) => value !== null);
    return known.length ? known.reduce((a, b) => a + b, 0) / known.length : null;
  });
}

/** Scaled from 0 to the highest value of the minute. Small changes look small. */
function levelOf(value: number | null, most: number): string {
  if (value === null) return " ";
  const level = most > 0 ? Math.ceil(value / most * LEVELS.length) - 1 : 0;
  return LEVELS[Math.max(0, level)];
}

function errorsText(errors: LiveFigures["errors"]): string {
  const told = errors.slice(0, MOST_ERRORS).map(([failure, n]) => `${grouped(n)} ${failure}`);
  const more = errors.slice(MOST_ERRORS).reduce((sum, [, n]) => sum + n, 0);
  return [...told, ...(more ? [`${grouped(more)} more`] : [])].join(" · ");
}

function serverText({ name, reading }: NonNullable<LiveFigures["server"]>): string {
  const { running, waiting, kv_cache_usage } = reading;
  return [
    name,
    running === null ? "" : `${grouped(running)} running`,
    waiting === null ? "" : `${grouped(waiting)} waiting`,
    kv_cache_usage === null ? "" : `KV cache ${Math.round(kv_cache_usage * 100)} %`,
  ].filter(Boolean).join(" · ");
}

/** One row per sampled GPU. */
function gpuTexts(host: LiveFigures["host"]): string[] {
  if (host === null) return [];
  const parts = [
    [host.gpu_usage_percent, "%"],
    [host.gpu_power_watts, "W"],
    [host.gpu_memory_used_gb, "GiB"],
    [host.gpu_temperature_celsius, "°C"],
  ] as const;
  const known = parts.filter(([value]) => value !== null);
  if (known.length === 0) return [];
  return [known.map(([value, unit]) => `${value!.toFixed(0)} ${unit}`).join(" · ")];
}

function clientText({ verdict, client, reasons, requests }: Verdict, paint: Palette): string {
  const lag = client.read_lag_p99_ms;
  const cost = [
    lag === null ? "" : `reads lag ${shown(lag)} ms (p99)`,
    `CPU ${client.cpu_cores.toFixed(2)} of ${client.cores} cores`,
  ].filter(Boolean).join(" · ");
  if (!requests) return `no answer yet to judge by · ${cost}`;
  if (verdict === "trusted") return `${paint.good("trusted so far")} · ${cost}`;
  const tone = verdict === "unknown" ? paint.warn : paint.bad;
  return `${tone(verdict === "unknown" ? "not known" : "limited")} · ${reasons[0] ?? cost}`;
}

/** A figure with about four digits. */
function shown(ms: number): string {
  return ms >= 1000 ? grouped(ms) : ms.toFixed(ms >= 100 ? 1 : 2);
}
