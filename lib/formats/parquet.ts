/** Tables as Parquet. */
import type { BasicType } from "hyparquet-writer";

/** A column: what its values are where they are known. */
export interface RowColumn {
  name: string;
  type: "text" | "number" | "count" | "flag";
}

/** A row by the names of its columns; null is unknown. */
export type Row = Record<string, string | number | boolean | null>;

/** Rows and what they consist of. */
export interface RowTable {
  columns: readonly RowColumn[];
  rows: Row[];
}

const TYPES: Record<RowColumn["type"], BasicType> = {
  text: "STRING",
  number: "DOUBLE",
  count: "INT64",
  flag: "BOOLEAN",
};

/** The bytes of a Parquet file, compressed with Snappy; null stays null. */
export async function parquetOf({ columns, rows }: RowTable): Promise<Uint8Array> {
  const { parquetWriteBuffer } = await import("hyparquet-writer"); // only when it is asked for
  const columnData = columns.map(({ name, type }) => ({
    name,
    type: TYPES[type],
    data: rows.map((row) => valueOf(row[name], type)),
  }));
  return new Uint8Array(parquetWriteBuffer({ columnData, createdBy: "dyno" }));
}

function valueOf(value: Row[string], type: RowColumn["type"]): Row[string] | bigint {
  if (typeof value === "string") return value.toWellFormed();
  // a count of another program may be no whole number
  return type === "count" && typeof value === "number" ? BigInt(Math.round(value)) : value;
}
