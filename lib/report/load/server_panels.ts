/** The server's own metrics over time. */
import type { HostPanel, Points } from "../charts/host_panels.ts";
import type { ServerMetricsReading } from "../../run/request_record.ts";

const NS_PER_S = 1e9;
const MOST_POINTS = 600;

type Gauge = "running" | "waiting" | "kv_cache_usage";
type Counter = "generation_tokens_total" | "prompt_tokens_total" | "preemptions_total";

/**
 * The panels of the server's metrics; `origin_ns` is second 0, `length_s` the end of the picture.
 */
export function serverPanels(
  readings: readonly ServerMetricsReading[],
  origin_ns: number,
  length_s: number,
): HostPanel[] {
  const step = Math.max(1, Math.ceil(readings.length / MOST_POINTS));
  const shown = readings.filter((_, i) => i % step === 0 || i === readings.length - 1);
  const second = ({ t_ns }: ServerMetricsReading) => (t_ns - origin_ns) / NS_PER_S;
  const within = (points: Points) => points.filter(([at_s]) => at_s >= 0 && at_s <= length_s);
  const gauge = (name: Gauge, factor = 1): Points =>
    within(shown.flatMap((reading): Points => {
      const value = reading[name];
      return value === null ? [] : [[second(reading), factor * value]];
    }));
  const growth = (name: Counter): Points =>
    within(
      shown.slice(1).flatMap((reading, i): Points => {
        const before = shown[i][name], after = reading[name];
        const span_s = second(reading) - second(shown[i]);
        if (before === null || after === null || after < before || span_s <= 0) return [];
        return [[second(reading) - span_s / 2, (after - before) / span_s]];
      }),
    );
  const panels: HostPanel[] = [
    {
      title: "server: requests",
      lines: [
        { name: "running", colour: "var(--c1)", points: gauge("running") },
        { name: "waiting", colour: "var(--c2)", points: gauge("waiting") },
      ],
    },
    {
      title: "server: KV cache in use, %",
      max: 100,
      lines: [{ name: "KV cache", colour: "var(--c3)", points: gauge("kv_cache_usage", 100) }],
    },
    {
      title: "server: tokens/s generated",
      lines: [
        { name: "generated", colour: "var(--c1)", points: growth("generation_tokens_total") },
      ],
    },
  ];
  return panels.map(({ lines, ...panel }) => ({
    ...panel,
    lines: lines.filter(({ points }) => points.length > 1),
  })).filter(({ lines }) => lines.length > 0);
}
