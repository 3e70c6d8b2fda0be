/** The newest calibration of this host, kept between runs. */
import { mkdirSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { cacheFolders } from "../cache_folders.ts";
import { writeFileAtomic } from "../write.ts";
import type { Calibration } from "./calibrate.ts";
import type { CalibrationCited } from "./verdict.ts";

/** Where the calibration lies: beside the cache of libdyno. */
export function calibrationPath(): string {
  return join(dirname(cacheFolders()[0]), "calibration.json");
}

/** A ceiling below this share of the earlier one is a busy host's rather than another truth. */
const WORSE = 0.8;

/**
 * Keeps a calibration, unless the one that is kept is of the same host and clearly better: what else
 * ran beside this one is not a property of the host.
 *
 * @returns the better one that stays; null where this one was kept.
 * @throws {InputError} the file cannot be written.
 */
export function keepCalibration(calibration: Calibration): Calibration | null {
  const earlier = readCalibration();
  const isWorse = earlier !== null && earlier.cores === calibration.cores &&
    calibration.ceiling_events_per_s < WORSE * earlier.ceiling_events_per_s;
  if (isWorse) return earlier;
  mkdirSync(dirname(calibrationPath()), { recursive: true });
  writeFileAtomic(calibrationPath(), JSON.stringify(calibration, null, 2) + "\n");
  return null;
}

/** The calibration of this host, null where there is none. */
export function readCalibration(): Calibration | null {
  try {
    const calibration: Calibration = JSON.parse(readFileSync(calibrationPath(), "utf8"));
    return calibration.schema_version === 1 && calibration.hostname === hostname()
      ? calibration
      : null;
  } catch {
    return null; // none, or not ours
  }
}

/** What a calibration says about a load of this many streams on this transport. */
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
