/** The host over time, for the panels below the requests. */
import { cpuPercent } from "../hardware/performance.ts";
import type { Series } from "../hardware/series.ts";

const MOST_POINTS = 800;
const NS_PER_S = 1e9;

type Points = [at_s: number, value: number][];

/** A panel with its lines; `max` fixes the upper end of its axis. */
export interface Panel {
  title: string;
  max?: number;
  lines: { name: string; colour: string; points: Points }[];
}

/** Stretches of at least 100 ms; the host is shown by what it did in each. */
export function hostPanels(sessions: readonly Series[], origin_ns: number, end_s: number): Panel[] {
  const stretch_s = Math.max(0.1, end_s / MOST_POINTS);
  const points = (value: (series: Series, from_ns: number, to_ns: number) => number | null) => {
    const found: Points = [];
    for (let at_s = 0; at_s < end_s; at_s += stretch_s) {
      const from_ns = origin_ns + at_s * NS_PER_S, to_ns = from_ns + stretch_s * NS_PER_S;
      const series = sessions.find((each) => covers(each, from_ns, to_ns));
      const shown = series ? value(series, from_ns, to_ns) : null;
      if (shown !== null) found.push([Math.min(end_s, at_s + stretch_s), shown]);
    }
    return found;
  };
  const rate = (pattern: RegExp) =>
    points((series, from, to) => {
      const grown = series.names(pattern).flatMap((name) => series.growth(name, from, to) ?? []);
      return grown.length ? grown.reduce((a, b) => a + b) / stretch_s / 1e6 : null;
    });
  const gpu = (metric: string) =>
    points((series, from, to) => {
      const each = series.names(new RegExp(`^gpu\\d+\\.${metric}$`))
        .flatMap((name) => series.mean(name, from, to) ?? []);
      return each.length ? each.reduce((a, b) => a + b) / each.length : null;
    });
  const line = (name: string, colour: string, points: Points) => ({
    name,
    colour: `var(--${colour})`,
    points,
  });
  const panels: Panel[] = [
    {
      title: "CPU %",
      max: 100,
      lines: [line("CPU", "c2", points((s, from, to) => cpuPercent(s, "cpu", from, to)))],
    },
    { title: "memory used, GiB", lines: [line("memory", "c3", points(memoryUsed))] },
    {
      title: "network, MB/s",
      lines: [
        line("received", "c1", rate(/^network\.(?!lo\.).*\.received_bytes$/)),
        line("sent", "c2", rate(/^network\.(?!lo\.).*\.sent_bytes$/)),
        line("loopback", "c3", rate(/^network\.lo\.received_bytes$/)),
      ],
    },
    {
      title: "GPU %",
      max: 100,
      lines: [line("GPU", "c1", gpu("utilization_percent"))],
    },
    { title: "GPU power, W", lines: [line("power", "c2", gpu("power(_instant)?_w"))] },
  ];
  return panels.filter((panel) => panel.lines.some((line) => line.points.length > 1));
}

function covers(series: Series, from_ns: number, to_ns: number): boolean {
  return series.length > 1 && series.t_ns(0) < to_ns && series.t_ns(series.length - 1) > from_ns;
}

function memoryUsed(series: Series, from_ns: number, to_ns: number): number | null {
  const total = series.mean("memory.total_bytes", from_ns, to_ns);
  const available = series.mean("memory.available_bytes", from_ns, to_ns);
  return total === null || available === null ? null : (total - available) / 1024 ** 3;
}
