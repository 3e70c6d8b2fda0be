/**
 * A load that lasts, as a task of a server: 500 streams, the sampler at 1 kHz, the server's metrics
 * scraped each second. In the long suite an hour (DYNO_SOAK_S for another length), else 15 s of short
 * streams that are judged by what leaks alone (DYNO_SMOKE_S for longer: all is judged but drift).
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";
import { readJournal } from "../../lib/run/fold.ts";
import { studentTQuantile } from "../../lib/stats/distributions.ts";
import { mean, quantile, sortedCopy } from "../../lib/stats/quantile.ts";
import { childrenOf } from "../../lib/coding/sandbox/usage.ts";
import { getJson, serveProcess, submit } from "../server/fixture.ts";
import { temporaryFolder } from "../suite/fixture.ts";
import { until } from "../until.ts";
import type { TaskView } from "../../lib/server/tasks/task.ts";

const LONG = Boolean(Deno.env.get("DYNO_TEST_LONG"));
const SOAK_S = Deno.env.get("DYNO_SOAK_S") ?? (LONG ? "3600" : null);
const SECONDS = Number(SOAK_S ?? Deno.env.get("DYNO_SMOKE_S") ?? 15);
/** From here on figures are judged, not only leaks. */
const JUDGED_S = 300;
const STREAMS = 500;
/** Of 0.1 s each: in a short soak, too, each stream ends some times. */
const OUTPUT_TOKENS = SECONDS < JUDGED_S ? 20 : 100;
/** Memory is flat where it surely grows by less than this share over the whole. */
const MOST_GROWTH = 0.05;
/** The ends that are compared, and what is left out as warm-up. */
const PART_S = Math.min(300, SECONDS / 4);
const BLOCKS = 12;

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const NS = 1e9;

/** What is seen of a process each second. */
interface Seen {
  t_s: number;
  rss_bytes: number;
  files: number;
}

function look(pid: number): Seen {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const files = readdirSync(`/proc/${pid}/fd`).length;
  const rss_bytes = Number(/VmRSS:\s+(\d+)/.exec(status)![1]) * 1024;
  return { t_s: performance.now() / 1000, rss_bytes, files };
}

/**
 * Growth a second with its 95 % interval: a line through the means of 12 stretches, which depend less
 * on each other than seconds on their neighbours. Null: too few values.
 */
function slope(values: readonly { t_s: number; value: number }[]) {
  if (values.length < 2 * BLOCKS) return null;
  const per = Math.floor(values.length / BLOCKS);
  const points = Array.from({ length: BLOCKS }, (_, i) => {
    const block = values.slice(i * per, (i + 1) * per);
    return { x: mean(block.map(({ t_s }) => t_s)), y: mean(block.map(({ value }) => value)) };
  });
  const [x, y] = [mean(points.map(({ x }) => x)), mean(points.map(({ y }) => y))];
  const sxx = points.reduce((sum, point) => sum + (point.x - x) ** 2, 0);
  const value = points.reduce((sum, point) => sum + (point.x - x) * (point.y - y), 0) / sxx;
  const rest = points.reduce((sum, p) => sum + (p.y - y - value * (p.x - x)) ** 2, 0);
  const half = studentTQuantile(0.975, BLOCKS - 2) * Math.sqrt(rest / (BLOCKS - 2) / sxx);
  return { value, low: value - half, high: value + half };
}

