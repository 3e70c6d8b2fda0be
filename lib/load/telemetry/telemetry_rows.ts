/** Makes a table of recorded pages: one row for each changed value. */
import { readMetadata } from "../../run/metadata.ts";
import { pageLines, type PageSeries } from "./page_log.ts";
import type { Row, RowTable } from "../../formats/parquet.ts";
import type { RunDirectory } from "../../run/directory.ts";

const COLUMNS: RowTable["columns"] = [
  { name: "run_id", type: "text" },
  { name: "time_unix_s", type: "number" },
  { name: "mono_ns", type: "count" },
  { name: "page", type: "text" },
  { name: "name", type: "text" },
  { name: "labels", type: "text" },
  { name: "value", type: "number" },
];

/**
 * Returns the values of all series of the runs' pages. A value holds until the next row of its
 * series; null is NaN or infinite. Labels are a JSON object.
 *
 * @throws {InputError} a run has no metadata.
 */
export async function telemetryRows(runs: readonly RunDirectory[]): Promise<RowTable<Row[]>> {
  const rows: Row[] = [];
  for (const directory of runs) {
    const { clock_anchor } = await readMetadata(directory);
    const { unix_s, mono_ns } = clock_anchor;
    const series = new Map<number, PageSeries & { text: string }>();
    for (const line of pageLines(directory)) {
      if ("series" in line) {
        for (const each of line.series) {
          series.set(each.id, { ...each, text: JSON.stringify(each.labels) });
        }
        continue;
      }
      for (const [id, value] of line.values) {
        const known = series.get(id);
        if (known === undefined) continue;
        rows.push({
          run_id: directory.run_id,
          time_unix_s: unix_s + (line.t_ns - Number(mono_ns)) / 1e9,
          mono_ns: Math.round(line.t_ns),
          page: known.page,
          name: known.name,
          labels: known.text,
          value,
        });
      }
    }
  }
  return { columns: COLUMNS, rows };
}
