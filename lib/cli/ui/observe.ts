/** Observes a command while it runs: Prometheus metrics, OpenTelemetry. */
import { InputError } from "../../errors.ts";
import { telemetryAsked } from "../../prometheus/telemetry_asked.ts";
import { number, text, type Values } from "./flags.ts";
import type { FollowedRun, Metrics } from "../../prometheus/open_metrics.ts";
import type { MetricsServer } from "../../prometheus/serve_metrics.ts";
import type { Telemetry } from "../../prometheus/telemetry.ts";
import type { Terminal } from "./terminal.ts";

export const observeFlags = {
  "metrics-port": number(
    "PORT",
    "serve Prometheus metrics at /metrics during the run; 0: any free port",
    {
      max: 65535,
      whole: true,
    },
  ),
  "metrics-host": text("HOST", "the address of --metrics-port (127.0.0.1)"),
  "metrics-prefix": text("NAME", "the prefix of the metrics' names (dyno)"),
};

const LOOPBACK = /^(127\.|::1$|localhost$)/;

/** A command that may be observed. */
class Observation implements AsyncDisposable {
  /** Null if it is not observed. */
  readonly metrics: Metrics | null;
  readonly #server: MetricsServer | null;
  readonly #telemetry: Telemetry | null;
  #followed: FollowedRun[] = [];
  #ending: Promise<void> = Promise.resolve();

  constructor(
    metrics: Metrics | null,
    server: MetricsServer | null,
    telemetry: Telemetry | null,
  ) {
    this.metrics = metrics;
    this.#server = server;
    this.#telemetry = telemetry;
  }

  /** A run starts in this folder; the previous run has ended. */
  readonly onDirectory = ({ path }: { path: string }): void => {
    this.#endRun();
    const followed = [this.metrics?.follow(path, { fromNow: true }), this.#telemetry?.follow(path)];
    this.#followed = followed.filter((run) => run !== undefined);
  };

  #endRun(): void {
    const followed = this.#followed;
    this.#followed = [];
    this.#ending = this.#ending.then(async () => {
      for (const run of followed) await run[Symbol.asyncDispose]();
    }).catch(() => {}); // a failure to observe must not fail the run
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#endRun();
    await this.#ending;
    await this.#server?.[Symbol.asyncDispose]();
    await this.metrics?.close();
  }
}

/**
 * Starts to observe if flags ask for it, and prints where.
 *
 * @throws {InputError} an address is not available, or a prefix is wrong.
 */
export async function observe(
  values: Values<typeof observeFlags>,
  terminal: Terminal,
): Promise<Observation> {
  const { asked, problem } = telemetryAsked();
  if (problem !== null) terminal.warn(problem);
  const telemetry = asked
    ? await (await import("../../prometheus/telemetry.ts")).Telemetry.open()
    : null;
  const port = values["metrics-port"];
  if (port === undefined) {
    const alone = (["metrics-host", "metrics-prefix"] as const).find((name) => values[name]);
    if (alone) throw new InputError(`--${alone}: only with --metrics-port`);
    return new Observation(null, null, telemetry);
  }
  const host = values["metrics-host"] ?? "127.0.0.1";
  const { openMetrics } = await import("../../prometheus/open_metrics.ts");
  const { serveMetrics } = await import("../../prometheus/serve_metrics.ts");
  const metrics = await openMetrics({ prefix: values["metrics-prefix"] });
  const server = await serveMetrics(() => metrics.text(), { host, port });
  terminal.say(terminal.paint.dim(`metrics at ${server.url}`));
  if (!LOOPBACK.test(host)) {
    terminal.warn(`--metrics-host ${host}: whoever reaches this address can read the metrics`);
  }
  return new Observation(metrics, server, telemetry);
}
