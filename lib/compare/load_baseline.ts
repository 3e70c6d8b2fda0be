/** A load's measured requests in one JSON file, so that a gate can compare with them elsewhere. */
import { Buffer } from "node:buffer";
import { existsSync } from "node:fs";
import { InputError } from "../errors.ts";
import { asObject } from "../json_fields.ts";
import { readRecords } from "../load/load_journal.ts";
import { runDirectoryAt } from "../run/directory.ts";
import { plainText } from "../run/plain_file.ts";
import { type RequestRecord, requestRecordForm } from "../run/request_record.ts";
import { tokenFilePath, TokenFileReader } from "../run/token_file.ts";
import { loadSettingsOf } from "./load_differences.ts";
import { type LoadSample, sampleOf } from "./load_sample.ts";
import type { LoadResults, StageResults } from "../load/results.ts";

/** The field of an exported load that holds them. */
export const BASELINE_FIELD = "load_baseline";

/** The data by which a load is compared. */
interface LoadBaseline {
  schema_version: 1;
  /** The settings that its figures depend on. Earlier versions of dyno exported none. */
  settings?: LoadSample["settings"];
  stages: Pick<StageResults, "name" | "window">[];
  /** Every measured request; `gaps_at` is an index into `gaps_ms`. */
  records: RequestRecord[];
  /** The gaps between token events, ms: float32, little-endian, base64. */
  gaps_ms: string;
}

/** A load's baseline from its run directory. @throws the system's error when files are missing. */
export async function loadBaselineOf(path: string): Promise<LoadBaseline> {
  const directory = runDirectoryAt(path);
  const { stages }: LoadResults = JSON.parse(plainText(directory.results));
  const all = (await readRecords(directory)).filter(({ warmup }) => !warmup);
  using tokens = existsSync(tokenFilePath(directory)) ? new TokenFileReader(directory) : null;
  const parts: Buffer[] = [];
  let at = 0;
  const records = all.map((record) => {
    const gaps = tokens?.gapsOf(record) ?? new Float32Array();
    parts.push(Buffer.from(gaps.buffer, gaps.byteOffset, gaps.byteLength));
    const own = { ...record, gaps_at: at, gaps: gaps.length };
    at += gaps.length;
    return own;
  });
  return {
    schema_version: 1,
    settings: loadSettingsOf(directory),
    stages: stages.map(({ name, window }) => ({ name, window })),
    records,
    gaps_ms: Buffer.concat(parts).toString("base64"),
  };
}

/**
 * The part of an exported load that a gate reads.
 *
 * @param path the file, for the error message.
 * @throws {InputError} it was exported without this part, as by an earlier version, or is damaged.
 */
export function sampleOfBaseline(path: string, run_id: string, exported: unknown): LoadSample {
  const baseline = asObject(asObject(exported)?.[BASELINE_FIELD]);
  if (baseline === null) {
    throw new InputError(
      `${path}: an exported load without its requests' times, from an earlier dyno or another program; ` +
        "export it again, or give the run's folder",
    );
  }
  const whole = baseline as unknown as LoadBaseline;
  const { settings, stages, records, gaps_ms, schema_version } = whole;
  const misfit: string[] = [];
  const isWhole = schema_version === 1 && Array.isArray(stages) && Array.isArray(records) &&
    typeof gaps_ms === "string" && records.every((record) => requestRecordForm(record, misfit)) &&
    stages.every(({ window }) => typeof window?.start_ns === "number");
  if (!isWhole) {
    const where = misfit.length ? ` (records: ${misfit.join(".")})` : "";
    throw new InputError(`${path}: ${BASELINE_FIELD} is damaged${where}; export the load again`);
  }
  const bytes = Buffer.from(gaps_ms, "base64");
  const gapsOf = ({ gaps_at, gaps }: RequestRecord) =>
    Float32Array.from({ length: gaps }, (_, i) => bytes.readFloatLE((gaps_at + i) * 4));
  return sampleOf(run_id, records, stages, (read) => read(gapsOf), asObject(settings));
}
