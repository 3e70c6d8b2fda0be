/** The inference server's own account of a run: its /metrics, read before, during and after. */
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

/** Time between readings unless something else is asked for. */
export const SCRAPE_INTERVAL_MS = 1000;

/** What {@linkcode ServerMetricsScraper.probe} found: a scraper, or why there is none. */
export type ProbeResult =
  | { scraper: ServerMetricsScraper; reason: null }
  | { scraper: null; reason: string };

/**
 * Reads a server's metrics at an interval. A reading that fails is left out and counted: the load is
 * never troubled by it.
 *
 * @example
 * ```ts
 * // a transport of its own: the load's limit stays the load's
 * await using transport = await openTransport({ only: "portable" });
 * const { scraper } = await ServerMetricsScraper.probe(endpoint, transport, signal);
 * await using _ = scraper;
 * scraper?.start(SCRAPE_INTERVAL_MS, signal);
 * await runLoad({ endpoint, concurrency: 16, duration: "60s" });
 * await scraper?.stop();
 * ```
 */
export class ServerMetricsScraper implements AsyncDisposable {
  /** Whose metrics they are. */
  readonly server: ServerKind;
  /** Where they are read; of several endpoints the first one's. */
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
   * Looks for /metrics at the endpoint's origin; what it finds is the first reading. Whatever goes
   * wrong is given as the reason that there is no scraper.
   *
   * @param endpoint any URL of the server; of several servers one each, whose readings are put together.
   * @param transport not that of the load, whose limit on requests in flight would count readings.
   * It remains the caller's to dispose of, after the scraper.
   * @throws {CancelledError} when the signal is aborted, and nothing else.
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

  /** Those that were not taken yet, in the order of their times. */
  get readings(): readonly ServerMetricsReading[] {
    return this.#readings;
  }

  /** Hands over the readings that were not taken yet. */
  take(): ServerMetricsReading[] {
    const taken = this.#readings;
    this.#readings = [];
    return taken;
  }

  /** Readings that failed. */
  get failures(): number {
    return this.#failures;
  }

  /** Why the latest of them failed. */
  get last_failure(): string | null {
    return this.#last_failure;
  }

  /** Lines on metrics that are read, of all readings, that were malformed and passed over. */
  get malformed_lines(): number {
    return this.#malformed_lines;
  }

  /**
   * Takes a reading now and then one each interval, never two at once: what comes due while one is
   * under way is left out. Goes on until {@linkcode stop}, disposal or the signal's abort.
   */
  start(interval_ms: number, signal: AbortSignal): void {
    if (!(interval_ms > 0)) throw new RangeError(`interval_ms: ${interval_ms} is not above 0`);
    if (this.#scope) throw new Error("the scraper has been started");
    this.#signal = signal;
    this.#scope = new Scope(signal);
    this.#scope.spawn((inner) => this.#readAtIntervals(interval_ms, inner));
  }

  /**
   * Breaks off the reading under way and takes the last one, unless the signal is aborted. Does
   * nothing where nothing was started; never throws.
   */
  async stop(): Promise<void> {
    if (!this.#scope) return;
    const signal = this.#signal!;
    await this[Symbol.asyncDispose]();
    await unlessCancelled(this.#read(signal));
  }

  /** Ends it without another reading; nothing is left running. */
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
      // servers of one kind call their engines alike
      const of: Record<string, string> = pages.length > 1 ? { dyno_page: url.href } : {};
      return samples.map((sample) => ({ ...sample, labels: { ...sample.labels, ...of } }));
    });
    const t_ns = pages.reduce((sum, page) => sum + page.t_ns, 0) / pages.length;
    this.#readings.push(readingOf(this.server, all, t_ns));
  }
}

/** Waits for it; a cancellation is not an error. */
async function unlessCancelled(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof CancelledError)) throw error;
  }
}

/** Gets the pages of all servers; one that is not available leaves none. @throws as {@linkcode fetchPage}. */
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
