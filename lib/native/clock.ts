/**
 * The only clock: CLOCK_MONOTONIC in nanoseconds, the clock that the kernel and all native threads
 * use.
 *
 * `performance.now()` runs on the same clock from another origin. The offset between the two is
 * read once: through libc under Deno and Bun, and through `process.hrtime` (the same clock) under
 * Node. If neither is available, the origin is the process's start, and the anchor says so.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import process from "node:process";

/**
 * The clock that timestamps use: comparable between processes of one boot, or valid in this process
 * only.
 */
export type ClockSource = "CLOCK_MONOTONIC" | "process";

/** Relates monotonic timestamps to wall-clock time and to the boot they belong to. */
export interface ClockAnchor {
  /** The clock that timestamps use. */
  source: ClockSource;
  /** Monotonic time at the anchor, nanoseconds, decimal digits (it may pass 2^53). */
  mono_ns: string;
  /** Wall-clock time at the anchor, seconds since 1970. */
  unix_s: number;
  /** The kernel's boot id; null if it cannot be read. */
  boot_id: string | null;
}

const CLOCK_MONOTONIC = 1;
const CALIBRATION_READS = 16;

/** Nanoseconds to add to `performance.now()`, from the read with the narrowest bracket. */
function calibrate(readMonotonicNs: () => number): number {
  let narrowest = Infinity;
  let offset = 0;
  for (let i = 0; i < CALIBRATION_READS; i++) {
    const before = performance.now();
    const monotonic = readMonotonicNs();
    const after = performance.now();
    if (after - before < narrowest) {
      narrowest = after - before;
      offset = monotonic - (before + after) / 2 * 1e6;
    }
  }
  return offset;
}

function denoOffset(): number | null {
  const deno = (globalThis as { Deno?: typeof Deno }).Deno;
  if (!deno) return null;
  try {
    const libc = deno.dlopen("libc.so.6", {
      clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
    });
    try {
      const timespec = new BigInt64Array(2);
      return calibrate(() => {
        libc.symbols.clock_gettime(CLOCK_MONOTONIC, timespec);
        return Number(timespec[0]) * 1e9 + Number(timespec[1]);
      });
    } finally {
      libc.close();
    }
  } catch {
    return null; // no permission for FFI, or another libc: timestamps are valid in this process only
  }
}

/**
 * Bun's `process.hrtime` starts at the process's start, so this reads libc's clock through Bun's
 * FFI.
 */
function bunOffset(): number | null {
  if (!("Bun" in globalThis)) return null;
  try {
    const { dlopen, ptr } = createRequire(process.execPath)("bun:ffi");
    const libc = dlopen("libc.so.6", { clock_gettime: { args: ["i32", "ptr"], returns: "i32" } });
    const timespec = new BigInt64Array(2);
    const room = ptr(timespec);
    const offset = calibrate(() => {
      libc.symbols.clock_gettime(CLOCK_MONOTONIC, room);
      return Number(timespec[0]) * 1e9 + Number(timespec[1]);
    });
    libc.close();
    return offset;
  } catch {
    return null; // not Linux, or another libc
  }
}

function nodeOffset(): number | null {
  if ("Deno" in globalThis || "Bun" in globalThis || process.platform !== "linux") return null;
  return calibrate(() => Number(process.hrtime.bigint()));
}

const offsetNs = denoOffset() ?? bunOffset() ?? nodeOffset();

/** Which clock {@linkcode nowNs} reads. */
export const clockSource: ClockSource = offsetNs === null ? "process" : "CLOCK_MONOTONIC";

/**
 * The current time in nanoseconds of CLOCK_MONOTONIC. A double is exact to 2 ns until 208 days
 * after boot; the timer itself advances in steps of 70 ns.
 */
export function nowNs(): number {
  return performance.now() * 1e6 + (offsetNs ?? 0);
}

/** Reads both clocks at the same time, for a run's metadata. */
export function clockAnchor(): ClockAnchor {
  let boot_id: string | null = null;
  try {
    boot_id = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch { /* not Linux, or not permitted */ }
  return {
    source: clockSource,
    mono_ns: BigInt(Math.round(nowNs())).toString(),
    unix_s: Date.now() / 1000,
    boot_id,
  };
}
