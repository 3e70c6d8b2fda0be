/** Writes samples as CSV, and measures how much information is in them. */
import { closeSync, openSync } from "node:fs";
import { notWritten, writeAll } from "../write.ts";
import { csvLine } from "../formats/csv.ts";
import { sampleBatches, type SamplesDescription } from "./samples.ts";

/**
 * Writes a session's records as CSV: `t_s` since the first record, then a column for each field; an
 * empty cell is unknown.
 *
 * @throws {InputError} the file cannot be written.
 */
export function writeSamplesCsv(bin: string, description: SamplesDescription, csv: string): void {
  try {
    const fd = openSync(csv, "w");
    try {
      const { fields } = description;
      writeAll(fd, csvLine(["t_s", ...fields.map((field) => field.name)]));
      let first_ns: number | null = null;
      for (const batch of sampleBatches(bin, description)) {
        let rows = "";
        for (let i = 0; i < batch.count; i++) {
          first_ns ??= batch.t_ns(i);
          const t_s = ((batch.t_ns(i) - first_ns) / 1e9).toFixed(9);
          rows += csvLine([t_s, ...fields.map((_, field) => plain(batch.value(i, field)))]);
        }
        writeAll(fd, rows);
      }
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw notWritten(csv, error);
  }
}

/**
 * Without digits below a nanosecond or past the 15th, which come from binary fractions: 18198.67,
 * not 18198.670000000002. Whole numbers, such as bytes, keep all digits.
 */
function plain(value: number | null): number | null {
  if (value === null || Number.isInteger(value)) return value;
  return Number(Number(value.toFixed(9)).toPrecision(15));
}

/** The result of sampling: its real rate, and how often each source's values changed. */
export interface Information {
  records: number;
  achieved_hz: number;
  /**
   * By source: changes per second of the field that changed most. More samples would only repeat
   * values.
   */
  changes_hz: Record<string, number>;
}

/** Counts the changes in a session's records. */
export function informationIn(bin: string, description: SamplesDescription): Information {
  const changes = new Array<number>(description.fields.length).fill(0);
  let records = 0, first_ns = 0, last_ns = 0;
  for (const batch of sampleBatches(bin, description)) {
    for (let i = 0; i < batch.count; i++) {
      if (records++ === 0) first_ns = batch.t_ns(i);
      last_ns = batch.t_ns(i);
      changes.forEach((_, field) => {
        if (batch.fresh(i, field)) changes[field]++;
      });
    }
  }
  const span_s = (last_ns - first_ns) / 1e9;
  const changes_hz: Record<string, number> = {};
  description.fields.forEach(({ source }, field) => {
    const rate_hz = span_s > 0 ? changes[field] / span_s : 0;
    changes_hz[source] = Math.max(changes_hz[source] ?? 0, rate_hz);
  });
  return { records, achieved_hz: span_s > 0 ? (records - 1) / span_s : 0, changes_hz };
}
