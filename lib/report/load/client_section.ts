/** The overhead of the measuring client, and the calibration that backs its figures. */
import { cutText, escapeHtml } from "../html.ts";
import { counted } from "../../text/grouped.ts";
import { percentText } from "../../text/percent.ts";
import { short } from "../../text/figure.ts";
import { durationLabel } from "../charts/scales.ts";
import { dataTable, type TableRow } from "../table.ts";
import type { CalibrationCited, ClientCost, Verdict } from "../../load/verdict.ts";

const HEADS = [{ html: "p99" }, { html: "at most" }, { html: "what it is", text: true }];

/** The client's delays and resource use, and the calibration, or a note that there is none. */
export function clientSection({ client, calibration }: Verdict): string {
  return delayTable(client) + useTable(client, calibration) + calibrationText(calibration);
}

function delayTable(client: ClientCost): string {
  const time = (ms: number | null) => ms === null ? "–" : durationShort(ms);
  const rows: TableRow[] = [
    {
      head: "read lag",
      cells: [
        time(client.read_lag_p99_ms),
        time(client.read_lag_max_ms),
        client.read_lag_p99_ms === null
          ? "this transport does not report when bytes reached the kernel"
          : "from the arrival of an event in the kernel to its time stamp",
      ],
    },
    {
      head: "lateness",
      cells: [
        time(client.lateness_p99_ms),
        time(client.lateness_max_ms),
        "from a request's scheduled time to its sending, without connecting",
      ],
    },
    {
      head: "reading paused",
      cells: ["–", time(client.blocked_ms), "in total, because the buffer of events was full"],
    },
  ];
  return dataTable("delays of the client", "delay", HEADS, rows);
}

function useTable(client: ClientCost, calibration: CalibrationCited | null): string {
  const { cpu_cores, cores, thread_cpu_cores, ring_use, events_per_s } = client;
  const of = (used: number, all: number) => percentText(all > 0 ? used / all : null);
  const ceiling = calibration?.ceiling_events_per_s ?? null;
  const rows: TableRow[] = [
    {
      head: "CPU of the process",
      cells: [`${cpu_cores.toFixed(2)} of ${counted(cores, "core")}`, of(cpu_cores, cores)],
    },
    {
      head: "CPU of the reading thread",
      cells: thread_cpu_cores === null
        ? ["–", "–"]
        : [`${thread_cpu_cores.toFixed(2)} of its core`, of(thread_cpu_cores, 1)],
    },
    {
      head: "buffer of events, at most",
      cells: ["–", percentText(ring_use)],
    },
    {
      head: "events",
      cells: [
        `${short(events_per_s)}/s${ceiling === null ? "" : ` of ${short(ceiling)}/s`}`,
        ceiling === null ? "–" : of(events_per_s, ceiling),
      ],
    },
  ];
  return dataTable("use of the host by the client", "use", [{ html: "" }, { html: "share" }], rows);
}

function calibrationText(calibration: CalibrationCited | null): string {
  if (!calibration) {
    return `<p class="note">This host has no calibration that covers this load. To make one: <code>dyno calibrate</code>.</p>`;
  }
  const { measured_at, streams, gap_error_p99_ms, ttft_error_p99_ms, ceiling_events_per_s } =
    calibration;
  return `<p class="note">Calibration of this host, ${
    escapeHtml(cutText(measured_at, 40))
  }: against a server whose times are known, ${
    counted(streams, "stream")
  } at once were measured with an error of at most ${
    durationShort(gap_error_p99_ms)
  } in a gap and ${durationShort(ttft_error_p99_ms)} in ttft (p99); up to ${
    short(ceiling_events_per_s)
  } events a second this host's client can be trusted.</p>`;
}

/** A duration in milliseconds, or in microseconds below a tenth of one. */
function durationShort(ms: number): string {
  return ms > 0 && ms < 0.0995
    ? `${(ms * 1000).toFixed(ms < 0.001 ? 2 : 0)} µs`
    : durationLabel(ms);
}
