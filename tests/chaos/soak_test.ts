/**
 * A load that lasts: 500 streams, the sampler at 1 kHz, metrics scraped each second. In the long
 * suite an hour (DYNO_SOAK_S for another length), else half a minute that is judged by what leaks
 * alone: how quick a busy machine is, is no fault of ours.
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
import { readJournal } from "../../lib/run/journal.ts";
import { studentTQuantile } from "../../lib/stats/distributions.ts";
import { mean, quantile, sortedCopy } from "../../lib/stats/quantile.ts";
import { temporaryFolder } from "../suite/fixture.ts";

const LONG = Boolean(Deno.env.get("DYNO_TEST_LONG"));
const SECONDS = Number(Deno.env.get("DYNO_SOAK_S") ?? (LONG ? 3600 : 30));
/** From here on figures are judged, not only leaks. */
const JUDGED_S = 300;
const STREAMS = 500;
/** Memory is flat where it surely grows by less than this share over the whole. */
const MOST_GROWTH = 0.05;
/** The ends that are compared, and what is left out as warm-up. */
const PART_S = Math.min(300, SECONDS / 4);
const BLOCKS = 12;

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const NS = 1e9;

/** What is seen of the load's process each second. */
interface Seen {
  t_s: number;
  rss_bytes: number;
  files: number;
}

function look(pid: number, t_s: number): Seen {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const files = readdirSync(`/proc/${pid}/fd`).length;
  return { t_s, rss_bytes: Number(/VmRSS:\s+(\d+)/.exec(status)![1]) * 1024, files };
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

async function scrape(url: string): Promise<number> {
  const text = await (await fetch(url)).text();
  assert(text.includes("dyno_"), text.slice(0, 200));
  return text.length;
}

Deno.test({
  name: `soak: ${STREAMS} streams for ${SECONDS} s leak nothing`,
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    using folder = temporaryFolder();
    await using server = await pacedServer();
    const child = spawn(process.execPath, [
      ...[
        "run",
        "-A",
        "--no-check",
        "--v8-flags=--max-semi-space-size=2,--heap-growing-percent=30",
      ],
      ...[path("../../main.ts"), "load", "--endpoint", `http://127.0.0.1:${server.port}/v1`],
      ...["--model", "pace", "--concurrency", `${STREAMS}`, "--duration", `${SECONDS}`, "--json"],
      ...["--output-tokens", "100", "--input-tokens", "16", "--sample-rate", "1000"],
      ...["--metrics-port", "0", "--out", folder.path],
    ], { stdio: ["ignore", "pipe", "pipe"] });
    let stderr = "", stdout = "";
    child.stderr.on("data", (bytes) => stderr += bytes);
    child.stdout.on("data", (bytes) => stdout += bytes);
    const ended = once(child, "close");
    let over = false;
    void ended.then(() => over = true);
    const seen: Seen[] = [];
    let scrapes = 0, missed = 0;
    while (!over) {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const url = /metrics at (\S+)/.exec(stderr)?.[1];
      if (over || url === undefined) continue;
      try {
        await scrape(url);
        seen.push(look(child.pid!, performance.now() / 1000));
        scrapes++;
      } catch {
        missed++; // as it must be when the load is over
      }
    }
    const [code] = await ended;
    assertEquals(code, 0, stderr);
    assert(scrapes > SECONDS / 4 && missed < 5, `${scrapes} scrapes, ${missed} missed`);
    await judge(folder.path, seen);
  },
});

async function judge(folder: string, all: readonly Seen[]): Promise<void> {
  const start_s = all[0].t_s;
  const running = all.filter(({ t_s }) => t_s - start_s < SECONDS - 2); // not the summing up
  const warm = running.filter(({ t_s }) => t_s - start_s > Math.min(60, SECONDS / 4));
  const growth = slope(warm.map(({ t_s, rss_bytes }) => ({ t_s, value: rss_bytes })));
  const files = warm.map(({ files }) => files);
  const lags: { t_s: number; lag_ms: number }[] = [];
  let failed = 0, first_ns = 0, last_ns = 0;
  const [run] = readdirSync(folder).filter((name) => name.startsWith("bench_"));
  const reading = await readJournal(join(folder, run, "events.jsonl"), (event) => {
    if (event.event !== "request_finished") return;
    const { t_end_ns, lag_max_ns, failure } = event.result as Record<string, number | null>;
    first_ns ||= event.mono_ns;
    last_ns = event.mono_ns;
    if (failure !== null) failed++;
    if (lag_max_ns !== null) lags.push({ t_s: t_end_ns! / NS, lag_ms: lag_max_ns / 1e6 });
  });
  assertEquals(reading, { torn_bytes: 0, damaged_lines: [] });
  const p99 = (part: { lag_ms: number }[]) =>
    quantile(sortedCopy(part.map(({ lag_ms }) => lag_ms)), 0.99);
  const [from_s, to_s] = [first_ns / NS, last_ns / NS];
  const begin = p99(lags.filter(({ t_s }) => t_s < from_s + PART_S));
  const end = p99(lags.filter(({ t_s }) => t_s > to_s - PART_S));
  const { records_lost } = JSON.parse(readFileSync(join(folder, run, "samples.json"), "utf8"));
  const kb = (bytes: number) => (bytes * 60 / 1024).toFixed(1);
  const slopeText = growth === null
    ? "unknown"
    : `${kb(growth.value)} [${kb(growth.low)}, ${kb(growth.high)}] KB/min`;
  process.stderr.write(
    `soak: ${SECONDS} s, ${lags.length} requests, ${failed} failed; RSS ` +
      `${(warm[0].rss_bytes / 2 ** 20).toFixed(1)} to ` +
      `${(warm.at(-1)!.rss_bytes / 2 ** 20).toFixed(1)} MB, slope ${slopeText}; files ${
        Math.min(...files)
      } to ` +
      `${Math.max(...files)}; samples lost ${records_lost}; lag p99 ${
        begin.toFixed(2)
      } ms at first, ` +
      `${end.toFixed(2)} ms at last; load of the machine ${loadavg()[0].toFixed(1)}\n`,
  );
  assertEquals(failed, 0);
  // as many streams, a scraper's connection more or less
  assert(Math.max(...files) - Math.min(...files) <= 8, `files: ${files}`);
  if (SECONDS < JUDGED_S) return;
  const grown_bytes = growth!.low * (to_s - from_s);
  assert(grown_bytes < MOST_GROWTH * warm[0].rss_bytes, `memory grows: ${slopeText}`);
  assertEquals(records_lost, 0);
  // what others do on this machine is no drift of ours
  if (loadavg()[2] > availableParallelism()) return;
  assert(end < begin * 1.2 + 0.05, `lag p99 ${begin} ms at first, ${end} ms at last`);
}
