/** What recorded pages say about GPUs and hosts: series over time, and their figures in a window. */
import { pageLines, type PageSeries } from "./page_log.ts";
import { METRIC_NAMES } from "../server/server_reading.ts";
import { type KnownSeries, knownSeries, type Quantity } from "./known_series.ts";
import type { RunDirectory } from "../../run/directory.ts";
import type { PageCount } from "../../run/request_record.ts";

/** A quantity of a device over time: of every reading of its page. */
export interface TelemetrySeries {
  /** The page's URL. */
  page: string;
  /** `GPU 0`; empty for the host; with the host's name where a page has several. */
  device: string;
  quantity: Quantity;
  counter: boolean;
  /** CLOCK_MONOTONIC nanoseconds, and the value in the quantity's unit; null is unknown. */
  points: [t_ns: number, value: number | null][];
}

/** A figure of a device in the measured window. Null is unknown. */
export interface TelemetryFigure {
  /** The page that told it. */
  page: string;
  /** The device that it is of, as the page names it. */
  device: string;
  /** In lib/measures' manner: with its unit. */
  name: string;
  /** The mean of a gauge's readings. */
  mean: number | null;
  /** The largest of them. */
  max: number | null;
  /** What a counter grew by. */
  increase: number | null;
}

/** What results.json has of recorded pages. */
export interface RecordedPages {
  /** How each page was read; of a load that was killed, unknown: empty. */
  pages: PageCount[];
  /** Series that were kept, understood or not. */
  series: number | null;
  /** Those that are understood, over the measured window. */
  figures: TelemetryFigure[];
  /** Names of the others, a histogram's once; earlier versions of dyno told none. */
  others?: string[];
}

/** What recorded pages say. */
export interface UnderstoodPages {
  /** The series of GPUs and hosts. */
  known: TelemetrySeries[];
  /** Names of series that are neither these nor a known inference server's, in order. */
  others: string[];
}

interface Slot {
  series: TelemetrySeries;
  known: KnownSeries;
  values: Map<number, number | null>;
}

/**
 * The series that are understood. Parts of one quantity and device are added up (cores, interfaces); where
 * an exporter says one thing several times, as of a GPU that several pods share, it counts once. A value
 * that did not change is there again at each reading of its page.
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

/** Of the series of one device; null where one of them is unknown. */
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

/** The figures of each series in a window, CPU and memory of hosts made of two series each. */
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

/** A host's series that are made of two: CPU usage, memory in use. */
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

/** Busy time as a share of all, between each reading and the one before. */
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

/** What a counter grew by is known of a window that its readings cover to this share. */
const LEAST_COVERED = 0.95;

/**
 * What a counter grew by in a window, between the readings that enclose it, scaled to it; null where they
 * leave too much of it, it fell, or was unknown between.
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
