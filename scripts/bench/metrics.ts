/**
 * The bench of metrics: what `--metrics-port`, scraped every second, adds to a load's own figures
 * (the same load with and without it in turn, for both transports), and /metrics at 10,000 series.
 * The paced server and the scraper have one core, the load the other.
 *
 *   deno task bench metrics [--seconds N] [--rounds N] [--streams N]
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openMetrics } from "../../lib/prometheus/open_metrics.ts";
import { serveMetrics } from "../../lib/prometheus/serve_metrics.ts";
import { quantile, sortedCopy } from "../../lib/stats/quantile.ts";
import { CLIENT_CORE, SERVER_CORE, ServerProcess } from "./load_cells.ts";
import type { LoadResults } from "../../lib/load/results.ts";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
const SCRAPE_MS = 1000;
const SERIES = 10_000;

const { values: given } = parseArgs({
  args: process.argv.slice(3),
  options: {
    seconds: { type: "string", default: "10" },
    rounds: { type: "string", default: "5" },
    streams: { type: "string", default: "64" },
    series: { type: "boolean", default: false },
  },
});
const say = (line: string) => process.stdout.write(`${line}\n`);

interface Round {
  lag_p99_ms: number | null;
  lateness_p99_ms: number | null;
  cpu_cores: number;
  events_per_s: number;
  scrapes_ms: number[];
}

/** Runs one load in a separate process; it is scraped if it serves metrics. */
async function runLoad(port: number, transport: string, serves: boolean): Promise<Round> {
  const out = mkdtempSync(`${tmpdir()}/dyno-bench-metrics-`);
  const load = [
    ...["load", "--endpoint", `http://127.0.0.1:${port}/v1`, "--model", "pace", "--json"],
    ...["--concurrency", given.streams, "--duration", given.seconds, "--output-tokens", "100"],
    ...["--transport", transport, "--out", out, ...(serves ? ["--metrics-port", "0"] : [])],
  ];
  const words = ["-c", String(CLIENT_CORE), process.execPath, "run", "-A", MAIN, ...load];
  const child = spawn("taskset", words, { stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "", stderr = "";
  child.stdout.on("data", (bytes) => stdout += bytes);
  child.stderr.on("data", (bytes) => stderr += bytes);
  const ended = once(child, "exit");
  const scrapes_ms: number[] = [];
  const scraping = setInterval(async () => {
    const url = /metrics at (\S+)/.exec(stderr)?.[1];
    if (url === undefined) return;
    const started = performance.now();
    try {
      await (await fetch(url)).text();
      scrapes_ms.push(performance.now() - started);
    } catch { /* it has just ended */ }
  }, SCRAPE_MS);
  await ended.finally(() => clearInterval(scraping));
  rmSync(out, { recursive: true });
  if (child.exitCode !== 0) throw new Error(stderr);
  const { verdict: { client } }: LoadResults = JSON.parse(stdout).runs[0];
  return {
    lag_p99_ms: client.read_lag_p99_ms,
    lateness_p99_ms: client.lateness_p99_ms,
    cpu_cores: client.cpu_cores,
    events_per_s: client.events_per_s,
    scrapes_ms,
  };
}

/** Median, best and worst of the rounds; a dash for figures that the transport lacks. */
function told(rounds: Round[], value: (round: Round) => number | null, digits: number): string {
  const sorted = sortedCopy(rounds.map(value).filter((each) => each !== null));
  if (sorted.length === 0) return "–";
  const [median, best, worst] = [quantile(sorted, 0.5), sorted[0], sorted[sorted.length - 1]];
  return `${median.toFixed(digits)} [${best.toFixed(digits)}, ${worst.toFixed(digits)}]`;
}

function tell(name: string, rounds: Round[]): void {
  const scrapes = sortedCopy(rounds.flatMap(({ scrapes_ms }) => scrapes_ms));
  const scraped = scrapes.length === 0
    ? ""
    : `; ${scrapes.length} scrapes, p50 ${quantile(scrapes, 0.5).toFixed(1)} ms, ` +
      `p99 ${quantile(scrapes, 0.99).toFixed(1)} ms`;
  say(
    `  ${name.padEnd(8)} lag p99 ${told(rounds, (round) => round.lag_p99_ms, 3)} ms, ` +
      `lateness p99 ${told(rounds, (round) => round.lateness_p99_ms, 3)} ms, ` +
      `${told(rounds, ({ cpu_cores }) => cpu_cores, 2)} cores, ` +
      `${told(rounds, ({ events_per_s }) => events_per_s, 0)} events/s${scraped}`,
  );
}

async function benchOverhead(): Promise<void> {
  using server = await ServerProcess.start({ tokens: 100, interval_us: 20_000 });
  for (const transport of ["wire", "portable"]) {
    const rounds: Record<"without" | "with", Round[]> = { without: [], with: [] };
    for (let i = 0; i < Number(given.rounds); i++) {
      for (const name of i % 2 ? ["with", "without"] as const : ["without", "with"] as const) {
        rounds[name].push(await runLoad(server.port, transport, name === "with"));
      }
    }
    say(
      `${transport}, ${given.streams} streams at 50 tokens/s, ${given.rounds} × ${given.seconds} s, ` +
        `load average ${loadavg()[0].toFixed(1)}; median [best, worst]`,
    );
    tell("without", rounds.without);
    tell("with", rounds.with);
  }
}

/** Serves about 10,000 series of tasks until it is killed; prints its address. */
async function serveSeries(): Promise<void> {
  const metrics = await openMetrics();
  const count = async () => (await metrics.text()).text.match(/^[^#\n]/gm)?.length ?? 0;
  for (let i = 0; await count() < SERIES; i++) {
    for (let model = 0; model < 50; model++) {
      metrics.tasks.started({ agent_type: `a${i}`, simulation_mode: "none", model: `m${model}` });
    }
  }
  const server = await serveMetrics(() => metrics.text(), { host: "127.0.0.1", port: 0 });
  say(`${server.url} ${await count()}`);
}

async function benchSeries(): Promise<void> {
  const script = fileURLToPath(new URL("../bench.ts", import.meta.url));
  const words = [process.execPath, "run", "-A", script, "metrics", "--series"];
  const child = spawn("taskset", ["-c", String(SERVER_CORE), ...words], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const [line] = await once(child.stdout, "data");
    const [url, series] = String(line).trim().split(" ");
    const times_ms: number[] = [];
    let bytes = 0;
    const started = performance.now();
    while (performance.now() - started < Number(given.seconds) * 1000) {
      const asked = performance.now();
      bytes = (await (await fetch(url)).text()).length;
      times_ms.push(performance.now() - asked);
    }
    const sorted = sortedCopy(times_ms);
    const per_s = times_ms.length / (performance.now() - started) * 1000;
    say(
      `/metrics at ${series} series, ${(bytes / 1e6).toFixed(2)} MB: ${
        per_s.toFixed(0)
      } requests/s ` +
        `one after the other, p50 ${quantile(sorted, 0.5).toFixed(1)} ms, ` +
        `p99 ${quantile(sorted, 0.99).toFixed(1)} ms`,
    );
  } finally {
    child.kill();
  }
}

if (given.series) await serveSeries();
else {
  await benchOverhead();
  await benchSeries();
}
