/** Fetches a page of Prometheus text. */
import { classOfStatus, EndpointError } from "../../endpoint/errors.ts";
import { exchange, type HttpExchange, type Transport } from "../../endpoint/transport.ts";
import { parseExposition } from "./prometheus_text.ts";
import type { TlsSettings } from "../../endpoint/tls.ts";

/** How to request a server's metrics. */
export interface ScrapeOptions {
  /** Extra headers, such as for authorisation; llama.cpp and proxies may need the API key. Default none. */
  headers?: Record<string, string>;
  /** Seconds after which a reading is given up. Default 2. */
  timeout_s?: number;
  /** TLS settings for https. Default: the usual ones. */
  tls?: TlsSettings;
}

/** A page, and when it was received. */
export interface MetricsPage {
  url: URL;
  text: string;
  t_ns: number;
}

/**
 * Fetches a page, following redirects within the origin (older vLLM redirects to /metrics/).
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

/** What to try when the page cannot be fetched. */
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

/** The target of a redirect; null if it is outside the origin. */
function movedTo(url: URL, { status, headers }: HttpExchange): URL | null {
  if (![301, 302, 303, 307, 308].includes(status) || headers.location === undefined) return null;
  if (!URL.canParse(headers.location, url)) return null;
  const to = new URL(headers.location, url);
  return to.protocol === url.protocol && to.host === url.host ? to : null;
}

/** Whether a text contains Prometheus text: at least one sample or comment on a metric. */
export function isExposition(text: string): boolean {
  return /^# (?:HELP|TYPE) /m.test(text) || parseExposition(text).samples.length > 0;
}
