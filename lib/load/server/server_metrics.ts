/** The inference server's own metrics, read before, during and after a run. */
import { EndpointError } from "../../endpoint/errors.ts";
import { messageOf } from "../../errors.ts";
import { CancelledError, Scope } from "../../execute/scope.ts";
import { sleep } from "../../execute/sleep.ts";
import { nowNs } from "../../native/clock.ts";
import { fetchPage, isExposition, type MetricsPage, type ScrapeOptions } from "./metrics_page.ts";
import { parseExposition } from "./prometheus_text.ts";
import { METRIC_NAMES, readingOf, recogniseServer, type ServerKind } from "./server_reading.ts";
import type { Transport } from "../../endpoint/transport.ts";
import type { ServerMetricsReading } from "../../run/request_record.ts";

export { summariseServer } from "./server_summary.ts";
export type { ServerKind } from "./server_reading.ts";
export type { ServerMetricsSummary } from "./server_summary.ts";
export type { ServerMetricsReading } from "../../run/request_record.ts";

/** Default time between readings. */
export const SCRAPE_INTERVAL_MS = 1000;

/** The result of {@linkcode ServerMetricsScraper.probe}: a scraper, or why there is none. */
export type ProbeResult =
  | { scraper: ServerMetricsScraper; reason: null }
  | { scraper: null; reason: string };

/**
 * Reads a server's metrics at an interval. Failed readings are left out and counted, and never
 * affect the load.
 *
 * @example
 * ```ts
 * // a separate transport, as the load's limit would count readings
 * await using transport = await openTransport({ only: "portable" });
 * const { scraper } = await ServerMetricsScraper.probe(endpoint, transport, signal);
 * await using _ = scraper;
 * scraper?.start(SCRAPE_INTERVAL_MS, signal);
 * await runLoad({ endpoint, concurrency: 16, duration: "60s" });
 * await scraper?.stop();
 * ```
 */
export class ServerMetricsScraper implements AsyncDisposable {
  /** The server whose metrics these are. */
  readonly server: ServerKind;
  /** The URL of the metrics; the first endpoint's where there are several. */
  readonly url: URL;
  readonly #urls: readonly URL[];
  readonly #transport: Transport;
  readonly #options: ScrapeOptions;
  #readings: ServerMetricsReading[] = [];
  #scope: Scope | null = null;
  #signal: AbortSignal | null = null;
  #failures = 0;
  #last_failure: string | null = null;
  #malformed_lines = 0;

  private constructor(
    server: ServerKind,
    pages: readonly MetricsPage[],
    transport: Transport,
    options: ScrapeOptions,
  ) {
    this.server = server;
    this.#urls = pages.map(({ url }) => url);
    this.url = this.#urls[0];
    this.#transport = transport;
    this.#options = options;
    this.#take(pages);
  }

  /**
   * Looks for /metrics at the endpoint's origin, and takes the first reading. Any problem is
   * returned as the reason why there is no scraper.
   *
   * @param endpoint any URL of the server; for several servers one each. Their readings are
   * combined.
   * @param transport not the load's, whose limit on requests in flight would count readings. The
   * caller disposes of it after the scraper.
   * @throws {CancelledError} the signal was aborted. Nothing else is thrown.
   */
  static async probe(
    endpoint: string | URL | readonly string[],
    transport: Transport,
    signal: AbortSignal,
    options: ScrapeOptions = {},
  ): Promise<ProbeResult> {
    try {
      const urls = (typeof endpoint === "string" || endpoint instanceof URL ? [endpoint] : endpoint)
        .map((each) => new URL("/metrics", each).href);
      const pages = await fetchPages([...new Set(urls)], transport, signal, options);
      const servers = pages.map(({ text }) => recogniseServer(text));
      const [server] = servers;
      const unknown = pages[servers.indexOf(null)];
      if (unknown !== undefined) {
        const what = isExposition(unknown.text)
          ? "has no metrics of vLLM, SGLang, llama.cpp, TGI or TensorRT-LLM"
          : "is no Prometheus text";
        return { scraper: null, reason: `${unknown.url}: the answer ${what}` };
      }
      if (servers.some((other) => other !== server)) {
        return { scraper: null, reason: `metrics of ${servers.join(", ")} do not add up` };
      }
      const scraper = new ServerMetricsScraper(server!, pages, transport, options);
      return { scraper, reason: null };
    } catch (error) {
      if (error instanceof CancelledError) throw error;
      return { scraper: null, reason: messageOf(error) };
    }
  }

