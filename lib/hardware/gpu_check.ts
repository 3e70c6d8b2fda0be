/**
 * Checks what a GPU really answers: every NVML call once, and its energy counter compared with its
 * power readings, idle and under load. `dyno doctor --gpu` writes the result to a file; no
 * documentation has these facts.
 */
import { spawn } from "node:child_process";
import { messageOf } from "../errors.ts";
import { NativeSampler } from "../native/sampler.ts";
import { Nvml, type NvmlCall, type NvmlDescription } from "../native/nvml.ts";
import { energyOver, POWER_FIELDS } from "./energy.ts";
import { gpuNames } from "./performance.ts";
import { Series } from "./series.ts";
import type { NativeLibrary } from "../native/ffi.ts";

/** One device's energy over one span, measured in several ways; joules. */
export interface EnergyComparison {
  device: string;
  phase: "rest" | "load";
  span_s: number;
  /**
   * From its energy counter, and its error bound: one step at each end. Null: it has no counter.
   */
  counter_j: number | null;
  counter_error_j: number | null;
  /** From each of its power readings: the mean over the span times its duration. */
  integrated_j: Record<string, number>;
}

/** The result of {@linkcode checkGpus}. */
export interface GpuCheck {
  driver_version: string | null;
  nvml_version: string | null;
  /** Without UUIDs. */
  gpus: Omit<NvmlDescription["gpus"][number], "uuid">[];
  error: string | null;
  failed: NvmlDescription["failed"];
  calls: NvmlCall[];
  /** The load on the devices. */
  load: { ran: boolean; said: string };
  energy: EnergyComparison[];
  /** Median time between changes, ms, of fields that changed more than once. */
  update_period_ms: Record<string, number>;
  /** Time spent in NVML, as a share of the sampling time. */
  nvml_share: number;
}

/** Durations of the check. */
export interface GpuCheckOptions {
  rest_s: number;
  load_s: number;
}

const RATE_HZ = 100;
const DRAIN_MS = 50;
/** One record too many at each end does not matter in a span of seconds. */
const MOST_RECORDS = 100_000;

/** Multiplies matrices on all devices; the first word of its output says whether it did. */
const LOAD = `
import sys, time
try:
    import torch
except Exception as error:
    print("none: PyTorch cannot be imported:", error); sys.exit(0)
if not torch.cuda.is_available():
    print("none: PyTorch sees no CUDA device"); sys.exit(0)
places = [torch.device("cuda", i) for i in range(torch.cuda.device_count())]
half = [torch.randn(4096, 4096, device=place, dtype=torch.float16) for place in places]
print("load: PyTorch", torch.__version__, "multiplies matrices on", len(places), "device(s)", flush=True)
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    for matrix in half:
        for _ in range(16):
            torch.mm(matrix, matrix)
    for place in places:
        torch.cuda.synchronize(place)
`;

/**
 * Examines all devices of this host.
 *
 * @throws {Error} NVML is not available; the message says why.
 */
export async function checkGpus(
  library: NativeLibrary,
  { rest_s, load_s }: GpuCheckOptions,
): Promise<GpuCheck> {
  using nvml = new Nvml(library);
  const { driver_version, nvml_version, gpus, error, failed } = nvml.description;
  const calls = nvml.probe();
  const known = gpus.map(({ uuid: _, ...gpu }) => gpu);
  const found = { driver_version, nvml_version, gpus: known, error, failed, calls };
  if (gpus.length === 0) {
    const load = { ran: false, said: "no device to load" };
    return { ...found, load, energy: [], update_period_ms: {}, nvml_share: 0 };
  }
  using sampler = new NativeSampler(library, { rateHz: RATE_HZ, metrics: ["gpu"] });
  const series = new Series(sampler.layout, MOST_RECORDS);
  const drain = () => {
    for (const batch of sampler.drainAll()) series.append(batch, 0);
  };
  sampler.start();
  const timer = setInterval(drain, DRAIN_MS);
  const now_ns = () => series.length === 0 ? 0 : series.t_ns(series.length - 1);
  const energy: EnergyComparison[] = [];
  const compare = (phase: EnergyComparison["phase"], from_ns: number) => {
    drain();
    energy.push(...gpuNames(series).map((gpu) => compared(series, gpu, phase, from_ns, now_ns())));
  };
  try {
    // in its first second the sampler polls tightly, which itself uses power
    await new Promise((resolve) => setTimeout(resolve, 1200));
    drain();
    let from_ns = now_ns();
    await new Promise((resolve) => setTimeout(resolve, 1e3 * rest_s));
    compare("rest", from_ns);
    const load = await runLoad(load_s, () => {
      drain();
      from_ns = now_ns();
    });
    if (load.ran) compare("load", from_ns);
    sampler.stop();
    drain();
    const { fields, nvml_ns, elapsed_ns } = sampler.status();
    const periods = fields.filter(({ update_period_ns }) => update_period_ns !== null)
      .map(({ name, update_period_ns }) => [name, update_period_ns! / 1e6] as const);
    const update_period_ms = Object.fromEntries(periods);
    return { ...found, load, energy, update_period_ms, nvml_share: nvml_ns / elapsed_ns };
  } finally {
    clearInterval(timer);
  }
}

/** Runs the load until it ends; `onStart` is called when the devices start to work. */
function runLoad(load_s: number, onStart: () => void): Promise<GpuCheck["load"]> {
  return new Promise((resolve) => {
    const child = spawn("python3", ["-c", LOAD, String(load_s)], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let out = "", errors = "";
    child.stdout.on("data", (bytes) => {
      if (out === "") onStart();
      out += bytes;
    });
    child.stderr.on("data", (bytes) => errors += bytes);
    child.on("error", (error) => resolve({ ran: false, said: `no python3: ${messageOf(error)}` }));
    child.on("close", (code) => {
      const [, what, said] = /^(load|none): (.*)$/m.exec(out) ?? [];
      const fault = errors.trim().split("\n").at(-1) || `exit code ${code}`;
      if (code === 0 && what !== undefined) resolve({ ran: what === "load", said });
      else resolve({ ran: false, said: `python3: ${fault}` });
    });
  });
}

function compared(
  series: Series,
  device: string,
  phase: EnergyComparison["phase"],
  from_ns: number,
  to_ns: number,
): EnergyComparison {
  const span_s = (to_ns - from_ns) / 1e9;
  const counted = energyOver(series, device, from_ns, to_ns);
  const counter = counted?.method === "counter" ? counted : null;
  const integrated = POWER_FIELDS.flatMap((field) => {
    const watts = series.mean(`${device}.${field}`, from_ns, to_ns);
    return watts === null ? [] : [[field, watts * span_s] as const];
  });
  return {
    device,
    phase,
    span_s,
    counter_j: counter?.energy_j ?? null,
    counter_error_j: counter?.error_j ?? null,
    integrated_j: Object.fromEntries(integrated),
  };
}
