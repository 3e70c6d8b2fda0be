/** Metrics of a process, in Prometheus text format. */
import { Families } from "./families.ts";
import { HostMetrics, type NewestSample } from "./host_metrics.ts";
import { RequestMetrics } from "./request_metrics.ts";
import { type FollowOptions, RunFeed } from "./run_feed.ts";
import { TaskFamilies } from "./task_metrics.ts";

export interface MetricsOptions {
  /** Prefix of the families' names. Default "dyno". */
  prefix?: string;
}

/**
 * A run that is followed. Disposing reads the rest of it and stops following; throws the system's
 * error when it cannot be read.
 */
export type FollowedRun = AsyncDisposable;

/** The answer to a scrape. */
export interface MetricsText {
  contentType: string;
  text: string;
}

/** Metrics from run directories, which each scrape reads, and from values that their owner counts. */
export class Metrics implements AsyncDisposable {
  /** Metrics of tasks, packages and a server's own requests. */
  readonly tasks: TaskFamilies;
  readonly #families: Families;
  readonly #requests: RequestMetrics;
  readonly #host: HostMetrics;
  readonly #feeds = new Set<RunFeed>();
  readonly #models = new Set<string>();
  #sweep: SweepMetrics | null = null;

  constructor(families: Families) {
    this.#families = families;
    this.tasks = new TaskFamilies(families);
    this.#requests = new RequestMetrics(families);
    this.#host = new HostMetrics(families);
  }

  /** Metrics of a sweep's runs; exposed once this is accessed. */
  get sweep(): SweepMetrics {
    this.#sweep ??= new SweepMetrics(this.#families);
    return this.#sweep;
  }

  /**
   * Follows a run: from now on, the text includes what its directory contains.
   *
   * @param path the run directory, or a folder of samples; it may still be empty.
   */
  follow(path: string, options: FollowOptions = {}): FollowedRun {
    const feed = new RunFeed(path, { tasks: this.tasks, requests: this.#requests }, options);
    this.#feeds.add(feed);
    return {
      [Symbol.asyncDispose]: async () => {
        if (!this.#feeds.delete(feed)) return;
        await feed.end();
      },
    };
  }

  /**
   * Reads what is new in the followed runs, and returns all metrics; a run that no longer exists is
   * left out.
   */
  async text(): Promise<MetricsText> {
    for (const feed of [...this.#feeds]) await feed.read().catch(() => {});
    const feeds = [...this.#feeds]; // one may have ended meanwhile
    this.#tellInFlight(feeds);
    this.#host.tell(feeds.map(newestSampleOf).filter((sample) => sample !== null));
    return { contentType: this.#families.contentType, text: await this.#families.text() };
  }

  /** Stops following all runs. */
  async close(): Promise<void> {
    const feeds = [...this.#feeds];
    this.#feeds.clear();
    await Promise.allSettled(feeds.map((feed) => feed.end()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #tellInFlight(feeds: readonly RunFeed[]): void {
    const sums = new Map<string, number>([...this.#models].map((model) => [model, 0]));
    for (const { inFlight } of feeds) {
      if (inFlight === null) continue;
      const model = this.#requests.modelOf(inFlight.model);
      sums.set(model, (sums.get(model) ?? 0) + inFlight.requests);
      this.#models.add(model);
    }
    for (const [model, requests] of sums) this.#requests.inFlight(model, requests);
  }
}

function newestSampleOf(feed: RunFeed): NewestSample | null {
  try {
    return feed.newestSample();
  } catch {
    return null;
  }
}

/**
 * Opens metrics. Only this loads prom-client.
 *
 * @throws {InputError} the prefix is not valid at the start of a metric's name.
 *
 * @example
 * ```ts
 * await using metrics = await openMetrics();
 * await using run = metrics.follow("runs/bench_0a1b2c3d_20260101_120000");
 * const { contentType, text } = await metrics.text();
 * ```
 */
export async function openMetrics({ prefix = "dyno" }: MetricsOptions = {}): Promise<Metrics> {
  return new Metrics(await Families.open(prefix));
}

/** Counts the runs of a sweep. */
class SweepMetrics {
  readonly #families;

  constructor(families: Families) {
    this.#families = {
      planned: families.gauge("sweep_planned_runs", "Runs of the sweep, finished ones included."),
      runs: families.counter("sweep_runs_total", "Runs of the sweep that ended here, by result.", [
        "result",
      ]),
      seconds: families.counter("sweep_run_seconds_total", "Time that the sweep's runs took."),
    };
  }

  planned(runs: number, finished: number): void {
    this.#families.planned.of({}).set(runs);
    this.#families.runs.of({ result: "skipped" }).inc(finished);
    for (const result of ["success", "failed"]) this.#families.runs.of({ result });
  }

  ended(success: boolean, duration_s: number): void {
    this.#families.runs.of({ result: success ? "success" : "failed" }).inc();
    this.#families.seconds.of({}).inc(Math.max(0, duration_s));
  }
}
