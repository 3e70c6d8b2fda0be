/** Getting a page of Prometheus text. */
import { classOfStatus, EndpointError } from "../../endpoint/errors.ts";
import { exchange, type HttpExchange, type Transport } from "../../endpoint/transport.ts";
import { parseExposition } from "./prometheus_text.ts";
import type { TlsSettings } from "../../endpoint/tls.ts";

/** How a server is asked for its metrics. */
export interface ScrapeOptions {
  /** Sent along, such as what authorises; llama.cpp and proxies may want the API key. Default none. */
  headers?: Record<string, string>;
  /** Seconds until a reading is given up. Default 2. */
  timeout_s?: number;
  /** How https is spoken. Default: as usual. */
  tls?: TlsSettings;
}

/** A page, and when it was answered. */
export interface MetricsPage {
  url: URL;
  text: string;
  t_ns: number;
}

/**
 * Gets the page, which may have moved within the origin (as older vLLM moves it to /metrics/).
 *
 * @throws {EndpointError} with the URL in front.
 * @throws {CancelledError}
 */
export async function fetchPage(
  url: URL,
  transport: Transport,
  signal: AbortSignal,
  options: ScrapeOptions,
): Promise<MetricsPage> {
  const first = await get(url, transport, signal, options);
  const moved = movedTo(url, first);
  const at = moved ?? url;
  const answer = moved ? await get(moved, transport, signal, options) : first;
  const { status } = answer;
  if (status !== 200) {
    throw new EndpointError(
      classOfStatus(status),
      `${at}: HTTP ${status}${hintOn(status, at)}`,
      { status },
    );
  }
  return { url: at, text: answer.body, t_ns: (answer.t_sent_ns + answer.t_first_byte_ns) / 2 };
}

/** What to try where there is no page. */
function hintOn(status: number, { pathname }: URL): string {
  if (status !== 404 && status !== 501) return "";
  return /\/metrics\/?$/.test(pathname)
    ? " (SGLang has metrics with --enable-metrics, llama.cpp with --metrics)"
    : " (most servers have their metrics at /metrics)";
}

async function get(
  url: URL,
  transport: Transport,
  signal: AbortSignal,
  { headers = {}, timeout_s = 2, tls }: ScrapeOptions,
): Promise<HttpExchange> {
  const accept = {
    "accept": "text/plain;version=0.0.4",
    "accept-encoding": "identity",
    "user-agent": "dyno",
  };
  try {
    return await exchange(
      transport,
      { method: "GET", url, headers: { ...accept, ...headers }, body: "", timeout_s, tls },
      null,
      signal,
    );
  } catch (error) {
    const late = error instanceof EndpointError && error.failure === "timeout";
    if (late) throw new EndpointError("timeout", `${url}: no answer within ${timeout_s} s`);
    throw error;
  }
}

/** Where a redirect leads, if within the origin. */
function movedTo(url: URL, { status, headers }: HttpExchange): URL | null {
  if (![301, 302, 303, 307, 308].includes(status) || headers.location === undefined) return null;
  if (!URL.canParse(headers.location, url)) return null;
  const to = new URL(headers.location, url);
  return to.protocol === url.protocol && to.host === url.host ? to : null;
}

/** Whether anything in it is Prometheus text: a sample, or the comment on a metric. */
export function isExposition(text: string): boolean {
  return /^# (?:HELP|TYPE) /m.test(text) || parseExposition(text).samples.length > 0;
}