async function pacedServer(): Promise<{ port: number } & AsyncDisposable> {
  const options = { delay_us: 100_000, interval_us: 100_000 };
  const script = path("../../scripts/bench/pace_server.ts");
  const child = spawn(process.execPath, ["run", "-A", script, JSON.stringify(options)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  const [port] = await once(createInterface({ input: child.stdout }), "line");
  return {
    port: Number(port),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function scrape(url: string): Promise<void> {
  const text = await (await fetch(`${url}/metrics`)).text();
  assert(text.includes("dyno_"), text.slice(0, 200));
}

Deno.test({
  name: `soak: ${STREAMS} streams for ${SECONDS} s leak nothing`,
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    using folder = temporaryFolder();
    await using paced = await pacedServer();
    const { url, process: server } = await serveProcess(folder.path);
    const task = await submit(url, {
      kind: "load",
      endpoint: `http://127.0.0.1:${paced.port}/v1`,
      model: "pace",
      concurrency: STREAMS,
      duration_s: SECONDS,
      input_tokens: 16,
      output_tokens: OUTPUT_TOKENS,
      sample_rate_hz: 1000,
    });
    const [load_pid] = await until(() => {
      const children = childrenOf(server.pid);
      return children.length > 0 && children;
    });
    const seen: Record<Process, Seen[]> = { load: [], server: [] };
    while (!isDone(await getJson(`${url}/tasks/${task.task_id}`))) {
      await scrape(url);
      try {
        seen.load.push(look(load_pid));
        seen.server.push(look(server.pid));
      } catch { /* the load is over */ }
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
    const { status, run_id, error } = await getJson(`${url}/tasks/${task.task_id}`);
    server.kill("SIGTERM");
    await server.finished;
    assertEquals([status, error], ["completed", null]);
    assert(seen.server.length > SECONDS / 4, `${seen.server.length} scrapes`);
    await judge(join(folder.path, "runs", run_id!), seen);
  },
});

type Process = "load" | "server";

const isDone = ({ status }: TaskView) => status !== "queued" && status !== "running";

const mb = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
const kb = (bytes: number) => (bytes * 60 / 1024).toFixed(1);

/** How a process changed once it was warm; complains of more files. */
function changeOf(name: Process, seen: Record<Process, readonly Seen[]>) {
  const [{ t_s: start_s }] = seen[name];
  const running = seen[name].filter(({ t_s }) => t_s - start_s < SECONDS - 2); // not the summing up
  const connected_s = seen.load.find(({ files }) => files >= STREAMS)!.t_s;
  const warm_s = Math.max(start_s + Math.min(60, SECONDS / 4), connected_s);
  const warm = running.filter(({ t_s }) => t_s > warm_s);
  const growth = slope(warm.map(({ t_s, rss_bytes }) => ({ t_s, value: rss_bytes })));
  const files = warm.map(({ files }) => files);
  const first_bytes = warm[0].rss_bytes;
  const slopeText = growth === null
    ? "unknown"
    : `${kb(growth.value)} [${kb(growth.low)}, ${kb(growth.high)}] KB/min`;
  const text = `${name}: RSS ${mb(first_bytes)} to ${mb(warm.at(-1)!.rss_bytes)} MB, ` +
    `slope ${slopeText}, files ${Math.min(...files)} to ${Math.max(...files)}`;
  // as many streams, a client's connection more or less
  assert(Math.max(...files) - Math.min(...files) <= 8, text);
  return { growth, first_bytes, text };
}

async function judge(run: string, seen: Record<Process, Seen[]>): Promise<void> {
  const changes = [changeOf("load", seen), changeOf("server", seen)];
  const lags: { t_s: number; lag_ms: number }[] = [];
  let failed = 0, first_ns = 0, last_ns = 0;
  const reading = await readJournal(join(run, "events.jsonl"), "run", ({ event }) => {
    if (event?.event !== "request_finished") return;
    const { t_end_ns, lag_max_ns, failure } = event.result;
    first_ns ||= event.mono_ns!;
    last_ns = event.mono_ns!;
    if (failure !== null) failed++;
    if (lag_max_ns !== null) lags.push({ t_s: t_end_ns / NS, lag_ms: lag_max_ns / 1e6 });
  });
  assertEquals(reading, { torn_bytes: 0, damaged: [] });
  const p99 = (part: { lag_ms: number }[]) =>
    quantile(sortedCopy(part.map(({ lag_ms }) => lag_ms)), 0.99);
  const [from_s, to_s] = [first_ns / NS, last_ns / NS];
  const begin = p99(lags.filter(({ t_s }) => t_s < from_s + PART_S));
  const end = p99(lags.filter(({ t_s }) => t_s > to_s - PART_S));
  const { records_lost } = JSON.parse(readFileSync(join(run, "samples.json"), "utf8"));
  process.stderr.write(
    `soak: ${SECONDS} s, ${lags.length} requests, ${failed} failed; ` +
      `${changes.map(({ text }) => text).join("; ")}; samples lost ${records_lost}; ` +
      `lag p99 ${begin.toFixed(2)} ms at first, ${end.toFixed(2)} ms at last; ` +
      `load of the machine ${loadavg()[0].toFixed(1)}\n`,
  );
  assertEquals(failed, 0);
  if (SECONDS < JUDGED_S) return;
  for (const { growth, first_bytes, text } of changes) {
    assert(growth!.low * (to_s - from_s) < MOST_GROWTH * first_bytes, `memory grows: ${text}`);
  }
  assertEquals(records_lost, 0);
  // what others do on this machine is no drift of ours
  if (SOAK_S === null || loadavg()[2] > availableParallelism()) return;
  assert(end < begin * 1.2 + 0.05, `lag p99 ${begin} ms at first, ${end} ms at last`);
}
