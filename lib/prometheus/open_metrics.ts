/** The metrics of a process, told in Prometheus' text form. */
import { Families } from "./families.ts";
import { HostMetrics, type NewestSample } from "./host_metrics.ts";
import { RequestMetrics } from "./request_metrics.ts";
import { type FollowOptions, RunFeed } from "./run_feed.ts";
import { SweepMetrics } from "./sweep_metrics.ts";
import { TaskFamilies } from "./task_metrics.ts";

export interface MetricsOptions {
  /** What the families' names begin with. Default "dyno". */
  prefix?: string;
}

/**
 * A run that is followed. Disposing takes the rest of it and ends that; it throws the system's error
 * when that cannot be read.
 */
export type FollowedRun = AsyncDisposable;

/** An answer to a scrape. */
export interface MetricsText {
  contentType: string;
  text: string;
}

/** Metrics, told from run directories at each scrape and from what their owner counts itself. */
export class Metrics implements AsyncDisposable {
  /** Tasks, packages and a server's own requests. */
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

  /** Runs of a sweep; told from when this is first asked for. */
  get sweep(): SweepMetrics {
    this.#sweep ??= new SweepMetrics(this.#families);
    return this.#sweep;
  }

  /**
   * Follows a run: what its directory tells is in the text from now on.
   *
   * @param path the run directory, or a folder of samples; it may be empty yet.
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

  /** Reads what is new of the runs that are followed, and tells all; one that is gone is left out. */
  async text(): Promise<MetricsText> {
    for (const feed of [...this.#feeds]) await feed.read().catch(() => {});
    const feeds = [...this.#feeds]; // one may have ended meanwhile
    this.#tellInFlight(feeds);
    this.#host.tell(feeds.map(newestSampleOf).filter((sample) => sample !== null));
    return { contentType: this.#families.contentType, text: await this.#families.text() };
  }

  /** Ends following. */
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
 * Opens metrics. prom-client is loaded here and nowhere before.
 *
 * @throws {InputError} a prefix that cannot begin a metric's name.
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
