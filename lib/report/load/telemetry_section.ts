/** GPUs and hosts according to recorded Prometheus pages: over time, and summarised. */
import { hostSeries, type TelemetrySeries } from "../../load/telemetry/telemetry.ts";
import { counted, grouped } from "../../text/grouped.ts";
import { cutText, escapeHtml } from "../html.ts";
import { dataTable, type TableRow } from "../table.ts";
import { short } from "../../text/figure.ts";
import type { LoadResults } from "../../load/results.ts";
import type { HostPanel, Points } from "../charts/host_panels.ts";

const NS_PER_S = 1e9, GB = 1e9, MB = 1e6;
const MOST_POINTS = 600;
/** More lines in one panel could not be told apart. */
const MOST_LINES = 8;
const MOST_NAMES = 200;

/** How a quantity is shown: its unit, and whether it is shown over time. */
interface Shown {
  title: string;
  factor: number;
  max?: number;
  drawn?: boolean;
}

const percent = (title: string, drawn = false): Shown => ({
  title: `${title}, %`,
  factor: 1,
  max: 100,
  drawn,
});
const shownIn = (title: string, factor = 1, drawn = false): Shown => ({ title, factor, drawn });

const SHOWN: Record<string, Shown> = {
  gpu_usage_percent: percent("GPU", true),
  gpu_tensor_active_percent: percent("GPU tensor cores", true),
  gpu_dram_active_percent: percent("GPU memory bandwidth", true),
  gpu_power_w: shownIn("GPU power, W", 1, true),
  gpu_memory_used_bytes: shownIn("GPU memory, GB", 1 / GB, true),
  gpu_temperature_c: shownIn("GPU temperature, °C", 1, true),
  cpu_usage_percent: percent("CPU", true),
  memory_used_bytes: shownIn("memory, GB", 1 / GB, true),
  gpu_memory_busy_percent: percent("GPU memory busy"),
  gpu_sm_active_percent: percent("GPU multiprocessors"),
  gpu_memory_temperature_c: shownIn("GPU memory temperature, °C"),
  gpu_clock_mhz: shownIn("GPU clock, MHz"),
  gpu_memory_clock_mhz: shownIn("GPU memory clock, MHz"),
  energy_j: shownIn("energy, J"),
  network_received_bytes: shownIn("network received, MB", 1 / MB),
  network_sent_bytes: shownIn("network sent, MB", 1 / MB),
};

/** One panel per quantity, one line per device of a page; `origin_ns` is second 0. */
export function telemetryPanels(
  series: readonly TelemetrySeries[],
  origin_ns: number,
  length_s: number,
): HostPanel[] {
  const all = [...series, ...hostSeries(series)];
  const several = new Set(series.map(({ page }) => page)).size > 1;
  return Object.entries(SHOWN).flatMap(([quantity, { title, factor, max, drawn }]) => {
    if (!drawn) return [];
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

/** The table of known metrics, and how the pages were read. */
export function telemetrySection({ telemetry }: LoadResults): string {
  if (telemetry === undefined) return "";
  const rows = telemetry.figures.map(({ page, device, name, mean, max, increase }): TableRow => {
    const { title, factor } = SHOWN[name] ?? shownIn(name.replaceAll("_", " "));
    return {
      head: escapeHtml(title),
      cells: [
        escapeHtml(cutText([device, hostOf(page)].filter(Boolean).join(" at "), 100)),
        ...[mean, max, increase].map((value) => short(value === null ? null : value * factor)),
      ],
    };
  });
  const heads = [
    { html: "of", text: true },
    { html: "mean" },
    { html: "at most" },
    { html: "in all" },
  ];
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

/** The names of metrics that were recorded but are not known to dyno. */
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
