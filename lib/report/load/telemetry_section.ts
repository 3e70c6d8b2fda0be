/** GPUs and hosts by recorded Prometheus pages: over time, and in sum. */
import { hostSeries, type TelemetrySeries } from "../../load/telemetry/telemetry.ts";
import { counted, grouped } from "../../text/grouped.ts";
import { cutText, escapeHtml } from "../html.ts";
import { dataTable, type TableRow } from "../table.ts";
import { short } from "./load_figures.ts";
import type { LoadResults } from "../../load/results.ts";
import type { HostPanel, Points } from "../charts/host_panels.ts";

const NS_PER_S = 1e9, GB = 1e9;
const MOST_POINTS = 600;
/** More lines in one panel cannot be told apart. */
const MOST_LINES = 8;
const MOST_NAMES = 200;

/** Quantities that are drawn, with the unit that they are shown in. */
const DRAWN: Record<string, { title: string; factor: number; max?: number }> = {
  gpu_usage_percent: { title: "GPU, %", factor: 1, max: 100 },
  gpu_tensor_active_percent: { title: "GPU tensor cores, %", factor: 1, max: 100 },
  gpu_dram_active_percent: { title: "GPU memory bandwidth, %", factor: 1, max: 100 },
  gpu_power_w: { title: "GPU power, W", factor: 1 },
  gpu_memory_used_bytes: { title: "GPU memory, GB", factor: 1 / GB },
  gpu_temperature_c: { title: "GPU temperature, °C", factor: 1 },
  cpu_usage_percent: { title: "CPU, %", factor: 1, max: 100 },
  memory_used_bytes: { title: "memory, GB", factor: 1 / GB },
};

/** A panel a quantity, a line a device of a page; `origin_ns` is second 0. */
export function telemetryPanels(
  series: readonly TelemetrySeries[],
  origin_ns: number,
  length_s: number,
): HostPanel[] {
  const all = [...series, ...hostSeries(series)];
  const several = new Set(series.map(({ page }) => page)).size > 1;
  return Object.entries(DRAWN).flatMap(([quantity, { title, factor, max }]) => {
    const lines = all.filter((each) => each.quantity === quantity).map((each) => ({
      name: [each.device, several || each.device === "" ? hostOf(each.page) : ""]
        .filter(Boolean).join(" at "),
      points: pointsOf(each.points, origin_ns, length_s, factor),
    })).filter(({ points }) => points.length > 1);
    if (lines.length === 0) return [];
    const shown = lines.slice(0, MOST_LINES)
      .map((line, i) => ({ ...line, colour: `var(--c${i % 4 + 1})` }));
    const rest = lines.length > shown.length ? ` (${shown.length} of ${lines.length})` : "";
    return [{ title: `recorded: ${title}${rest}`, ...(max ? { max } : {}), lines: shown }];
  });
}

function pointsOf(
  points: TelemetrySeries["points"],
  origin_ns: number,
  length_s: number,
  factor: number,
): Points {
  const step = Math.max(1, Math.ceil(points.length / MOST_POINTS));
  return points.filter((_, i) => i % step === 0).flatMap(([t_ns, value]): Points => {
    const at_s = (t_ns - origin_ns) / NS_PER_S;
    return value === null || at_s < 0 || at_s > length_s ? [] : [[at_s, value * factor]];
  });
}

const hostOf = (page: string) => new URL(page).host;

/** The table of what was understood, and how the pages were read. */
export function telemetrySection({ telemetry }: LoadResults): string {
  if (telemetry === undefined) return "";
  const rows = telemetry.figures.map(({ page, device, name, mean, max, increase }): TableRow => ({
    head: [name.replaceAll("_", " "), device, hostOf(page)].filter(Boolean).join(", "),
    cells: [mean, max, increase].map(short),
  }));
  const heads = [{ html: "mean" }, { html: "at most" }, { html: "in all" }];
  const pages = telemetry.pages.map(({ url, readings, failures }) =>
    `<li>${escapeHtml(cutText(url, 200))}: read ${grouped(readings)} times${
      failures > 0 ? `, ${grouped(failures)} readings failed` : ""
    }</li>`
  );
  return (rows.length > 0
    ? dataTable("recorded pages", "figure", heads, rows)
    : `<p class="note">No series of these pages is one of a GPU or a host that dyno knows.</p>`) +
    `<ul>${pages.join("")}</ul><p class="note">Every series is in telemetry.jsonl` +
    `${
      telemetry.series === null ? "" : ` (${grouped(telemetry.series)} of them)`
    }; dyno runs export ` +
    `RUN --rows telemetry --format parquet makes a table of them.</p>` +
    othersList(telemetry.others ?? []);
}

/** What is kept without being understood, by name. */
function othersList(names: readonly string[]): string {
  if (names.length === 0) return "";
  const shown = names.slice(0, MOST_NAMES).map((name) => escapeHtml(cutText(name, 100)));
  const left = names.length > shown.length
    ? ` and ${grouped(names.length - shown.length)} more in results.json`
    : "";
  return `<details><summary>${
    counted(names.length, "metric")
  } kept, in none of these figures</summary><p class="note">${
    shown.join(", ")
  }${left}</p></details>`;
}
