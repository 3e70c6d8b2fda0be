/** The sampler without native code: a timer makes the same records, at lower rates. */
import { Buffer } from "node:buffer";
import { InputError, messageOf } from "../errors.ts";
import { didYouMean } from "../text/nearest.ts";
import { nowNs } from "../native/clock.ts";
import { SampleBatch, type SamplerLayout } from "../native/sample_batch.ts";
import { cgroupSource } from "./cgroup.ts";
import { cpuSource, runtimeCpuSource } from "./cpu.ts";
import { diskSource, networkSource } from "./io.ts";
import { memorySource, runtimeMemorySource } from "./memory.ts";
import { frequencySource, temperatureSource } from "./sensors.ts";
import process from "node:process";
import type { PortableSource } from "./source.ts";

/** Names of the native sampler's sources. */
const METRICS: readonly string[] = [
  "cpu",
  "cores",
  "frequency",
  "memory",
  "pressure",
  "disk",
  "network",
  "temperature",
  "rapl",
  "process",
  "cgroup",
  "gpu",
  "gpm",
];
const HEADER_WORDS = 3;
const SLOW_PERIOD_NS = 0.95e9;
/** Reading may use this share of one core; above it the rate is lowered. */
const COST_LIMIT = 0.01;
const LEAST_RATE_HZ = 1;

interface OpenSource {
  name: string;
  where: string;
  slow: boolean;
  /** Null if this host does not have it. */
  source: PortableSource | null;
  note: string | null;
  at: number;
  read_ns: number;
}

/** Counters and gauges of the host, from /proc and /sys. */
export class PortableSampler {
  readonly layout: SamplerLayout;
  readonly start_ns = nowNs();
  readonly #sources: OpenSource[];
  readonly #values: Float64Array;
  readonly #words: number;
  readonly #maskWords: number;
  #last: Float64Array;
  #records: Float64Array[] = [];
  #tick = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  /**
   * @param root the folder that replaces `/` for /proc and /sys.
   * @param metrics sources by the native sampler's names; those that need native code are ignored.
   * @throws {InputError} an unknown name.
   */
  constructor(rate_hz: number, root = "/", metrics: readonly string[] = METRICS) {
    for (const name of metrics) {
      if (!METRICS.includes(name)) {
        throw new InputError(`metrics: "${name}" is not known${didYouMean(name, METRICS)}`);
      }
    }
    this.#sources = openSources(root, metrics);
    const fields = this.#sources.flatMap(({ name, source }) =>
      (source?.fields ?? []).map((field) => ({ ...field, source: name }))
    );
    this.#values = new Float64Array(fields.length).fill(NaN);
    this.#last = this.#values.slice();
    this.#maskWords = Math.ceil(fields.length / 64);
    this.#words = HEADER_WORDS + 2 * this.#maskWords + fields.length;
    const first = HEADER_WORDS + 2 * this.#maskWords;
    this.layout = {
      abi: 1,
      rate_hz: this.#affordable(rate_hz),
      ring_records: 0,
      record_bytes: 8 * this.#words,
      header: ["t_ns", "tick", "nvml_ns"].map((name, i) => ({
        name,
        unit: name === "tick" ? "1" : "ns",
        kind: name === "nvml_ns" ? "gauge" : "counter",
        type: "f64",
        offset: 8 * i,
        source: name === "nvml_ns" ? "gpu" : "clock",
      })),
      valid: { offset: 8 * HEADER_WORDS, bytes: 8 * this.#maskWords },
      fresh: { offset: 8 * (HEADER_WORDS + this.#maskWords), bytes: 8 * this.#maskWords },
      fields: fields.map((field, i) => ({ ...field, type: "f64", offset: 8 * (first + i) })),
      sources: this.#describeSources(),
    };
  }

  /** Starts the timer; the first record is taken immediately. */
  start(): void {
    this.#sample();
    this.#tick = Math.floor((nowNs() - this.start_ns) * this.layout.rate_hz / 1e9) + 1;
    const due_ns = this.start_ns + this.#tick * 1e9 / this.layout.rate_hz;
    this.#timer = setTimeout(() => this.start(), Math.max(0, (due_ns - nowNs()) / 1e6));
  }

  /** The records since the last drain. */
  *drainAll(): Generator<SampleBatch> {
    if (this.#records.length === 0) return;
    const words = new Float64Array(this.#records.length * this.#words);
    this.#records.forEach((record, i) => words.set(record, i * this.#words));
    const count = this.#records.length;
    this.#records = [];
    yield new SampleBatch(this.layout, words.buffer, count);
  }

  /** Takes a last record and stops the timer. */
  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#sample();
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const { source } of this.#sources) source?.close();
    this.#sources.length = 0;
  }

  #sample(): void {
    const t_ns = nowNs();
    for (const open of this.#sources) {
      if (!open.slow || open.read_ns === 0 || t_ns - open.read_ns >= SLOW_PERIOD_NS) {
        this.#read(open, t_ns);
      }
    }
    const record = new Float64Array(this.#words);
    const masks = Buffer.from(record.buffer);
    record[0] = t_ns - this.start_ns;
    record[1] = this.#tick;
    const { valid, fresh, fields } = this.layout;
    this.#values.forEach((value, i) => {
      if (Number.isNaN(value)) return;
      const bit = 1 << (i & 7);
      masks[valid.offset + (i >> 3)] |= bit;
      if (value !== this.#last[i]) masks[fresh.offset + (i >> 3)] |= bit;
      record[fields[i].offset / 8] = value;
    });
    this.#last = this.#values.slice();
    this.#records.push(record);
  }

  #read(open: OpenSource, t_ns: number): void {
    if (open.source === null) return;
    try {
      open.source.read(this.#values, open.at);
      open.read_ns = t_ns;
    } catch (error) {
      open.note = `no longer read: ${messageOf(error)}`;
      this.#values.fill(NaN, open.at, open.at + open.source.fields.length);
      open.source.close();
      open.source = null;
      this.layout.sources.splice(0, Infinity, ...this.#describeSources());
    }
  }

  /** The rate, lowered if one reading takes so long that sampling would disturb the run. */
  #affordable(rate_hz: number): number {
    const cost_ns = Math.min(...[1, 2, 3].map(() => this.#readingCost()));
    const affordable_hz = Math.max(LEAST_RATE_HZ, Math.floor(COST_LIMIT * 1e9 / cost_ns));
    return Math.min(rate_hz, affordable_hz);
  }

  #readingCost(): number {
    const begin_ns = nowNs();
    for (const open of this.#sources) if (!open.slow) this.#read(open, begin_ns);
    return nowNs() - begin_ns;
  }

  #describeSources(): SamplerLayout["sources"] {
    return this.#sources.map(({ name, where, slow, source, note }) => ({
      name,
      where,
      thread: slow ? "slow" : "fast",
      available: source !== null,
      note,
    }));
  }
}

