/** The host over time, for the panels below the requests. */
import { meanPower } from "../../hardware/energy.ts";
import { cpuPercent, gpuNames, hostFigure, memoryUse } from "../../hardware/performance.ts";
import { rateUnit } from "./scales.ts";
import { headingOf } from "../../measures/describe.ts";
import type { Series } from "../../hardware/series.ts";

const MOST_POINTS = 600;
/** The kernel counts CPU time in steps of 4 to 10 ms, which shorter intervals would show. */
const LEAST_INTERVAL_S = 0.1;
const NS_PER_S = 1e9;

/** Times in seconds after the first request, with values. */
export type Points = [at_s: number, value: number][];

/** A panel with its lines; `max` fixes the upper end of its axis. */
export interface HostPanel {
  title: string;
  max?: number;
  lines: { name: string; colour: string; points: Points }[];
}

/** A part of the run, seconds after the first request. */
type Part = { start_s: number; end_s: number };

/** A value of one session over [from_ns, to_ns]; null if unknown. */
type Reading = (series: Series, from_ns: number, to_ns: number) => number | null;

/**
 * The host's activity during each part, in intervals of at least 100 ms; each value is drawn at the
 * middle of its interval. `origin_ns` is second 0.
 */
export function hostPanels(
  sessions: readonly Series[],
  origin_ns: number,
  parts: readonly Part[],
): HostPanel[] {
  const line = (name: string, colour: string, reading: Reading) => ({
    name,
    colour: `var(--${colour})`,
    points: points(sessions, origin_ns, parts, reading),
  });
  const panels: HostPanel[] = [
    {
      title: headingOf("cpu_usage_percent"),
      max: 100,
      lines: [line("CPU", "c1", (series, from, to) => cpuPercent(series, "cpu", from, to))],
    },
    { title: headingOf("memory_used_gb"), lines: [line("memory", "c3", memoryUsed)] },
    ratePanel("network", [
      line("received", "c1", hostRate("network", "received_bytes")),
      line("sent", "c2", hostRate("network", "sent_bytes")),
      line("loopback", "c3", growthRate(() => /^network\.lo\.received_bytes$/)),
    ]),
    ratePanel("disk", [
      line("read", "c1", hostRate("disk", "read_bytes")),
      line("written", "c2", hostRate("disk", "written_bytes")),
    ]),
    {
      title: headingOf("gpu_usage_percent"),
      max: 100,
      lines: [line("GPU", "c1", gpuMean(utilization))],
    },
    { title: headingOf("gpu_power_watts"), lines: [line("power", "c2", gpuPower)] },
  ];
  return panels.filter((panel) => panel.lines.some(({ points }) => points.length > 1));
}

function points(
  sessions: readonly Series[],
  origin_ns: number,
  parts: readonly Part[],
  reading: Reading,
): Points {
  const whole_s = parts.reduce((sum, part) => sum + part.end_s - part.start_s, 0);
  const wished_s = Math.max(LEAST_INTERVAL_S, whole_s / MOST_POINTS);
  const found: Points = [];
  for (const { start_s, end_s } of parts) {
    const count = Math.max(1, Math.round((end_s - start_s) / wished_s));
    const interval_s = (end_s - start_s) / count;
    for (let i = 0; i < count; i++) {
      const from_s = start_s + i * interval_s;
      const from_ns = origin_ns + from_s * NS_PER_S, to_ns = from_ns + interval_s * NS_PER_S;
      const series = sessions.find((each) => covers(each, from_ns, to_ns));
      const value = series ? reading(series, from_ns, to_ns) : null;
      if (value !== null) found.push([from_s + interval_s / 2, value]);
    }
  }
  return found;
}

/** Whether there are samples before and after the middle of the interval. */
function covers(series: Series, from_ns: number, to_ns: number): boolean {
  const middle_ns = (from_ns + to_ns) / 2, last = series.length - 1;
  return last > 0 && series.t_ns(0) <= middle_ns && series.t_ns(last) >= middle_ns;
}

function memoryUsed(series: Series, from_ns: number, to_ns: number): number | null {
  const { used } = memoryUse((name) => series.mean(name, from_ns, to_ns));
  return used === null ? null : used / 1024 ** 3;
}

function hostRate(kind: "disk" | "network", name: string): Reading {
  return growthRate((series) => hostFigure(series, kind, name));
}

/**
 * Bytes per second, summed over all matching counters, for the part of the interval that has
 * samples.
 */
function growthRate(patternFor: (series: Series) => RegExp): Reading {
  return (series, from_ns, to_ns) => {
    const from = Math.max(from_ns, series.t_ns(0));
    const to = Math.min(to_ns, series.t_ns(series.length - 1));
    const grown = series.names(patternFor(series)).flatMap((name) =>
      series.growth(name, from, to) ?? []
    );
    if (grown.length === 0 || to <= from) return null;
    return grown.reduce((a, b) => a + b) / ((to - from) / NS_PER_S);
  };
}

function utilization(series: Series, gpu: string, from_ns: number, to_ns: number): number | null {
  return series.mean(`${gpu}.utilization_percent`, from_ns, to_ns);
}

/** The power of all GPUs together. */
function gpuPower(series: Series, from_ns: number, to_ns: number): number | null {
  const each = gpuNames(series).flatMap((gpu) => meanPower(series, gpu, from_ns, to_ns) ?? []);
  return each.length ? each.reduce((a, b) => a + b) : null;
}

/** The mean over the GPUs. */
function gpuMean(
  read: (series: Series, gpu: string, from_ns: number, to_ns: number) => number | null,
): Reading {
  return (series, from_ns, to_ns) => {
    const each = gpuNames(series).flatMap((gpu) => read(series, gpu, from_ns, to_ns) ?? []);
    return each.length ? each.reduce((a, b) => a + b) / each.length : null;
  };
}

/** A panel of rates in bytes per second, in a suitable unit. */
function ratePanel(name: string, lines: HostPanel["lines"]): HostPanel {
  const most = lines.flatMap(({ points }) => points).reduce((max, [, v]) => Math.max(max, v), 0);
  const unit = rateUnit(most);
  const scaled = lines.filter(({ points }) => points.length > 0).map((line) => ({
    ...line,
    points: line.points.map(([at_s, value]): [number, number] => [at_s, value / unit.bytes]),
  }));
  return { title: `${name}, ${unit.name}`, lines: scaled };
}
