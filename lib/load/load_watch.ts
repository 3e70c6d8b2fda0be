/** Reports the progress of a running load to its listeners, and in its journal. */
import { nowNs } from "../native/clock.ts";
import { ClientWatch } from "./client_watch.ts";
import { LiveLoad } from "./live_load.ts";
import { withTimeLeft } from "./time_left.ts";
import type { Transport } from "../endpoint/transport.ts";
import type { Sampler } from "../hardware/sampler.ts";
import type { Journal } from "../run/journal.ts";
import type { ClientReading, RequestRecord } from "../run/request_record.ts";
import type { Drive } from "./drive.ts";
import type { LiveFigures } from "./live_load.ts";
import type { MetricsReaders } from "./server/metrics_readers.ts";
import type { LoadStage } from "./stages.ts";
import type { LoadProgress } from "./time_left.ts";

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
