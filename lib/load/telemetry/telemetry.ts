/** Figures of GPUs and hosts from recorded pages: series over time, and summaries of a window. */
import { pageLines, type PageSeries } from "./page_log.ts";
import { METRIC_NAMES } from "../server/server_reading.ts";
import { type KnownSeries, knownSeries, type Quantity } from "./known_series.ts";
import type { RunDirectory } from "../../run/directory.ts";
import type { PageCount } from "../../run/request_record.ts";

/** A quantity of a device over time, with a point for every reading of its page. */
export interface TelemetrySeries {
  /** The page's URL. */
  page: string;
  /** Such as `GPU 0`; empty for the host. Includes the host's name where a page has several. */
  device: string;
  quantity: Quantity;
  counter: boolean;
  /** CLOCK_MONOTONIC nanoseconds, and the value in the quantity's unit; null where unknown. */
  points: [t_ns: number, value: number | null][];
}

/** A figure of a device in the measured window. Null where unknown. */
export interface TelemetryFigure {
  /** The page that it is from. */
  page: string;
  /** The device's name on that page. */
  device: string;
  /** Its name with a unit, as in lib/measures. */
  name: string;
  /** Mean of a gauge's readings. */
  mean: number | null;
  /** Largest of these readings. */
  max: number | null;
  /** Increase of a counter. */
  increase: number | null;
}

/** The recorded pages in results.json. */
export interface RecordedPages {
  /** How each page was read; empty where unknown, as the load was killed. */
  pages: PageCount[];
  /** Number of series that were recorded, known or not. */
  series: number | null;
  /** Figures of the known series over the measured window. */
  figures: TelemetryFigure[];
  /** Names of the other series, with one name per histogram. Earlier versions of dyno recorded none. */
  others?: string[];
}

/** What recorded pages contain. */
export interface UnderstoodPages {
  /** The series of GPUs and hosts. */
  known: TelemetrySeries[];
  /** Names of all other series that do not belong to a known inference server, sorted. */
  others: string[];
}

interface Slot {
  series: TelemetrySeries;
  known: KnownSeries;
  values: Map<number, number | null>;
}

/**
 * Reads the known series. Parts of one quantity of a device (cores, interfaces) are added up; where
 * an exporter reports one value several times, such as for a GPU that several pods share, it counts
 * once. An unchanged value is repeated at each reading of its page.
 */
export function readTelemetry(directory: RunDirectory): UnderstoodPages {
  const slots = new Map<string, Slot>();
  const ofId = new Map<number, Slot>();
  const names = new Map<string, boolean>();
  for (const line of pageLines(directory)) {
    if ("series" in line) {
      for (const series of line.series) declare(series, slots, ofId, names);
      continue;
    }
    for (const [id, value] of line.values) ofId.get(id)?.values.set(id, value);
    for (const { series, known, values } of slots.values()) {
      if (series.page === line.page && values.size > 0) {
        series.points.push([line.t_ns, valueOf(known, [...values.values()])]);
      }
    }
  }
  const best = new Map<string, number>();
  const place = ({ series, known }: Slot) =>
    JSON.stringify([series.page, known.host, known.device, known.quantity]);
  for (const slot of slots.values()) {
    best.set(place(slot), Math.min(best.get(place(slot)) ?? Infinity, slot.known.rank));
  }
  const kept = [...slots.values()].filter((slot) => slot.known.rank === best.get(place(slot)));
  const hosts = Map.groupBy(kept, ({ series }) => series.page);
  for (const ofPage of hosts.values()) {
    const named = new Set(ofPage.map(({ known }) => known.host).filter(Boolean));
    if (named.size < 2) continue;
    for (const { series, known } of ofPage) {
      series.device = [known.device, known.host].filter(Boolean).join(" at ");
    }
  }
  const others = [...names].flatMap(([name, isKnown]) => isKnown ? [] : [name]).sort();
  return { known: kept.map(({ series }) => series), others };
}

/** Combines the series of one device; null where one of them is unknown. */
function valueOf({ adds, factor }: KnownSeries, values: readonly (number | null)[]): number | null {
  let all: number | null = null;
  for (const value of values) {
    if (value === null) return null;
    all = all === null ? value : adds ? all + value : Math.max(all, value);
  }
  return all === null ? null : all * factor;
}

function declare(
  declared: PageSeries,
  slots: Map<string, Slot>,
  ofId: Map<number, Slot>,
  names: Map<string, boolean>,
): void {
  const { page, name } = declared;
  const known = knownSeries(declared);
  const isServers = () => Object.values(METRIC_NAMES).some((own) => own.has(name));
  const plain = name.replace(/_(bucket|sum|count|created)$/, "");
  names.set(plain, names.get(plain) || known !== null || isServers());
  if (known === null) return;
  const { device, quantity, counter, rank, host } = known;
  const key = JSON.stringify([page, host, device, quantity, rank]);
  const slot = slots.get(key) ??
    { series: { page, device, quantity, counter, points: [] }, known, values: new Map() };
  slots.set(key, slot);
  ofId.set(declared.id, slot);
}

