/** Measures how accurate this host's client is, against a server that stamps when it sent each event. */
import { availableParallelism, hostname } from "node:os";
import process from "node:process";
import { Reply } from "../endpoint/answer.ts";
import { WireTransport } from "../endpoint/wire.ts";
import { throwIfAborted } from "../execute/scope.ts";
import { sleep } from "../execute/sleep.ts";
import { nowNs } from "../native/clock.ts";
import { PacedServer, paceStamp } from "../native/pace.ts";
import { LogHistogram } from "../stats/histogram.ts";
import type { NativeLibrary } from "../native/ffi.ts";

/** A distribution in milliseconds. */
export interface ErrorMs {
  p50: number;
  p99: number;
  max: number;
}

/** What was measured at one level of load. */
export interface CalibrationCell {
  streams: number;
  tokens_per_s: number;
  /** Achieved over all streams. */
  events_per_s: number;
  events: number;
  /** The client's time stamp of an event minus the time at which the server handed it to the kernel. */
  lag_ms: ErrorMs;
  /** Measured ttft minus true ttft; both start when the request is sent. */
  ttft_error_ms: ErrorMs;
  /** |measured − true| time between consecutive events of a stream. */
  gap_error_ms: ErrorMs;
  /** CPU time of the whole client per event, without the server's thread, µs. */
  cpu_us_per_event: number;
  trusted: boolean;
}

export interface Calibration {
  schema_version: 1;
  hostname: string;
  cores: number;
  /** ISO 8601. */
  measured_at: string;
  transport: string;
  scheduling: string | null;
  cells: CalibrationCell[];
  /** The most events a second at which the client can be trusted. */
  ceiling_events_per_s: number;
}

/** Streams and tokens a second of each cell, in growing order. */
const CALIBRATION_LOADS: readonly { streams: number; tokens_per_s: number }[] = [
  { streams: 1, tokens_per_s: 50 },
  { streams: 16, tokens_per_s: 50 },
  { streams: 64, tokens_per_s: 50 },
  { streams: 256, tokens_per_s: 50 },
  { streams: 512, tokens_per_s: 50 },
  { streams: 1024, tokens_per_s: 50 },
  { streams: 2048, tokens_per_s: 50 },
  { streams: 512, tokens_per_s: 200 },
  { streams: 1024, tokens_per_s: 200 },
];

/** A p99 error above this is more than a measuring client should add. */
const TRUSTED_ERROR_MS = 1;

/**
 * Measures the client at every level of load, for some seconds each.
 *
 * @throws {CancelledError} when the signal is aborted.
 */
export async function calibrate(
  library: NativeLibrary,
  seconds: number,
  signal: AbortSignal,
  onCell: (cell: CalibrationCell) => void,
): Promise<Calibration> {
  const cells: CalibrationCell[] = [];
  let scheduling: string | null = null;
  for (const { streams, tokens_per_s } of CALIBRATION_LOADS) {
    throwIfAborted(signal);
    const measured = await measureCell(library, streams, tokens_per_s, seconds, signal);
    scheduling = measured.scheduling;
    cells.push(measured.cell);
    onCell(measured.cell);
  }
  const rates = cells.filter(({ trusted }) => trusted).map(({ events_per_s }) => events_per_s);
  return {
    schema_version: 1,
    hostname: hostname(),
    cores: availableParallelism(),
    measured_at: new Date().toISOString(),
    transport: "wire",
    scheduling,
    cells,
    ceiling_events_per_s: Math.max(0, ...rates),
  };
}

async function measureCell(
  library: NativeLibrary,
  streams: number,
  tokens_per_s: number,
  seconds: number,
  signal: AbortSignal,
): Promise<{ cell: CalibrationCell; scheduling: string | null }> {
  const tokens = Math.max(20, Math.round(tokens_per_s * seconds));
  using server = new PacedServer(library, {
    tokens,
    interval_us: Math.round(1e6 / tokens_per_s),
    delay_us: 100_000,
  });
  await using transport = new WireTransport(library);
  const streamsMeasured: Stream[] = [];
  const before = { cpu: process.cpuUsage(), server_ns: server.status().cpu_ns, t_ns: nowNs() };
  const spread_ns = 1e9 / tokens_per_s; // out of phase, like independent users
  let ended = 0;
  for (let i = 0; i < streams; i++) {
    const stream = new Stream();
    streamsMeasured.push(stream);
    transport.send({
      method: "POST",
      url: new URL(`${server.url}/v1/chat/completions`),
      headers: { "content-type": "application/json" },
      body: '{"stream":true}',
      timeout_s: seconds * 10 + 60,
      t_send_ns: nowNs() + 2e7 + i / streams * spread_ns,
    }, {
      onEvent: (data, t_ns) => stream.event(data, t_ns),
      onErrorEvent: () => {},
      onEnd: (exchange) => {
        stream.t_sent_ns = exchange.t_sent_ns;
        ended++;
      },
    });
  }
  while (ended < streams) await sleep(20, signal);
  const wall_s = (nowNs() - before.t_ns) / 1e9;
  const { user, system } = process.cpuUsage(before.cpu);
  const cpu_us = user + system - (server.status().cpu_ns - before.server_ns) / 1000;
  const { scheduling } = transport.status();
  const cell = cellOf(streamsMeasured, { streams, tokens_per_s, wall_s, cpu_us });
  return { cell, scheduling };
}

/** What arrived on one stream, recorded as a load's client records it. */
class Stream {
  t_sent_ns = 0;
  readonly stamps_ns: number[] = [];
  readonly sent_ns: number[] = [];
  readonly #reply = new Reply("chat", false);

  event(data: string, t_ns: number): void {
    this.#reply.event(data, t_ns, null);
    const at = data.indexOf('"content":"');
    const sent_ns = at < 0 ? null : paceStamp(data.substring(at + 11, at + 31));
    if (sent_ns === null) return;
    this.stamps_ns.push(t_ns);
    this.sent_ns.push(sent_ns);
  }
}

function cellOf(
  measured: readonly Stream[],
  { streams, tokens_per_s, wall_s, cpu_us }: {
    streams: number;
    tokens_per_s: number;
    wall_s: number;
    cpu_us: number;
  },
): CalibrationCell {
  const [lags, ttfts, gaps] = [new LogHistogram(), new LogHistogram(), new LogHistogram()];
  let events = 0;
  for (const { stamps_ns, sent_ns } of measured) {
    events += stamps_ns.length;
    stamps_ns.forEach((t_ns, i) => {
      const lag = t_ns - sent_ns[i];
      lags.add(lag);
      if (i === 0) ttfts.add(lag); // both ttfts start at t_sent, so they differ by the lag
      else gaps.add(Math.abs(lag - (stamps_ns[i - 1] - sent_ns[i - 1])));
    });
  }
  const gap_error_ms = errorOf(gaps);
  return {
    streams,
    tokens_per_s,
    events_per_s: events / wall_s,
    events,
    lag_ms: errorOf(lags),
    ttft_error_ms: errorOf(ttfts),
    gap_error_ms,
    cpu_us_per_event: cpu_us / Math.max(1, events),
    trusted: gap_error_ms.p99 <= TRUSTED_ERROR_MS && errorOf(lags).p99 <= TRUSTED_ERROR_MS,
  };
}

function errorOf(histogram: LogHistogram): ErrorMs {
  const at = (q: number) => (histogram.quantile(q) ?? 0) / 1e6;
  return { p50: at(0.5), p99: at(0.99), max: histogram.max / 1e6 };
}
