/** The newest calibration of this host, kept between runs. */
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { cacheFolders } from "../cache_folders.ts";
import { makeFolder, writeFileAtomic } from "../write.ts";
import type { Calibration } from "./calibrate.ts";
import type { CalibrationCited } from "./verdict.ts";

/** Path of the calibration file, next to the cache of libdyno. */
export function calibrationPath(): string {
  return join(dirname(cacheFolders()[0]), "calibration.json");
}

/** A ceiling below this share of the earlier one means that the host was busy, not that it changed. */
const WORSE = 0.8;

/**
 * Keeps a calibration, unless the stored one is from the same host and clearly better: a low
 * ceiling shows what else was running, not what the host can do.
 *
 * @returns the stored calibration if it stays; null where the new one was kept.
 * @throws {InputError} the file cannot be written.
 */
export function keepCalibration(calibration: Calibration): Calibration | null {
  const earlier = readCalibration();
  const isWorse = earlier !== null && earlier.cores === calibration.cores &&
    calibration.ceiling_events_per_s < WORSE * earlier.ceiling_events_per_s;
  if (isWorse) return earlier;
  makeFolder(dirname(calibrationPath()));
  writeFileAtomic(calibrationPath(), JSON.stringify(calibration, null, 2) + "\n");
  return null;
}

/** Returns the calibration of this host; null where there is none. */
export function readCalibration(): Calibration | null {
  try {
    const calibration: Calibration = JSON.parse(readFileSync(calibrationPath(), "utf8"));
    return calibration.schema_version === 1 && calibration.hostname === hostname()
      ? calibration
      : null;
  } catch {
    return null; // no file, or not one of ours
  }
}

/**
 * Returns what a calibration says about a load of this many streams on this transport; null where
 * it says nothing.
 */
export function citeCalibration(
  calibration: Calibration | null,
  streams: number,
  transport: string,
): CalibrationCited | null {
  if (calibration === null || calibration.transport !== transport) return null;
  const nearest = calibration.cells.find((cell) => cell.streams >= streams) ??
    calibration.cells.at(-1);
  if (!nearest) return null;
  return {
    measured_at: calibration.measured_at,
    streams: nearest.streams,
    gap_error_p99_ms: nearest.gap_error_ms.p99,
    ttft_error_p99_ms: nearest.ttft_error_ms.p99,
    ceiling_events_per_s: calibration.ceiling_events_per_s,
  };
}
