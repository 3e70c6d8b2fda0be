/**
 * A client of the load bench in a separate process: keeps N streams in a closed loop against the
 * paced server, and prints as JSON what that cost and how late events were noticed.
 */
import { readFileSync } from "node:fs";
import process from "node:process";
import { openTransport } from "../../lib/endpoint/open_transport.ts";
import { USUAL_TLS } from "../../lib/endpoint/tls.ts";
import { nowNs } from "../../lib/native/clock.ts";
import { LagHistogram, type Lags } from "./lag_histogram.ts";

export interface ClientPlan {
  client: "wire" | "portable" | "fetch";
  port: number;
  /** The file of the server's certificate; if set, https is used. */
  ca?: string;
  streams: number;
  /** Streams start spread over this time, of which nothing is counted. */
  warmup_s: number;
  seconds: number;
}

export interface ClientResult {
  events: number;
  requests: number;
  failures: number;
  seconds: number;
  /** User and system time of the whole process. */
  cpu_s: number;
  /** The same, from the process's start. */
  process_cpu_s: number;
  lags: Lags;
  peak_rss_bytes: number;
  /** CPU time of the wire's thread, from its start; null if there is no wire. */
  thread_cpu_s: number | null;
  /** Time in which the wire did not read, because JavaScript had not taken what was read. */
  blocked_s: number | null;
}

type Measured = Omit<ClientResult, "thread_cpu_s" | "blocked_s">;

const STAMP = '"content":" ';
const STAMP_DIGITS = 19;
const BODY = JSON.stringify({
  model: "pace",
  messages: [{ role: "user", content: "Count." }],
  stream: true,
});
const HEADERS = { "content-type": "application/json", accept: "text/event-stream" };
const LAST_AT = STAMP.length - 1;
const FIRST = STAMP.charCodeAt(0);
const LAST = STAMP.charCodeAt(LAST_AT);

/** The position of the last timestamp, where the next one is expected. */
let stamp_at = 0;

/** Like paceStamp, but without parsing the event. */
function stampIn(data: string): number | null {
  if (data.charCodeAt(stamp_at) !== FIRST || data.charCodeAt(stamp_at + LAST_AT) !== LAST) {
    const at = data.indexOf(STAMP);
    if (at < 0) return null;
    stamp_at = at;
  }
  const digits_at = stamp_at + STAMP.length;
  const stamp = Number(data.substring(digits_at, digits_at + STAMP_DIGITS));
  return stamp > 0 ? stamp : null;
}

class Measurement {
  readonly #start_ns: number;
  readonly #end_ns: number;
  readonly #lags = new LagHistogram();
  #before: { user: number; system: number } | null = null;
  #begun_ns = 0;
  #events = 0;
  #requests = 0;
  #failures = 0;
  readonly result: Promise<Measured>;
  #resolve!: (result: Measured) => void;
  over = false;

  constructor({ warmup_s, seconds }: ClientPlan) {
    this.#start_ns = nowNs() + warmup_s * 1e9;
    this.#end_ns = this.#start_ns + seconds * 1e9;
    this.result = new Promise((resolve) => this.#resolve = resolve);
    setTimeout(() => this.#end(), (warmup_s + seconds) * 1e3 + 500); // ends the measurement if no event does
  }

  event(data: string, t_ns: number): void {
    const stamp = stampIn(data);
    if (stamp === null || t_ns < this.#start_ns || this.over) return;
    if (this.#before === null) this.#begin();
    if (t_ns >= this.#end_ns) return this.#end();
    this.#events++;
    this.#lags.add(t_ns - stamp);
  }

  ended(failed: boolean): void {
    this.#requests++;
    if (failed) this.#failures++;
  }

  #begin(): void {
    this.#before = process.cpuUsage();
    this.#begun_ns = nowNs();
  }

  #end(): void {
    if (this.over) return;
    this.over = true;
    if (this.#before === null) this.#begin();
    const used = secondsOf(process.cpuUsage(this.#before!));
    this.#resolve({
      events: this.#events,
      requests: this.#requests,
      failures: this.#failures,
      seconds: (nowNs() - this.#begun_ns) / 1e9,
      cpu_s: used,
      process_cpu_s: secondsOf(process.cpuUsage()),
      lags: this.#lags.lags(),
      peak_rss_bytes: peakRss(),
    });
  }
}

async function withTransport(plan: ClientPlan, only: "wire" | "portable"): Promise<ClientResult> {
  await using transport = await openTransport({ only });
  const measurement = new Measurement(plan);
  const { ca, port } = plan;
  const url = new URL(`http${ca ? "s" : ""}://127.0.0.1:${port}/v1/chat/completions`);
  const tls = { ...USUAL_TLS, ca: ca ?? null };
  const listener = {
    onEvent: (data: string, t_ns: number) => measurement.event(data, t_ns),
    onErrorEvent() {},
    onEnd: (_exchange: unknown, error: Error | null) => {
      if (measurement.over) return;
      measurement.ended(error !== null);
      send(0);
    },
  };
  const send = (t_send_ns: number) => {
    transport.send(
      { method: "POST", url, headers: HEADERS, body: BODY, timeout_s: 600, t_send_ns, tls },
      listener,
    );
  };
  const now = nowNs();
  for (let i = 0; i < plan.streams; i++) send(now + i / plan.streams * plan.warmup_s * 1e9);
  const result = await measurement.result;
  const { cpu_ns, blocked_ns } = transport.status();
  const seconds = (ns: number | null) => ns === null ? null : ns / 1e9;
  return { ...result, thread_cpu_s: seconds(cpu_ns), blocked_s: seconds(blocked_ns) };
}

/** One event stream, read with the runtime's own client. */
async function fetchStream(url: string, measurement: Measurement): Promise<void> {
  const response = await fetch(url, { method: "POST", headers: HEADERS, body: BODY });
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    const t_ns = nowNs();
    if (done) return;
    text += decoder.decode(value, { stream: true });
    let from = 0;
    for (let end; (end = text.indexOf("\n\n", from)) >= 0; from = end + 2) {
      measurement.event(text.substring(from + 6, end), t_ns);
    }
    text = text.substring(from);
  }
}

async function withFetch(plan: ClientPlan): Promise<ClientResult> {
  const measurement = new Measurement(plan);
  const url = `http://127.0.0.1:${plan.port}/v1/chat/completions`;
  const loop = async () => {
    while (!measurement.over) {
      const failed = await fetchStream(url, measurement).then(() => false, () => true);
      if (!measurement.over) measurement.ended(failed);
    }
  };
  for (let i = 0; i < plan.streams; i++) {
    setTimeout(loop, i / plan.streams * plan.warmup_s * 1e3);
  }
  return { ...await measurement.result, thread_cpu_s: null, blocked_s: null };
}

function secondsOf({ user, system }: { user: number; system: number }): number {
  return (user + system) / 1e6;
}

function peakRss(): number {
  return Number(/VmHWM:\s*(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))![1]) * 1024;
}

const plan = JSON.parse(process.argv[2]) as ClientPlan;
const result = await (plan.client === "fetch" ? withFetch(plan) : withTransport(plan, plan.client));
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit());
