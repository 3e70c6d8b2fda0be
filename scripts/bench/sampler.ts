/**
 * The sampler's bench: achieved rate, jitter and cost at 100, 1,000 and 10,000 Hz, compared in the
 * same run with reading the same files from TypeScript, and with a psutil loop if Python has
 * psutil. `--soak` samples at 1 kHz for 10 minutes instead.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { nativeLibrary } from "../../lib/native/library.ts";
import { NativeSampler } from "../../lib/native/sampler.ts";
import { nowNs } from "../../lib/native/clock.ts";
import { quantile, sortedCopy } from "../../lib/stats/quantile.ts";

interface Row {
  who: string;
  rate_hz: number;
  achieved_hz: number;
  interval_p50_us: number;
  interval_p99_us: number;
  interval_max_us: number;
  /** Percent of one core. */
  cpu_percent: number;
  lost: number | null;
}

const say = (line: string) => process.stdout.write(`${line}\n`);

function rowOf(
  who: string,
  rate_hz: number,
  t_ns: number[],
  cpu_s: number,
  lost: number | null,
): Row {
  const span_s = (t_ns[t_ns.length - 1] - t_ns[0]) / 1e9;
  const intervals = sortedCopy(t_ns.slice(1).map((t, i) => (t - t_ns[i]) / 1e3));
  return {
    who,
    rate_hz,
    achieved_hz: (t_ns.length - 1) / span_s,
    interval_p50_us: quantile(intervals, 0.5),
    interval_p99_us: quantile(intervals, 0.99),
    interval_max_us: intervals[intervals.length - 1],
    cpu_percent: 100 * cpu_s / span_s,
    lost,
  };
}

/**
 * Builds a fake NVML with two GPUs, so that its code path is included in the figures; null without
 * a compiler.
 */
function buildFakeNvml(folder: string): string | null {
  const source = fileURLToPath(new URL("../../tests/native/fake_nvml.c", import.meta.url));
  const path = join(folder, "libnvidia-ml.so.1");
  const built = spawnSync("cc", ["-shared", "-fPIC", "-O2", "-pthread", "-o", path, source]);
  return built.status === 0 ? path : null;
}

async function native(rateHz: number, seconds: number, nvmlPath: string | null): Promise<Row> {
  const { library, reason } = await nativeLibrary(say);
  if (library === null) throw new Error(`no libdyno: ${reason}`);
  const metrics = ["cpu", "memory", ...(nvmlPath ? ["gpu"] : [])];
  using sampler = new NativeSampler(library, { rateHz, metrics, nvmlPath: nvmlPath ?? undefined });
  sampler.start();
  const t_ns: number[] = [];
  const end_ns = nowNs() + seconds * 1e9;
  const drain = () => {
    for (const batch of sampler.drainAll()) {
      for (let i = 0; i < batch.count; i++) t_ns.push(batch.t_ns(i));
    }
  };
  while (nowNs() < end_ns) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    drain();
  }
  sampler.stop();
  drain();
  const { cpu_ns, overruns } = sampler.status();
  const cpu_s = (cpu_ns.fast + cpu_ns.slow + cpu_ns.gpu) / 1e9;
  const with_gpu = nvmlPath ? " + fake NVML" : "";
  return rowOf(`libdyno, cpu + memory${with_gpu}`, rateHz, t_ns, cpu_s, overruns);
}

async function typescript(rate_hz: number, seconds: number): Promise<Row> {
  const t_ns: number[] = [];
  const before = process.cpuUsage();
  const start_ns = nowNs();
  while (nowNs() - start_ns < seconds * 1e9) {
    readFileSync("/proc/stat");
    readFileSync("/proc/meminfo");
    t_ns.push(nowNs());
    const due_ns = start_ns + t_ns.length * 1e9 / rate_hz;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, (due_ns - nowNs()) / 1e6)));
  }
  const { user, system } = process.cpuUsage(before);
  return rowOf("TypeScript, cpu + memory", rate_hz, t_ns, (user + system) / 1e6, null);
}

const PSUTIL = `
import json, sys, time, psutil
rate, seconds = float(sys.argv[1]), float(sys.argv[2])
times, start = [], time.monotonic_ns()
while time.monotonic_ns() - start < seconds * 1e9:
    psutil.cpu_times(); psutil.virtual_memory()
    times.append(time.monotonic_ns())
    time.sleep(max(0, (start + len(times) * 1e9 / rate - time.monotonic_ns()) / 1e9))
print(json.dumps([times, time.process_time()]))
`;

function psutil(rate_hz: number, seconds: number): Row | null {
  const ran = spawnSync("python3", ["-c", PSUTIL, String(rate_hz), String(seconds)], {
    encoding: "utf8",
    maxBuffer: 1e9,
  });
  if (ran.status !== 0) return null;
  const [t_ns, cpu_s] = JSON.parse(ran.stdout) as [number[], number];
  return rowOf("psutil, cpu + memory", rate_hz, t_ns, cpu_s, null);
}

function show(row: Row): void {
  const cell = (value: number, width: number, digits: number) =>
    value.toFixed(digits).padStart(width);
  say(
    `${row.who.padEnd(34)} ${cell(row.rate_hz, 6, 0)} ${cell(row.achieved_hz, 9, 1)} ` +
      `${cell(row.interval_p50_us, 9, 0)} ${cell(row.interval_p99_us, 9, 0)} ${
        cell(row.interval_max_us, 9, 0)
      } ` +
      `${cell(row.cpu_percent, 7, 2)} ${row.lost ?? "–"}`,
  );
}

const soak = process.argv.includes("--soak");
const folder = mkdtempSync(join(tmpdir(), "dyno-bench-"));
try {
  const fake = buildFakeNvml(folder);
  if (fake) process.env.DYNO_FAKE_NVML = "devices=2";
  say(`load ${loadavg().map((load) => load.toFixed(2)).join(" ")}`);
  say(`${"who".padEnd(34)}   rate  achieved    p50 µs    p99 µs    max µs   CPU % lost`);
  if (soak) show(await native(1000, 600, fake));
  for (const rate_hz of soak ? [] : [100, 1000, 10_000]) {
    show(await native(rate_hz, 5, fake));
    show(await typescript(rate_hz, 5));
    const row = psutil(rate_hz, 5);
    if (row) show(row);
    else say("psutil: not here (pip install psutil), left out");
  }
} finally {
  rmSync(folder, { recursive: true });
}
