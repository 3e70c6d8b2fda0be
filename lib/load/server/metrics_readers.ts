/** Reads metrics of servers during a load: the endpoint's own, and Prometheus pages to be recorded. */
import { type APIConfiguration, endpointsAsked } from "../../endpoint/api.ts";
import { PortableTransport } from "../../endpoint/portable/portable.ts";
import { CancelledError } from "../../execute/scope.ts";
import { counted } from "../../text/grouped.ts";
import { PageLog } from "../telemetry/page_log.ts";
import { PageRecorder } from "../telemetry/page_recorder.ts";
import { SCRAPE_INTERVAL_MS, ServerMetricsScraper } from "./server_metrics.ts";
import { InputError, messageOf } from "../../errors.ts";
import { exchange, type Transport } from "../../endpoint/transport.ts";
import type { RunDirectory } from "../../run/directory.ts";
import type { LoadEvent } from "../../run/events.ts";
import type { LoadSettings } from "../../settings/load.ts";
import type { LiveReadings } from "../live_load.ts";
import type { ServerKind } from "./server_reading.ts";

/** Reads metrics once a second while a load runs, through a separate transport. */
export class MetricsReaders implements AsyncDisposable {
  readonly #api: APIConfiguration;
  readonly #transport: PortableTransport;
  readonly #scraper: ServerMetricsScraper | null;
  readonly #pages: PageRecorder;
  readonly #recorded: number;
  #log: PageLog | null = null;
  /** The server's latest metrics; null where it has none. */
  latest: LiveReadings["server"] = null;

  private constructor(
    api: APIConfiguration,
    transport: PortableTransport,
    scraper: ServerMetricsScraper | null,
    pages: PageRecorder,
    recorded: number,
  ) {
    this.#api = api;
    this.#transport = transport;
    this.#scraper = scraper;
    this.#pages = pages;
    this.#recorded = recorded;
  }

  /**
   * Finds the endpoint's metrics, and reads each page once.
   *
   * @param own whether to read the endpoint's own metrics; with several shards, only one does.
   * @throws {InputError} a page that cannot be read.
   */
  static async open(
    api: APIConfiguration,
    { server_metrics = [], server_metrics_names = [] }: LoadSettings,
    own: boolean,
    signal: AbortSignal,
  ): Promise<MetricsReaders> {
    const transport = new PortableTransport();
    let scraper: ServerMetricsScraper | null = null;
    try {
      scraper = own ? await probe(api, server_metrics, transport, signal) : null;
      const { tls } = api;
      const names = server_metrics_names;
      const pages = await PageRecorder.open(server_metrics, names, transport, signal, { tls });
      return new MetricsReaders(api, transport, scraper, pages, server_metrics.length);
    } catch (error) {
      await scraper?.[Symbol.asyncDispose]();
      await transport[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Empties the prefix cache of each server. @throws {InputError} a server has no call for it. */
  async resetCaches(signal: AbortSignal): Promise<void> {
    for (const endpoint of endpointsAsked(this.#api)) {
      const api = { ...this.#api, endpoint };
      await resetCache(this.#scraper?.server ?? null, api, this.#transport, signal);
    }
  }

  /**
   * Starts reading; pages are recorded in a file of the run.
   *
   * @throws {InputError} the file cannot be created.
   */
  start(directory: RunDirectory, signal: AbortSignal, onNotice: (line: string) => void): void {
    const scraper = this.#scraper;
    if (scraper) onNotice(`the server is ${scraper.server}; its metrics are read every second`);
    scraper?.start(SCRAPE_INTERVAL_MS, signal);
    if (this.#recorded === 0) return;
    this.#log = new PageLog(directory);
    onNotice(`recording ${counted(this.#recorded, "page")} every second: telemetry.jsonl`);
    this.#pages.start(this.#log, SCRAPE_INTERVAL_MS, signal);
  }

  /** Returns the server's readings since the last call, for the journal. */
  *take(): Generator<LoadEvent> {
    for (const reading of this.#scraper?.take() ?? []) {
      const { server } = this.#scraper!;
      this.latest = { name: server, reading };
      yield { event: "server_reading", server, reading };
    }
  }

  /** Takes the last readings, and reports how pages were read. */
  async *stop(signal: AbortSignal): AsyncGenerator<LoadEvent> {
    await this.#scraper?.stop();
    if (this.#log) {
      await this.#pages.stop(this.#log, signal);
      const { series, left_out } = this.#log;
      yield { event: "telemetry_read", pages: this.#pages.counts, series, left_out };
    }
    yield* this.take();
  }

  /** Stops without another reading. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pages[Symbol.asyncDispose]();
    await this.#scraper?.[Symbol.asyncDispose]();
    this.#log?.[Symbol.dispose]();
    await this.#transport[Symbol.asyncDispose]();
  }
}

/** Reads the server's metrics from the endpoint, or else from recorded pages that have them. */
async function probe(
  api: APIConfiguration,
  pages: readonly string[],
  transport: PortableTransport,
  signal: AbortSignal,
): Promise<ServerMetricsScraper | null> {
  const { tls } = api;
  const at = async (urls: readonly string[]) =>
    (await ServerMetricsScraper.probe(urls, transport, signal, { tls })).scraper;
  try {
    const own = await at(endpointsAsked(api));
    if (own !== null) return own;
    const found = await Promise.all(
      pages.map(async (url) => ({ url, server: (await at([url]))?.server })),
    );
    const first = found.find(({ server }) => server !== undefined)?.server;
    const same = found.filter(({ server }) => server !== undefined && server === first);
    return same.length > 0 ? await at(same.map(({ url }) => url)) : null;
  } catch (error) {
    if (error instanceof CancelledError) return null;
    throw error;
  }
}

/** Paths of the call; vLLM has it only in development mode (VLLM_SERVER_DEV_MODE=1). */
const PATHS: Partial<Record<ServerKind, string>> = {
  vllm: "/reset_prefix_cache",
  sglang: "/flush_cache",
};

const TIMEOUT_S = 10;

/**
 * Empties the cache of a server.
 *
 * @param server null where its metrics do not show which server it is.
 * @throws {InputError} the server has no such call, or refuses it.
 */
async function resetCache(
  server: ServerKind | null,
  { endpoint, tls }: APIConfiguration,
  transport: Transport,
  signal: AbortSignal,
): Promise<void> {
  const path = server === null ? undefined : PATHS[server];
  if (path === undefined) {
    throw new InputError(
      `--reset-cache: ${server ?? "this server"} has no call for it that dyno knows; ` +
        "vLLM and SGLang have one, and are known by their /metrics",
    );
  }
  const url = new URL(path, endpoint);
  const headers = { "user-agent": "dyno" };
  const request = { method: "POST" as const, url, headers, body: "", timeout_s: TIMEOUT_S, tls };
  let status: number;
  try {
    ({ status } = await exchange(transport, request, null, signal));
  } catch (error) {
    throw new InputError(`--reset-cache: POST ${url}: ${messageOf(error)}`);
  }
  if (status >= 200 && status < 300) return;
  const why = status === 404 && server === "vllm"
    ? "; vLLM has it where it was started with VLLM_SERVER_DEV_MODE=1"
    : "";
  throw new InputError(`--reset-cache: POST ${url} was answered ${status}${why}`);
}
