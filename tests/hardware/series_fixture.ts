/** Series with known values. */
import { Series } from "../../lib/hardware/series.ts";
import { SampleBatch } from "../../lib/native/sample_batch.ts";
import type { SamplerLayout } from "../../lib/native/sample_batch.ts";

/** t_ns, tick, nvml_ns, valid, fresh. */
const WORDS = 5;

/** Records at given times, in nanoseconds, with their layout. */
export function batchOf(fields: Record<string, number[]>, t_ns: number[]): SampleBatch {
  const names = Object.keys(fields);
  const layout = {
    record_bytes: 8 * (WORDS + names.length),
    valid: { offset: 24, bytes: 8 },
    fresh: { offset: 32, bytes: 8 },
    fields: names.map((name, i) => ({ name, offset: 8 * (WORDS + i) })),
  } as SamplerLayout;
  const words = new Float64Array(t_ns.length * (WORDS + names.length));
  const masks = new Uint32Array(words.buffer);
  t_ns.forEach((t, i) => {
    const row = i * (WORDS + names.length);
    words[row] = t;
    names.forEach((name, field) => {
      if (Number.isNaN(fields[name][i])) return;
      words[row + WORDS + field] = fields[name][i];
      masks[2 * (row + 3)] |= 1 << field;
    });
  });
  return new SampleBatch(layout, words.buffer, t_ns.length);
}

/** A series of such records. */
export function seriesOf(
  fields: Record<string, number[]>,
  t_ns: number[],
  capacity = 1000,
): Series {
  const batch = batchOf(fields, t_ns);
  const series = new Series(batch.layout, capacity);
  series.append(batch, 0);
  return series;
}