  /** The readings that were not taken yet, in order of time. */
  get readings(): readonly ServerMetricsReading[] {
    return this.#readings;
  }

  /** Returns the readings that were not taken yet, and marks them as taken. */
  take(): ServerMetricsReading[] {
    const taken = this.#readings;
    this.#readings = [];
    return taken;
  }

  /** How many readings failed. */
  get failures(): number {
    return this.#failures;
  }

  /** The error of the last failed reading; null for none. */
  get last_failure(): string | null {
    return this.#last_failure;
  }

  /** How many lines of relevant metrics were malformed, over all readings. */
  get malformed_lines(): number {
    return this.#malformed_lines;
  }

  /**
   * Takes a reading now and then one per interval, one at a time: a reading is skipped while
   * another is running. Continues until {@linkcode stop}, disposal or the signal's abort.
   */
  start(interval_ms: number, signal: AbortSignal): void {
    if (!(interval_ms > 0)) throw new RangeError(`interval_ms: ${interval_ms} is not above 0`);
    if (this.#scope) throw new Error("the scraper has been started");
    this.#signal = signal;
    this.#scope = new Scope(signal);
    this.#scope.spawn((inner) => this.#readAtIntervals(interval_ms, inner));
  }

  /**
   * Breaks off the current reading and takes a last one, unless the signal is aborted. Does nothing
   * if not started; never throws.
   */
  async stop(): Promise<void> {
    if (!this.#scope) return;
    const signal = this.#signal!;
    await this[Symbol.asyncDispose]();
    await unlessCancelled(this.#read(signal));
  }

  /** Stops without another reading; nothing keeps running. */
  async [Symbol.asyncDispose](): Promise<void> {
    const scope = this.#scope;
    this.#scope = null;
    await scope?.[Symbol.asyncDispose]();
  }

  #readAtIntervals(interval_ms: number, signal: AbortSignal): Promise<void> {
    const interval_ns = interval_ms * 1e6;
    const t_start_ns = nowNs();
    const forever = async () => {
      while (true) {
        await this.#read(signal);
        const since_ns = nowNs() - t_start_ns;
        await sleep((interval_ns - since_ns % interval_ns) / 1e6, signal);
      }
    };
    return unlessCancelled(forever());
  }

  /** @throws {CancelledError} */
  async #read(signal: AbortSignal): Promise<void> {
    try {
      this.#take(await fetchPages(this.#urls, this.#transport, signal, this.#options));
    } catch (error) {
      if (error instanceof CancelledError) throw error;
      this.#failures++;
      this.#last_failure = messageOf(error);
    }
  }

  #take(pages: readonly MetricsPage[]): void {
    const all = pages.flatMap(({ url, text }) => {
      if (recogniseServer(text) !== this.server) {
        throw new EndpointError("malformed", `${url}: the answer has no metrics of ${this.server}`);
      }
      const { samples, malformed_lines } = parseExposition(text, METRIC_NAMES[this.server]);
      this.#malformed_lines += malformed_lines;
      // servers of one kind use the same engine labels
      const of: Record<string, string> = pages.length > 1 ? { dyno_page: url.href } : {};
      return samples.map((sample) => ({ ...sample, labels: { ...sample.labels, ...of } }));
    });
    const t_ns = pages.reduce((sum, page) => sum + page.t_ns, 0) / pages.length;
    this.#readings.push(readingOf(this.server, all, t_ns));
  }
}

/** Waits for work; its cancellation is not an error. */
async function unlessCancelled(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof CancelledError)) throw error;
  }
}

/** Fetches the pages of all servers, or none. @throws as {@linkcode fetchPage}. */
async function fetchPages(
  urls: readonly (string | URL)[],
  transport: Transport,
  signal: AbortSignal,
  options: ScrapeOptions,
): Promise<MetricsPage[]> {
  return await Promise.all(
    urls.map((url) => fetchPage(new URL(url), transport, signal, options)),
  );
}
