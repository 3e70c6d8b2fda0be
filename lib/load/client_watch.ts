/** Measures what a load costs its own client while it runs. */
import { availableParallelism } from "node:os";
import process from "node:process";
import { nowNs } from "../native/clock.ts";
import type { Transport, TransportStatus } from "../endpoint/transport.ts";
import type { LogHistogram } from "../stats/histogram.ts";
import type { ClientReading } from "../run/request_record.ts";

const NS_PER_MS = 1e6;
const NS_PER_S = 1e9;

/** Watches this process and a transport from its construction. */
export class ClientWatch {
  readonly #transport: Transport;
  readonly #beat_ns: number;
  readonly #cpu = process.cpuUsage();
  readonly #start_ns = nowNs();
  readonly #before: TransportStatus;
  #last_beat_ns = nowNs();
  #stalled_ns = 0;

  /** @param beat_ms the interval at which {@linkcode beat} is called when nothing stalls. */
  constructor(transport: Transport, beat_ms: number) {
    this.#transport = transport;
    this.#beat_ns = beat_ms * NS_PER_MS;
    this.#before = transport.status();
  }

  /** Called at every beat. A late beat shows how long the process stalled. */
  beat(): void {
    const t_ns = nowNs();
    this.#stalled_ns = Math.max(this.#stalled_ns, t_ns - this.#last_beat_ns - this.#beat_ns);
    this.#last_beat_ns = t_ns;
  }

  /** Returns the cost so far. `lags`: how long after the kernel received data it was read, ns. */
  reading(lags: LogHistogram, events: number): ClientReading {
    const wall_s = (nowNs() - this.#start_ns) / NS_PER_S;
    const { user, system } = process.cpuUsage(this.#cpu);
    const before = this.#before, after = this.#transport.status();
    const since = (from: number | null, to: number | null) => to === null ? null : to - (from ?? 0);
    const thread_ns = since(before.cpu_ns, after.cpu_ns);
    const blocked_ns = since(before.blocked_ns, after.blocked_ns);
    return {
      transport: this.#transport.name,
      read_lag_p99_ms: lags.n > 0 ? lags.quantile(0.99)! / NS_PER_MS : null,
      read_lag_max_ms: lags.n > 0 ? lags.max / NS_PER_MS : null,
      cpu_cores: (user + system) / 1e6 / wall_s,
      thread_cpu_cores: thread_ns === null ? null : thread_ns / NS_PER_S / wall_s,
      cores: availableParallelism(),
      ring_use: after.ring_use,
      blocked_ms: blocked_ns === null ? null : blocked_ns / NS_PER_MS,
      stalled_ms: this.#stalled_ns / NS_PER_MS,
      events_per_s: events / wall_s,
      scheduling: after.scheduling,
    };
  }
}
