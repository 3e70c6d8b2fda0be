/** Tables of a load in slices of time, and of first turns compared with later ones. */
import { counted, grouped } from "../../text/grouped.ts";
import { percentText } from "../../text/percent.ts";
import { slicesOf } from "../../load/slices.ts";
import { durationLabel, timeLabel, timeStep } from "../charts/scales.ts";
import { dataTable, type Head } from "../table.ts";
import { short } from "../../text/figure.ts";
import { loadSpan } from "./load_series.ts";
import type { GapsOf } from "../../load/rates.ts";
import type { LoadResults } from "../../load/results.ts";
import type { RequestRecord } from "../../run/request_record.ts";

const MOST_SLICES = 16;

const heads = (...titles: [title: string, unit?: string][]): Head[] =>
  titles.map(([title, unit]) => ({ html: unit ? `${title}<br><small>${unit}</small>` : title }));

const SLICE_HEADS = heads(
  ["sent"],
  ["answered"],
  ["failed"],
  ["in flight", "mean"],
  ["output", "tokens/s"],
  ["ttft p50", "ms"],
  ["ttft p99", "ms"],
  ["tpot p50", "ms"],
  ["e2e p50", "s"],
  ["e2e p99", "s"],
);

/** Shown if a load has any. */
const MEDIA: [name: "audio_s_per_s" | "images_per_s", title: string, unit: string][] = [
  ["audio_s_per_s", "sound", "s/s"],
  ["images_per_s", "images", "images/s"],
];

/** The slices, as HTML; null if there are fewer than two. */
export function sliceTable(records: readonly RequestRecord[], gapsOf: GapsOf): string | null {
  const span = loadSpan(records.filter(({ warmup }) => !warmup));
  if (span === null) return null;
  const step_s = timeStep(span.length_s, MOST_SLICES);
  const slices = slicesOf(records, gapsOf, step_s);
  if (slices.length < 2) return null;
  const seconds = (ms: number | null) => short(ms === null ? null : ms / 1000);
  const media = MEDIA.filter(([name]) => slices.some((slice) => slice[name] !== null));
  const rows = slices.map((slice) => ({
    head: `from ${timeLabel(slice.start_s, step_s)}`,
    cells: [
      grouped(slice.sent),
      grouped(slice.answered),
      slice.failed ? `<span class="fault">${grouped(slice.failed)}</span>` : "0",
      short(slice.in_flight),
      short(slice.output_tokens_per_s),
      short(slice.ttft_p50_ms),
      short(slice.ttft_p99_ms),
      short(slice.tpot_p50_ms),
      seconds(slice.e2e_p50_ms),
      seconds(slice.e2e_p99_ms),
      ...media.map(([name]) => short(slice[name])),
    ],
  }));
  return `<details><summary>In slices of ${durationLabel(step_s * 1000)}</summary>${
    dataTable(
      "slices of time",
      "slice",
      [
        ...SLICE_HEADS,
        ...heads(...media.map(([, title, unit]): [string, string] => [title, unit])),
      ],
      rows,
    )
  }<p class="note">Counts are of what happened in a slice, latencies of the requests that ended in it. Warm-up is left out.</p></details>`;
}

const TURN_HEADS = heads(
  ["requests"],
  ["answered"],
  ["ttft p50", "ms"],
  ["ttft p99", "ms"],
  ["e2e p50", "s"],
  ["e2e p99", "s"],
  ["prompt tokens", "mean"],
  ["cached", "of prompt tokens"],
);

/** First turns compared with later ones, as HTML; null if no session has a later turn. */
export function turnTable({ turns, total }: LoadResults): string | null {
  if (turns === undefined) return null;
  const seconds = (ms: number | undefined) => short(ms === undefined ? null : ms / 1000);
  const rows = turns.map((figures) => ({
    head: `${figures.turn} turns`,
    cells: [
      grouped(figures.requests),
      grouped(figures.answered),
      short(figures.ttft_ms?.p50),
      short(figures.ttft_ms?.p99),
      seconds(figures.e2e_ms?.p50),
      seconds(figures.e2e_ms?.p99),
      short(figures.prompt_tokens_mean),
      percentText(figures.cached_share),
    ],
  }));
  const { successful, failed, unfinished, unsent, cancelled = 0 } = total.requests;
  const left = successful + failed + unfinished + unsent + cancelled -
    turns.reduce((sum, { requests }) => sum + requests, 0);
  const note = left > 0
    ? `<p class="note">${counted(left, "request")} of this load ${
      left === 1 ? "is" : "are"
    } in neither row: a request that is not part of a conversation or session has no turn.</p>`
    : "";
  return dataTable("first and later turns", "of sessions", TURN_HEADS, rows) + note;
}
