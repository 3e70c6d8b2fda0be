/** Reports the progress of a running load to its listeners, and in its journal. */
import process from "node:process";
import { nowNs } from "../native/clock.ts";
import { type LiveFigures, LiveLoad } from "./live_load.ts";
import { type LoadProgress, withTimeLeft } from "./time_left.ts";
import { availableParallelism } from "node:os";
import type { Transport, TransportStatus } from "../endpoint/transport.ts";
import type { Sampler } from "../hardware/sampler.ts";
import type { Journal } from "../run/journal.ts";
import type { ClientReading, RequestRecord } from "../run/request_record.ts";
import type { Drive } from "./drive.ts";
import type { MetricsReaders } from "./server/metrics_readers.ts";
import type { LoadStage } from "./stages.ts";
import type { LogHistogram } from "../stats/histogram.ts";

const PROGRESS_MS = 200;
/** How often progress is written to the journal. */
const JOURNAL_PROGRESS_MS = 1000;
/** The span of the host's figures in a live look. */
const HOST_NS = 1e9;

/** What is watched of a load. */
interface Watched {
  drive: Pick<Drive, "progress" | "inFlight" | "lags">;
  stages: readonly LoadStage[];
  transport: Transport;
  journal: Journal;
  metrics: MetricsReaders;
  sampler: Sampler | null;
  onProgress(progress: LoadProgress): void;
  onLive?: ((look: () => LiveFigures) => void) | undefined;
}

/** Watches one load from its construction. */
export class LoadWatch implements Disposable {
  readonly #of: Watched;
  /** Null where no one looks at live figures. */
  readonly #live: LiveLoad | null;
  #client: ClientWatch;
  #began = { start_ns: nowNs(), ended: 0 };
  #last: LiveFigures | null = null;
  #timers: ReturnType<typeof setInterval>[] = [];

  constructor(watched: Watched) {
    this.#of = watched;
    this.#live = watched.onLive ? new LiveLoad(watched.stages.length) : null;
    this.#client = new ClientWatch(watched.transport, PROGRESS_MS);
  }

  /** Restarts the count of the client's cost, which must not include waiting for other processes. */
  restart(): void {
    this.#client = new ClientWatch(this.#of.transport, PROGRESS_MS);
  }

  /** Called when a stage begins. */
  stage(start_ns: number): void {
    this.#began = { start_ns, ended: this.#of.drive.progress().ended };
  }

  /** Called when a request has ended. */
  took(record: RequestRecord, gaps_ms: Float32Array): void {
    this.#live?.took(record, gaps_ms);
  }

  /** Returns what the load has cost its client so far. */
  client(): ClientReading {
    const { lags } = this.#of.drive;
    return this.#client.reading(lags, this.#of.drive.progress().events);
  }

  /** Starts reporting. @throws {InputError} the journal cannot be written. */
  start(): void {
    this.#tell();
    this.#of.onLive?.(() => this.#look());
    const beating = setInterval(() => this.#beat(), PROGRESS_MS);
    const telling = setInterval(() => {
      try {
        this.#tell();
      } catch { /* a full disk ends the load at its next record, with its reason */ }
    }, JOURNAL_PROGRESS_MS);
    this.#timers = [beating, telling];
  }

  /** Stops reporting when the load has ended; the live figures stay as they are. */
  stop(): void {
    this[Symbol.dispose]();
    // the last server reading is older than the end: the requests that it counts have ended
    if (this.#live) this.#last = { ...this.#look(), server: null };
    this.#beat();
  }

  [Symbol.dispose](): void {
    this.#timers.forEach(clearInterval);
    this.#timers = [];
  }

  #progress() {
    const { drive } = this.#of;
    return { ...drive.progress(), in_flight: drive.inFlight() };
  }

  #withTimeLeft(): LoadProgress {
    return withTimeLeft(this.#progress(), this.#of.stages, this.#began, nowNs());
  }

  #beat(): void {
    this.#client.beat();
    this.#of.onProgress(this.#withTimeLeft());
  }

  #tell(): void {
    const { journal, metrics } = this.#of;
    journal.append({ event: "load_progress", ...this.#progress(), client: this.client() });
    for (const event of metrics.take()) journal.append(event);
  }

  #look(): LiveFigures {
    if (this.#last !== null) return this.#last;
    const { sampler, metrics } = this.#of;
    const now_ns = nowNs();
    const host = sampler && sampler.metricsOver(now_ns - HOST_NS, now_ns);
    const progress = this.#withTimeLeft();
    return this.#live!.figures({ progress, client: this.client(), server: metrics.latest, host });
  }
}

const NS_PER_MS = 1e6;
const NS_PER_S = 1e9;

/** Watches this process and a transport from its construction. */
class ClientWatch {
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
