/** Records Prometheus pages during a load: reads each once a second into telemetry.jsonl. */
import { InputError, messageOf } from "../../errors.ts";
import { CancelledError, Scope } from "../../execute/scope.ts";
import { sleep } from "../../execute/sleep.ts";
import { nowNs } from "../../native/clock.ts";
import { fetchPage, isExposition } from "../server/metrics_page.ts";
import { parseExposition } from "../server/prometheus_text.ts";
import type { Transport } from "../../endpoint/transport.ts";
import type { MetricsPage, ScrapeOptions } from "../server/metrics_page.ts";
import type { PageCount } from "../../run/request_record.ts";
import type { PageLog } from "./page_log.ts";

/** Reads pages. Failed readings are counted, and have no other effect. */
export class PageRecorder implements AsyncDisposable {
  readonly #pages: { url: URL; count: PageCount }[];
  readonly #wanted: (name: string) => boolean;
  readonly #transport: Transport;
  readonly #options: ScrapeOptions;
  #first: MetricsPage[];
  #scope: Scope | null = null;

  private constructor(
    first: MetricsPage[],
    names: readonly string[],
    transport: Transport,
    options: ScrapeOptions,
  ) {
    this.#first = first;
    this.#pages = first.map(({ url }) => ({
      url,
      count: { url: url.href, readings: 0, failures: 0, last_failure: null },
    }));
    this.#wanted = wanted(names);
    this.#transport = transport;
    this.#options = options;
  }

  /**
   * Reads each page once, so that a wrong URL is reported before the load begins.
   *
   * @param names the metrics to keep, with `*` for any text; empty: all.
   * @param transport not the load's; the caller disposes of it.
   * @throws {InputError} a page cannot be read, or is not Prometheus text.
   * @throws {CancelledError} the signal is aborted.
   */
  static async open(
    urls: readonly string[],
    names: readonly string[],
    transport: Transport,
    signal: AbortSignal,
    options: ScrapeOptions = {},
  ): Promise<PageRecorder> {
    const first = await Promise.all(urls.map(async (text) => {
      if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
        throw new InputError(
          `--server-metrics: "${text}" is not an http or https URL; expected e.g. ` +
            "http://127.0.0.1:9400/metrics",
        );
      }
      try {
        const page = await fetchPage(new URL(text), transport, signal, options);
        if (!isExposition(page.text)) throw new Error(`${text}: the answer is no Prometheus text`);
        return page;
      } catch (error) {
        if (error instanceof CancelledError) throw error;
        throw new InputError(`--server-metrics: ${messageOf(error)}`);
      }
    }));
    return new PageRecorder(first, names, transport, options);
  }

  /** How each page was read. */
  get counts(): PageCount[] {
    return this.#pages.map(({ count }) => count);
  }

  /** Reads each page now and then once per interval, until {@linkcode stop} or the signal's abort. */
  start(log: PageLog, interval_ms: number, signal: AbortSignal): void {
    this.#scope = new Scope(signal);
    for (const [i, { url, count }] of this.#pages.entries()) {
      this.#scope.spawn(async (inner) => {
        this.#keep(log, count, this.#first[i]);
        const begun_ns = nowNs();
        while (!inner.aborted) {
          const since_ms = (nowNs() - begun_ns) / 1e6;
          try {
            await sleep(interval_ms - since_ms % interval_ms, inner);
            this.#keep(log, count, await fetchPage(url, this.#transport, inner, this.#options));
          } catch (error) {
            if (error instanceof CancelledError) return;
            if (error instanceof InputError) throw error; // an error of the disk
            count.failures++;
            count.last_failure = messageOf(error);
          }
        }
      });
    }
  }

  #keep(log: PageLog, count: PageCount, { text, t_ns }: MetricsPage): void {
    const { samples } = parseExposition(text);
    log.add(count.url, t_ns, samples.filter(({ name }) => this.#wanted(name)));
    count.readings++;
  }

  /** Takes a last reading of each page, and stops. */
  async stop(log: PageLog, signal: AbortSignal): Promise<void> {
    await this[Symbol.asyncDispose]();
    await Promise.all(this.#pages.map(async ({ url, count }) => {
      try {
        this.#keep(log, count, await fetchPage(url, this.#transport, signal, this.#options));
      } catch (error) {
        if (error instanceof CancelledError) return;
        count.failures++;
        count.last_failure = messageOf(error);
      }
    }));
  }

  /** Stops without another reading. */
  async [Symbol.asyncDispose](): Promise<void> {
    const scope = this.#scope;
    this.#scope = null;
    await scope?.[Symbol.asyncDispose]();
  }
}

function wanted(patterns: readonly string[]): (name: string) => boolean {
  if (patterns.length === 0) return () => true;
  const source = patterns.map((pattern) =>
    pattern.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".*")
  );
  const any = new RegExp(`^(?:${source.join("|")})$`);
  return (name) => any.test(name);
}
