/**
 * The bench of `dyno serve`: requests per second and latencies of /metrics at 10,000 series and of
 * /tasks/{id}, measured by wrk if it is installed, else by a client in a separate process. The
 * server has one core, the client the other.
 *
 *   deno task bench serve [--seconds N] [--rounds N] [--connections N]
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { loadavg, tmpdir } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openMetrics } from "../../lib/prometheus/open_metrics.ts";
import { MockEndpoint } from "../../lib/mock/server.ts";
import { MetricsObserver } from "../../lib/server/metrics_observer.ts";
import { Server } from "../../lib/server/serve.ts";
import { quantile, sortedCopy } from "../../lib/stats/quantile.ts";
import { CLIENT_CORE, SERVER_CORE } from "./load_cells.ts";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
const BENCH = fileURLToPath(new URL("../bench.ts", import.meta.url));
const SERIES = 10_000;

const { values: given } = parseArgs({
  args: process.argv.slice(3),
  options: {
    seconds: { type: "string", default: "10" },
    rounds: { type: "string", default: "3" },
    connections: { type: "string", default: "16" },
    // the parts that run as separate processes
    server: { type: "boolean", default: false },
    client: { type: "string" },
  },
});
const say = (line: string) => process.stdout.write(`${line}\n`);

interface Round {
  requests_per_s: number;
  p50_ms: number;
  p99_ms: number;
}

/**
 * Starts a server with about 10,000 series and a finished task; prints its address and the task.
 */
async function serve(): Promise<void> {
  const runs = mkdtempSync(`${tmpdir()}/dyno-bench-serve-`);
  const metrics = await openMetrics();
  const count = async () => (await metrics.text()).text.match(/^[^#\n]/gm)?.length ?? 0;
  for (let i = 0; await count() < SERIES; i++) {
    for (let model = 0; model < 50; model++) {
      metrics.tasks.expected({ agent_type: `a${i}`, simulation_mode: "none", model: `m${model}` });
    }
  }
  await using mock = await MockEndpoint.start();
  await using server = await Server.start({
    host: "127.0.0.1",
    port: 0,
    runs,
    batches: "batches",
    allow: ["."],
    allow_endpoints: [],
    allow_commands: false,
    private_callbacks: false,
    key_envs: [],
    max_queue: 1000,
    jobs: 1,
    rate_per_s: 0,
    max_body_bytes: 1 << 20,
    token: undefined,
    webhook_secret: undefined,
    command: [process.execPath, "run", "-A", MAIN],
    observers: [new MetricsObserver(metrics, runs)],
    metricsText: () => metrics.text(),
    onNotice: () => {},
  });
  const task = { kind: "suite", suite: "quickstart", endpoint: `${mock.url}/v1`, workers: 4 };
  const answer = await fetch(`${server.url}/tasks`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(task),
  });
  const { task_id } = await answer.json();
  await (await fetch(`${server.url}/tasks/${task_id}/events`)).text(); // waits until the task has ended
  say(`${server.url} ${task_id} ${await count()}`);
  await once(process, "SIGTERM");
  rmSync(runs, { recursive: true });
}

/**
 * Sends requests over this many connections, each one as soon as the last answer has arrived;
 * prints a round.
 */
async function client(url: string): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: Number(given.connections) });
  const times_ms: number[] = [];
  const ask = () =>
    new Promise<void>((resolve, reject) => {
      const asked = performance.now();
      request(url, { agent }, (response) => {
        if (response.statusCode !== 200) reject(new Error(`HTTP ${response.statusCode}`));
        response.resume();
        response.on("end", () => {
          times_ms.push(performance.now() - asked);
          resolve();
        });
      }).on("error", reject).end();
    });
  const started = performance.now();
  const end = started + Number(given.seconds) * 1000;
  await Promise.all(Array.from({ length: Number(given.connections) }, async () => {
    while (performance.now() < end) await ask();
  }));
  const sorted = sortedCopy(times_ms);
  agent.destroy();
  say(JSON.stringify({
    requests_per_s: times_ms.length / (performance.now() - started) * 1000,
    p50_ms: quantile(sorted, 0.5),
    p99_ms: quantile(sorted, 0.99),
  }));
}

async function measured(url: string, wrk: boolean): Promise<Round> {
  const { seconds, connections } = given;
  const words = wrk ? ["wrk", "-t1", `-c${connections}`, `-d${seconds}s`, "--latency", url] : [
    ...[process.execPath, "run", "-A", BENCH, "serve", "--client", url],
    ...["--seconds", seconds, "--connections", connections],
  ];
  const child = spawn("taskset", ["-c", String(CLIENT_CORE), ...words], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let stdout = "";
  child.stdout.on("data", (bytes) => stdout += bytes);
  await once(child, "close");
  if (!wrk) return JSON.parse(stdout);
  const ms = (share: string) => {
    const [, value, unit] = new RegExp(`${share}%\\s+([\\d.]+)(us|ms|s)`).exec(stdout)!;
    return Number(value) * { us: 1e-3, ms: 1, s: 1e3 }[unit as "us" | "ms" | "s"];
  };
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(stdout);
  const requests_per_s = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)![1]);
  return { requests_per_s, p50_ms: ms("50"), p99_ms: ms("99") };
}

function told(rounds: Round[], name: keyof Round, digits: number): string {
  const sorted = sortedCopy(rounds.map((round) => round[name]));
  const [low, high] = [sorted[0], sorted[sorted.length - 1]];
  return `${quantile(sorted, 0.5).toFixed(digits)} [${low.toFixed(digits)}, ${
    high.toFixed(digits)
  }]`;
}

async function bench(): Promise<void> {
  const wrk = spawnSync("wrk", ["--version"]).error === undefined;
  const words = ["-c", String(SERVER_CORE), process.execPath, "run", "-A", BENCH];
  const child = spawn("taskset", [...words, "serve", "--server"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  try {
    const [line] = await once(child.stdout, "data");
    const [url, task_id, series] = String(line).trim().split(" ");
    const { connections, rounds, seconds } = given;
    say(
      `${connections} connections by ${
        wrk ? "wrk" : "a client of our own (wrk is not installed)"
      }, ` +
        `${rounds} × ${seconds} s, load average ${loadavg()[0].toFixed(1)}; median [min, max]`,
    );
    const paths = {
      [`/metrics, ${series} series`]: "/metrics",
      "/tasks/{id}": `/tasks/${task_id}`,
    };
    for (const [name, path] of Object.entries(paths)) {
      const found: Round[] = [];
      for (let i = 0; i < Number(rounds); i++) found.push(await measured(url + path, wrk));
      say(
        `  ${name.padEnd(24)} ${told(found, "requests_per_s", 0)} requests/s, ` +
          `p50 ${told(found, "p50_ms", 2)} ms, p99 ${told(found, "p99_ms", 2)} ms`,
      );
    }
  } finally {
    child.kill();
    await ended;
  }
}

if (given.server) await serve();
else if (given.client !== undefined) await client(given.client);
else await bench();