function openSources(root: string, metrics: readonly string[]): OpenSource[] {
  const kinds: [string, string, boolean, () => PortableSource | null][] = [
    ["cpu", "/proc/stat", false, () => orRuntime(root, cpuSource, runtimeCpuSource)],
    ["memory", "/proc/meminfo", false, () => orRuntime(root, memorySource, runtimeMemorySource)],
    ["cgroup", "control groups", false, () => cgroupSource(root)],
    ["disk", "/proc/diskstats", false, () => diskSource(root)],
    ["network", "/proc/net/dev", false, () => networkSource(root)],
    ["process", "getrusage", false, () => ownProcessSource()],
    ["temperature", "/sys/class/hwmon", true, () => temperatureSource(root)],
    ["frequency", "cpufreq, /proc/cpuinfo", true, () => frequencySource(root)],
  ];
  let at = 0;
  const wanted = kinds.filter(([name]) => metrics.includes(name));
  const opened = wanted.map(([name, where, slow, open]): OpenSource => {
    const { source, note: why } = tryOpen(open);
    const note = name === "cgroup" && source === null ? null : why; // the absence of a limit is not a lack
    const placed = { name, where, slow, source, note, at, read_ns: 0 };
    at += source?.fields.length ?? 0;
    return placed;
  });
  if (!metrics.includes("gpu")) return opened;
  const note = "needs libdyno, which is not in use (dyno doctor says why)";
  return [
    ...opened,
    { name: "gpu", where: "NVML", slow: false, source: null, note, at, read_ns: 0 },
  ];
}

/** Without permission for /proc, or without /proc, the runtime provides some values. */
function orRuntime(
  root: string,
  open: (root: string) => PortableSource,
  runtime: () => PortableSource,
): PortableSource {
  try {
    return open(root);
  } catch (error) {
    if (root !== "/") throw error;
    return runtime();
  }
}

function tryOpen(open: () => PortableSource | null): Pick<OpenSource, "source" | "note"> {
  try {
    const source = open();
    return { source, note: source === null ? "none on this host" : null };
  } catch (error) {
    return { source: null, note: messageOf(error) };
  }
}

/** This process. */
function ownProcessSource(): PortableSource {
  return {
    fields: [
      { name: "process.dyno.cpu_s", unit: "s", kind: "counter" },
      { name: "process.dyno.rss_bytes", unit: "bytes", kind: "gauge" },
    ],
    read(values, at) {
      const { user, system } = process.cpuUsage();
      values[at] = (user + system) / 1e6;
      values[at + 1] = process.memoryUsage().rss;
    },
    close() {},
  };
}