/**
 * Returns the figures of each series in a window. A host's CPU usage and memory in use are computed
 * from two series each.
 */
export function telemetryFigures(
  all: readonly TelemetrySeries[],
  from_ns: number,
  to_ns: number,
): TelemetryFigure[] {
  return [...all, ...hostSeries(all)].filter(({ quantity }) => !PARTS.has(quantity)).map(
    (series) => {
      const { page, device, quantity, counter } = series;
      const within = series.points.filter(([t_ns]) => t_ns >= from_ns && t_ns <= to_ns);
      const known = within.map(([, value]) => value).filter((value) => value !== null);
      const figure = { page, device, name: quantity, mean: null, max: null, increase: null };
      if (counter) return { ...figure, increase: increaseOver(series.points, from_ns, to_ns) };
      if (known.length === 0) return figure;
      return {
        ...figure,
        mean: known.reduce((sum, value) => sum + value, 0) / known.length,
        max: known.reduce((most, value) => Math.max(most, value)),
      };
    },
  );
}

const PARTS = new Set<string>([
  "cpu_busy_s",
  "cpu_idle_s",
  "memory_total_bytes",
  "memory_available_bytes",
]);

/** Computes a host's series that need two others: CPU usage, memory in use. */
export function hostSeries(
  all: readonly TelemetrySeries[],
): (Omit<TelemetrySeries, "quantity"> & { quantity: string })[] {
  const parts = all.filter(({ quantity }) => PARTS.has(quantity));
  const hosts = Map.groupBy(parts, ({ page, device }) => JSON.stringify([page, device]));
  return [...hosts.values()].flatMap((own) => {
    const [{ page, device }] = own;
    const of = (wanted: Quantity) => own.find(({ quantity }) => quantity === wanted)?.points;
    const busy = of("cpu_busy_s"), idle = of("cpu_idle_s");
    const total = of("memory_total_bytes"), available = of("memory_available_bytes");
    const made = (quantity: string, points: TelemetrySeries["points"]) => ({
      page,
      device,
      quantity,
      counter: false,
      points,
    });
    return [
      ...(busy && idle ? [made("cpu_usage_percent", cpuPercent(busy, idle))] : []),
      ...(total && available
        ? [made("memory_used_bytes", pairs(total, available, (all, left) => all - left))]
        : []),
    ];
  });
}

function pairs(
  one: TelemetrySeries["points"],
  other: TelemetrySeries["points"],
  of: (one: number, other: number) => number,
): TelemetrySeries["points"] {
  const at = new Map(other);
  return one.map(([t_ns, value]) => {
    const second = at.get(t_ns) ?? null;
    return [t_ns, value === null || second === null ? null : of(value, second)];
  });
}

/** Busy time as a percentage of all time since the reading before. */
function cpuPercent(
  busy: TelemetrySeries["points"],
  idle: TelemetrySeries["points"],
): TelemetrySeries["points"] {
  const both = pairs(busy, idle, (worked, idled) => worked + idled);
  return busy.slice(1).map(([t_ns, value], i) => {
    const before = busy[i][1], all = both[i + 1][1], all_before = both[i][1];
    const known = value !== null && before !== null && all !== null && all_before !== null;
    if (!known || all <= all_before || value < before) return [t_ns, null];
    return [t_ns, 100 * (value - before) / (all - all_before)];
  });
}

/** A counter's increase is known if readings cover at least this share of the window. */
const LEAST_COVERED = 0.95;

/**
 * The increase of a counter in a window: that between the enclosing readings, scaled to the window.
 * Null where they cover too little of it, or where the counter fell or was unknown.
 */
function increaseOver(
  points: TelemetrySeries["points"],
  from_ns: number,
  to_ns: number,
): number | null {
  const first = Math.max(0, points.findLastIndex(([t_ns]) => t_ns <= from_ns));
  const behind = points.findIndex(([t_ns]) => t_ns >= to_ns);
  const span = points.slice(first, behind < 0 ? undefined : behind + 1);
  if (span.length < 2 || span.some(([, value]) => value === null)) return null;
  if (span.some(([, value], i) => i > 0 && value! < span[i - 1][1]!)) return null;
  const [start_ns, start] = span[0], [end_ns, end] = span.at(-1)!;
  const covered = (Math.min(to_ns, end_ns) - Math.max(from_ns, start_ns)) / (to_ns - from_ns);
  if (covered < LEAST_COVERED || end_ns <= start_ns) return null;
  return (end! - start!) * (to_ns - from_ns) / (end_ns - start_ns);
}
